"""Communes at the command line: opened, listed, closed, with their settings, roles of people, and merged."""

import csv
import io
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from marshmallow import ValidationError

from cchc.cli.group import Group
from cchc.cli.options import Day, commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail, table, write
from services.tasks import merging, personal, views
from services.tasks.commands import execute
from services.tasks.domain.communes import ChooseCommuneSettings, CloseCommune, Commune, OpenCommune
from services.tasks.domain.context import Command, canonical
from services.tasks.domain.merging import Merger, Newcomer, Newcomers, calendars_that_differ, summary
from services.tasks.domain.organisation import ChangeStaff
from services.tasks.schemas import CloseCommuneBody, OpenCommuneBody, SettingsBody
from shared.dates import day_month_year
from shared.decoding import read_any
from shared.eventlog import Appended, reading
from shared.eventlog.signer import sign_now
from shared.events import StaffAppointed, format_time, local_day
from shared.events.values import Role
from shared.web.auth import COMMUNE, Principal
from shared.web.schema import Schema, composed, faults

OPERATOR = "operator/cchc"


@click.group("commune", cls=Group)
def commune_command() -> None:
    """Xã: mở, liệt kê, kết thúc, cài đặt, trao vai trò, sắp xếp (nhập nhiều xã thành một)."""


# Opening, closing


@commune_command.command("open")
@click.argument("commune", metavar="MÃ_XÃ")
@click.option("--name", required=True, help='Tên đơn vị, ví dụ "xã Tiên Cảnh".')
@click.option("--code", required=True, help="Mã đơn vị hành chính, ví dụ 20878.")
@click.option("--valid-from", required=True, type=Day(), help="Ngày đầu tiên.")
@click.option("--parent", help="Đơn vị cấp trên.")
@with_installation
def open_(installation: Installation, commune: str, name: str, code: str, valid_from: date, parent: str | None) -> None:
    """Mở một xã. MÃ_XÃ là mã riêng của hệ thống này (chữ thường, số, gạch ngang), không đổi và không dùng lại."""
    _must_be_an_id(commune)
    said = _checked(OpenCommuneBody, name=name, code=code, valid_from=valid_from.isoformat(), parent=parent)
    done = _execute(installation, commune, OpenCommune(**said))
    click.echo(f"Đã mở {name} ({commune}), sự kiện #{done.position}.")
    click.echo("Tiếp theo: cchc calendar publish, cchc import roster, cchc commune roles.", err=True)


@commune_command.command("list")
@json_option
@with_installation
def list_(installation: Installation, json_output: bool) -> None:
    """Các xã: tên, mã đơn vị, ngày bắt đầu, ngày kết thúc và xã kế tiếp, vị trí cuối của nhật ký."""
    found = []
    for commune, head in sorted(installation.tasks.log.heads().items()):
        state = _state(installation, commune)
        found.append({"id": commune, **msgspec.structs.asdict(state), "position": head.position, "hash": head.hash})
    if json_output:
        as_json(found)
        return
    table(
        ("Mã xã", "Tên", "Mã đơn vị", "Từ ngày", "Kết thúc", "Xã kế tiếp", "Vị trí cuối"),
        [
            (
                one["id"],
                one["name"],
                one["code"],
                day_month_year(one["valid_from"]),
                day_month_year(one["closed_on"]),
                ", ".join(one["successors"]),
                one["position"],
            )
            for one in found
        ],
    )


@commune_command.command("close")
@click.argument("commune", metavar="MÃ_XÃ")
@click.option("--on", required=True, type=Day(), help="Ngày cuối cùng.")
@click.option("--successor", "successors", multiple=True, help="Mã xã kế tiếp; lặp lại được.")
@click.option("--legal-basis", required=True, help="Văn bản làm căn cứ.")
@with_installation
def close(installation: Installation, commune: str, on: date, successors: tuple[str, ...], legal_basis: str) -> None:
    """Kết thúc một xã mà không chuyển gì sang xã khác; khi sắp xếp đơn vị hành chính thì dùng cchc commune merge."""
    commune = the_commune(installation, commune)
    said = _checked(CloseCommuneBody, on=on.isoformat(), successors=list(successors), legal_basis=legal_basis)
    done = _execute(installation, commune, CloseCommune(**said))
    click.echo(f"Đã kết thúc {commune} vào {day_month_year(on)} (sự kiện #{done.position}).")


