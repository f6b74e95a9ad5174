"""Reminding at the command line: what a morning would tell, why somebody was told nothing, the Office's worklist."""

from datetime import date
from typing import Any

import click
import msgspec
from marshmallow import ValidationError

from cchc.cli.group import Group
from cchc.cli.options import Day, commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail, table
from services.notifications import letters, queries
from services.notifications.commands import execute
from services.notifications.domain.policy import PublishPolicy
from services.notifications.domain.texts import AUDIENCES, BASES, CHANNELS, REASONS, RULES, URGENCIES
from services.notifications.domain.urging import UrgeTasks
from services.notifications.domain.worklist import SECTIONS, Section
from services.notifications.schemas import PolicyBody, moment
from services.notifications.views import PROJECTION, policies, policy_in_force, require_person
from shared.decoding import read_any
from shared.eventlog import reading
from shared.events import VIETNAM, format_time, parse_time
from shared.projection import Runner
from shared.web.auth import Principal
from shared.web.problems import pointed

WORDS: dict[Section, str] = {
    "undone": "Quá hạn, chưa làm",
    "late": "Quá hạn, đang làm",
    "due_soon": "Sắp đến hạn",
    "waiting": "Chờ xác nhận kết quả",
    "extensions": "Xin gia hạn",
    "checks": "Thường xuyên",
}


def _at(_: Any, __: Any, written: str | None) -> str | None:
    if written is None:
        return None
    try:
        return moment(written)
    except (ValueError, OverflowError):
        raise click.BadParameter("Ghi ngày (2024-11-28) hoặc thời điểm (2024-11-28T08:00).") from None


at_option = click.option(
    "--at", callback=_at, help="Ngày (lúc hết ngày) hoặc thời điểm, giờ Việt Nam; mặc định: bây giờ."
)


@click.group("remind", cls=Group)
def remind_command() -> None:
    """Nhắc việc, đôn đốc: xem trước, hỏi vì sao, việc của Văn phòng."""


@remind_command.command("preview")
@at_option
@click.option("--staff", metavar="MÃ_CÁN_BỘ", help="Chỉ một người.")
@commune_option
@json_option
@with_installation
def preview(
    installation: Installation, at: str | None, staff: str | None, commune: str | None, json_output: bool
) -> None:
    """Ai sẽ nhận gì, qua kênh nào, vì sao; không gửi và không ghi gì."""
    commune = _known(installation, commune)
    found = queries.preview(installation.notifications, commune, at or format_time(installation.clock()), staff)
    if json_output:
        as_json(found)
        return
    table(
        ("Người nhận", "Kênh", "Vì", "Về việc", "Ngày", "Không gửi vì"),
        [
            (
                each.recipient,
                each.channel_text,
                each.rule_text,
                each.title,
                f"{each.run_on:%d/%m/%Y}",
                each.suppressed_text,
            )
            for each in found.wanted
        ],
    )
    for problem in found.problems:
        click.echo(f"Chưa công bố lịch làm việc năm {problem.params['year']}: cchc calendar publish.", err=True)
    if not found.wanted:
        click.echo("Lúc ấy không có gì để nhắc.", err=True)


@remind_command.command("why")
@click.option("--staff", metavar="MÃ_CÁN_BỘ", required=True)
@click.option("--day", required=True, type=Day(), help="Ngày, dạng 2024-11-28.")
@commune_option
@json_option
@with_installation
def why(installation: Installation, staff: str, day: date, commune: str | None, json_output: bool) -> None:
    """Ngày ấy một người được nhắc những gì; việc nào không nhắc thì vì sao. Đọc từ nhật ký."""
    commune = _known(installation, commune)
    now = format_time(installation.clock())
    asking = Principal("operator/cli", commune, frozenset({"office"}))
    lines = queries.why_then(installation.notifications, asking, commune, staff, day, now)
    if json_output:
        as_json(lines)
        return
    table(
        ("Về việc", "Quy tắc", "Kênh", "Trả lời"),
        [(line.title, line.rule_text, CHANNELS.get(line.channel or "", ""), line.text) for line in lines],
    )
    if not lines:
        click.echo(f"{staff} không có nhiệm vụ nào để nhắc.", err=True)


@remind_command.command("worklist")
@at_option
@commune_option
@json_option
@with_installation
def worklist(installation: Installation, at: str | None, commune: str | None, json_output: bool) -> None:
    """Việc của Văn phòng: quá hạn, sắp đến hạn, chờ xác nhận, xin gia hạn, tin phải gửi tay."""
    commune = _known(installation, commune)
    found = queries.worklist_at(installation.notifications, commune, at or format_time(installation.clock()))
    if json_output:
        as_json(found)
        return
    table(
        ("Mục", "Việc", "Chủ trì", "Hạn", "Ngày làm việc", "Đã nhắc", "Mã"),
        [
            (WORDS[section], row.title, row.post or row.lead, _day(row.due), row.days, row.reminders, row.task)
            for section in SECTIONS
            for row in getattr(found, section)
        ]
        + [
            (
                "Gửi tay",
                RULES.get(each.rule, each.rule),
                each.post or each.recipient,
                _day(each.run_on),
                None,
                None,
                each.reminder,
            )
            for each in found.undelivered
        ],
    )
    counts = [f"{WORDS[section].lower()} {len(getattr(found, section))}" for section in SECTIONS]
    click.echo(f"Ngày {found.on:%d/%m/%Y}: {', '.join(counts)}, gửi tay {len(found.undelivered)}.", err=True)
    for year in found.missing:
        click.echo(f"Chưa công bố lịch làm việc năm {year}: không tính được ngày làm việc.", err=True)


@remind_command.command("inbox")
@click.option("--staff", metavar="MÃ_CÁN_BỘ", required=True)
@commune_option
@json_option
@with_installation
def inbox(installation: Installation, staff: str, commune: str | None, json_output: bool) -> None:
    """Hộp tin của một người; tin chưa xem trước."""
    commune = _known(installation, commune)
    service = installation.notifications
    with reading(service.engine, commune) as connection:
        require_person(connection, commune, staff)
    found = letters.inbox(service, commune, staff)
    found.sort(key=lambda each: each.acknowledged_at is not None)
    lying = letters.letters(service, commune, found, format_time(installation.clock()))
    if json_output:
        as_json(lying)
        return
    table(
        ("Lúc", "Đã xem", "Tin", "Mã"),
        [
            (
                _clock(each.reminder.state_at),
                "có" if each.reminder.acknowledged_at else "",
                each.item.text,
                each.reminder.reminder,
            )
            for each in lying
        ],
    )
    if not lying:
        click.echo(f"Hộp tin của {staff} trống.", err=True)


@remind_command.command("urge")
@click.argument("tasks", metavar="NHIỆM_VỤ...", nargs=-1, required=True)
@click.option("--by", metavar="MÃ_CÁN_BỘ", required=True, help="Ai đôn đốc (Văn phòng, lãnh đạo).")
@click.option("--note", help="Ý kiến đôn đốc; không ghi thông tin cá nhân.")
@commune_option
@json_option
@with_installation
def urge_command(
    installation: Installation,
    tasks: tuple[str, ...],
    by: str,
    note: str | None,
    commune: str | None,
    json_output: bool,
) -> None:
    """Đôn đốc ngay người chủ trì của các nhiệm vụ; mỗi việc mỗi ngày một lần."""
    commune = _known(installation, commune)
    service = installation.notifications
    roles = service.roles_in_force(commune, by)
    if roles.isdisjoint({"chair", "vice_chair", "office"}):
        fail(f"{by} không phải Văn phòng hay lãnh đạo, nên không đôn đốc được.")
    asking = Principal(f"staff/{by}", commune, roles)
    done = execute(service, asking, UrgeTasks(tasks=list(tasks), note=note), commune=commune)
    if json_output:
        as_json(done.result)
        return
    table(
        ("Nhiệm vụ", "Kết quả"),
        [(each["task"], OUTCOMES.get(each["outcome"], each["outcome"])) for each in done.result],
    )


OUTCOMES = REASONS | {
    "queued": "đã xếp hàng gửi",
    "urged_today": "hôm nay đã đôn đốc",
    "unknown": "không có nhiệm vụ này",
}


@remind_command.group("policy", cls=Group)
def policy_group() -> None:
    """Chính sách nhắc việc."""


@policy_group.command("show")
@commune_option
@json_option
@with_installation
def show_policy(installation: Installation, commune: str | None, json_output: bool) -> None:
    """Chính sách đang dùng."""
    commune = _known(installation, commune)
    with reading(installation.notifications.engine, commune) as connection:
        policy = policy_in_force(policies(connection, commune), format_time(installation.clock()))
    if json_output:
        as_json(PolicyBody().dump(policy))
        return
    table(
        ("Quy tắc", "Mốc", "Ngày làm việc", "Lúc", "Báo cho", "Cách báo", "Kênh"),
        [
            (
                RULES.get(each.rule, each.rule),
                BASES[each.base],
                each.offset_days,
                each.at,
                ", ".join(AUDIENCES[one] for one in each.audience),
                URGENCIES[each.urgency],
                ", ".join(CHANNELS[one] for one in each.channels),
            )
            for each in policy.rules
        ],
    )
    spans = ", ".join(f"{span.from_}–{span.to}" for span in policy.quiet.spans)
    click.echo(f"{policy.policy}: không gửi lúc {spans}{' và ngày nghỉ' if policy.quiet.days_off else ''}.", err=True)


@policy_group.command("publish")
@click.argument("file", type=click.File("rb"))
@click.option("--by", metavar="MÃ_CÁN_BỘ", required=True, help="Ai công bố (Chủ tịch, Văn phòng).")
@commune_option
@with_installation
def publish(installation: Installation, file: Any, by: str, commune: str | None) -> None:
    """Công bố bản sửa từ tệp JSON (dạng như `policy show --json` in ra)."""
    commune = _known(installation, commune)
    service = installation.notifications
    roles = service.roles_in_force(commune, by)
    if roles.isdisjoint({"chair", "office"}):
        fail(f"{by} không phải Chủ tịch hay Văn phòng, nên không công bố được.")
    try:
        policy = msgspec.convert(PolicyBody().load(read_any(file.read())), PublishPolicy)
    except ValidationError as error:
        fail("\n".join(f"{file.name}{each['pointer']}: {each['detail']}" for each in pointed(error.messages, "#")))
    except msgspec.DecodeError as error:
        fail(f"{file.name}: không phải JSON ({error}).")
    with reading(service.engine, commune) as connection:
        version = len(policies(connection, commune))
    done = execute(service, Principal(f"staff/{by}", commune, roles), policy, commune=commune, if_match=version)
    click.echo(f"Đã công bố {policy.policy} (vị trí {done.position}).")


def _known(installation: Installation, commune: str | None) -> str:
    """The commune, with its records as far as the logs here go."""
    found = the_commune(installation, commune)
    service = installation.notifications
    Runner(service.engine, service.logs, PROJECTION).catch_up()
    return found


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _clock(time: str) -> str:
    return f"{parse_time(time).astimezone(VIETNAM):%d/%m/%Y %H:%M}"