# Settings, roles


@commune_command.command("settings")
@click.argument("commune", metavar="MÃ_XÃ")
@click.argument("chosen", metavar="[TÊN=GIÁ_TRỊ]...", nargs=-1)
@click.option("--reason", help="Lý do thay đổi.")
@json_option
@with_installation
def settings(
    installation: Installation, commune: str, chosen: tuple[str, ...], reason: str | None, json_output: bool
) -> None:
    """Xem cài đặt của xã; có TÊN=GIÁ_TRỊ thì thay đổi. Giá trị là JSON (true, 5, "chữ"), không thì là chữ."""
    commune = the_commune(installation, commune)
    if chosen:
        if not reason:
            fail("Ghi --reason: vì sao thay đổi.")
        said = _checked(SettingsBody, settings=dict(map(_setting, chosen)), reason=reason)
        _execute(installation, commune, ChooseCommuneSettings(**said))
    found = _state(installation, commune).settings
    if json_output:
        as_json(found)
    else:
        table(("Tên", "Giá trị"), [(name, msgspec.json.encode(found[name]).decode()) for name in sorted(found)])


def _setting(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        fail(f"{text}: ghi dạng TÊN=GIÁ_TRỊ.")
    try:
        return name, read_any(value)
    except msgspec.DecodeError:
        return name, value


@commune_command.command("roles")
@click.argument("staff", metavar="MÃ_CÁN_BỘ")
@click.argument("roles", metavar="VAI_TRÒ...", nargs=-1, required=True, type=click.Choice(get_args(Role)))
@click.option("--reason", required=True, help="Căn cứ, ví dụ quyết định phân công.")
@click.option("--valid-from", type=Day(), help="Từ ngày (mặc định hôm nay).")
@commune_option
@with_installation
def roles(
    installation: Installation,
    staff: str,
    roles: tuple[Any, ...],
    reason: str,
    valid_from: date | None,
    commune: str | None,
) -> None:
    """Trao vai trò cho một người đang giữ chức vụ, ví dụ office (Văn phòng), thay cho các vai trò đang có."""
    commune = the_commune(installation, commune)
    since = valid_from or local_day(format_time(installation.clock()))
    changed = ChangeStaff(staff=canonical(staff), valid_from=since, roles=list(roles), reason=reason)
    done = _execute(installation, commune, changed)
    click.echo(
        f"{canonical(staff)} có vai trò {', '.join(roles)} từ {day_month_year(since)} (sự kiện #{done.position})."
    )


# Merging


@commune_command.command("merge")
@click.argument("commune", metavar="MÃ_XÃ_MỚI")
@click.option("--name", required=True, help='Tên xã mới, ví dụ "xã Thạnh Bình".')
@click.option("--code", required=True, help="Mã đơn vị hành chính của xã mới.")
@click.option("--on", required=True, type=Day(), help="Ngày đầu tiên của xã mới; các xã cũ kết thúc hôm trước.")
@click.option("--legal-basis", required=True, help='Văn bản, ví dụ "Nghị quyết 1659/NQ-UBTVQH15".')
@click.option("--from", "communes", multiple=True, required=True, metavar="MÃ_XÃ", help="Xã cũ; ghi lần lượt từng xã.")
@click.option("--seat", metavar="MÃ_XÃ", help="Xã cũ mà Chủ tịch, Phó Chủ tịch giữ nguyên vai trò (mặc định: xã đầu).")
@click.option("--parent", help="Đơn vị cấp trên của xã mới.")
@click.option("--people", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Tệp nhân sự .csv.")
@click.option("--people-out", type=click.Path(dir_okay=False, path_type=Path), help="Ghi tệp nhân sự .csv để sửa.")
@click.option("--dry-run", is_flag=True, help="Chỉ xem trước, không ghi gì.")
@json_option
@with_installation
def merge(
    installation: Installation,
    commune: str,
    name: str,
    code: str,
    on: date,
    legal_basis: str,
    communes: tuple[str, ...],
    seat: str | None,
    parent: str | None,
    people: Path | None,
    people_out: Path | None,
    dry_run: bool,
    json_output: bool,
) -> None:
    """Sắp xếp nhiều xã thành một xã mới: nhật ký các xã cũ kết thúc, người và nhiệm vụ chuyển sang xã mới.

    Lệnh bị ngắt giữa chừng thì chạy lại đúng như lần trước: làm tiếp phần còn thiếu, không ghi hai lần.
    """
    _must_be_an_id(commune)
    opened = _checked(OpenCommuneBody, name=name, code=code, valid_from=on.isoformat(), parent=parent)
    closed = _checked(CloseCommuneBody, on=on.isoformat(), successors=[commune], legal_basis=legal_basis)
    merger = Merger(
        commune=commune,
        name=opened["name"],
        code=opened["code"],
        on=on,
        legal_basis=closed["legal_basis"],
        communes=communes,
        seat=seat or communes[0],
        parent=opened.get("parent"),
    )
    newcomers = _newcomers(people) if people else {}
    tasks = installation.tasks
    if dry_run:
        found = merging.plan(tasks, merger, newcomers, OPERATOR)
    else:
        sign = partial(sign_now, tasks.log, key=installation.signing_log("tasks"), actor="service/tasks")
        found = merging.merge(tasks, merger, newcomers, OPERATOR, sign)
    if people_out:
        write(people_out, _people_file(installation, found))
    if json_output:
        as_json(_as_json(installation, found, recorded=not dry_run))
    else:
        _print(installation, found, recorded=not dry_run)


COLUMNS = (
    "commune", "staff", "name", "new_id", "post", "unit", "roles", "category", "leader", "tracker", "rater",
    "leads_unit", "similar_group",
)  # fmt: skip
OF_POST = COLUMNS[COLUMNS.index("post") :]
CLEARED = "-"
YES_AND_NO = {"có": True, "không": False}


def _newcomers(file: Path) -> Newcomers:
    """What the file says of people; a blank cell says nothing, "-" clears."""
    try:
        lines = csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))
        rows = [(number, composed(row)) for number, row in enumerate(lines, 2) if row.get("staff")]
    except (UnicodeDecodeError, csv.Error) as error:
        fail(f"{file.name} không phải tệp CSV mã UTF-8: {error}")
    if lines.fieldnames is None or not {"commune", "staff"} <= set(lines.fieldnames):
        fail(f"{file.name} thiếu cột commune hoặc staff; --people-out ghi ra tệp mẫu.")
    found = {}
    for number, row in rows:
        for column, wrong in (faults(row) or {}).items():
            fail(f"{file.name} dòng {number}, cột {column}: {wrong[0]}")
        commune, staff = row["commune"].strip(), canonical(row["staff"])
        try:
            cells = {name: _cell(name, row[name]) for name in OF_POST if (row.get(name) or "").strip()}
            # Checked as a change of a post; of which only the fields that are given are looked at.
            said = msgspec.convert({"staff": staff, "valid_from": date.min, **cells}, ChangeStaff)
        except (msgspec.ValidationError, KeyError) as error:
            fail(f"{file.name} dòng {number}: {error}")
        new = canonical(row.get("new_id") or f"{commune}-{staff}")
        if (commune, staff) in found:
            fail(f"{file.name} dòng {number}: {staff} của {commune} đã có ở dòng trước.")
        found[commune, staff] = Newcomer(new, {name: getattr(said, name) for name in cells})
    return found


def _cell(name: str, text: str) -> Any:
    text = text.strip()
    if text == CLEARED:
        return None
    if name == "roles":
        return text.replace(",", " ").split()
    return YES_AND_NO[text.lower()] if name == "leader" else text


def _people_file(installation: Installation, found: merging.Plan) -> bytes:
    """Everybody in post as they would be in the new commune, to be corrected and given by --people."""
    written = io.StringIO()
    lines = csv.DictWriter(written, COLUMNS)
    lines.writeheader()
    for commune, staff, name, post in _posts(installation, found):
        said = {column: _text(getattr(post, column)) for column in OF_POST}
        lines.writerow({"commune": commune, "staff": staff, "name": name, "new_id": post.staff, **said})
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return next(word for word, meant in YES_AND_NO.items() if meant == value)
    return " ".join(value) if isinstance(value, list) else value or ""


def _posts(installation: Installation, found: merging.Plan) -> list[tuple[str, str, str, StaffAppointed]]:
    """Former commune, former id, name, and the post in the new commune."""
    names = {one.commune: _names(installation, one.commune) for one in found.formers}
    posts: dict[tuple[str, str], StaffAppointed] = {}
    for stream in found.streams:
        for data in stream.events:
            if stream.of and isinstance(data, StaffAppointed) and data.valid_from == found.merger.on:
                posts.setdefault(stream.of, data)
    return [(commune, staff, names[commune].get(staff, ""), post) for (commune, staff), post in posts.items()]


def _names(installation: Installation, commune: str) -> dict[str, str]:
    with reading(installation.tasks.engine, commune) as connection:
        return {staff: person.name or "" for staff, person in personal.people_of(connection, commune).items()}


def _as_json(installation: Installation, found: merging.Plan, *, recorded: bool) -> dict[str, Any]:
    return {
        "recorded": recorded,
        "commune": found.merger.commune,
        "predecessors": found.predecessors,
        "communes": [summary(found.merger, one) for one in found.formers],
        "people": [
            {"commune": commune, "staff": staff, "new_id": post.staff, "post": post.post, "roles": post.roles}
            for commune, staff, _, post in _posts(installation, found)
        ],
        "calendars_that_differ": calendars_that_differ(found.merger, found.formers),
    }


def _print(installation: Installation, found: merging.Plan, *, recorded: bool) -> None:
    merger = found.merger
    table(
        ("Xã cũ", "Mã mới", "Mã cũ", "Họ tên", "Chức vụ", "Vai trò"),
        [
            (commune, post.staff, staff, name, post.post, ", ".join(post.roles))
            for commune, staff, name, post in _posts(installation, found)
        ],
    )
    for one in found.formers:
        comes = summary(merger, one)
        click.echo(
            f"{one.name}: {comes.people} người, {comes.in_post} đang giữ chức vụ; {comes.tasks} nhiệm vụ"
            f" ({comes.running} đang làm, trong đó {comes.reported} chờ kiểm tra); {comes.directives} chỉ thị.",
            err=True,
        )
        if comes.out_of_office:
            click.echo(f"  Hãy quyết định chức vụ, vai trò: {', '.join(comes.out_of_office)}.", err=True)
        for title in comes.templates:
            click.echo(f"  Việc định kỳ không chuyển, Văn phòng lập lại: {title}", err=True)
        if comes.drafts:
            click.echo(
                f"  {comes.drafts} dòng phụ lục chờ trả lời không chuyển; nhập lại phụ lục nếu còn cần.", err=True
            )
    for year, of in calendars_that_differ(merger, found.formers):
        click.echo(f"Lịch làm việc {year} khác nhau ({', '.join(of)}): xã mới dùng lịch của {of[0]}.", err=True)
    done = f"Đã sắp xếp thành {merger.name} ({merger.commune})" if recorded else "Mới xem trước, chưa ghi gì"
    click.echo(f"{done}: {len(found.streams)} dòng sự kiện từ {day_month_year(merger.on)}.", err=True)


# What several commands share


def _must_be_an_id(commune: str) -> None:
    if not COMMUNE.fullmatch(commune):
        fail(f"{commune} không phải mã xã: chỉ gồm chữ thường không dấu, số và gạch ngang.")


def _checked(schema: type[Schema], **said: Any) -> dict[str, Any]:
    """What was typed, as the door of HTTP takes it: composed, trimmed, not too long."""
    try:
        loaded: dict[str, Any] = schema().load({name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        fail(f"Ghi không đúng: {msgspec.json.encode(error.messages).decode()}")
    return loaded


def _execute(installation: Installation, commune: str, command: Command) -> Appended:
    principal = Principal(OPERATOR, commune, frozenset({"admin"}))
    return execute(installation.tasks, principal, command, commune=commune)


def _state(installation: Installation, commune: str) -> Commune:
    with reading(installation.tasks.engine, commune) as connection:
        found = views.one(connection, commune, f"commune/{commune}")
    if found is None:
        fail(f"Nhật ký của {commune} không bắt đầu bằng việc mở xã; chạy cchc verify.")
    state: Commune = found.state
    return state
