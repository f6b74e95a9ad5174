"""The journal at the command line: what changed outside the log, and who tried what they may not, over all services."""

from datetime import date
from heapq import nlargest
from typing import NoReturn

import click

from cchc.cli.options import Day, commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, as_json, table
from cchc.services import SERVICES
from services.tasks import queries
from shared.eventlog import EVERY_COMMUNE
from shared.events import VIETNAM, parse_time
from shared.journal import KINDS, Entry, Wanted, communes_of, entries, wrong
from shared.refusals import STAFF_UNKNOWN
from shared.web.refused import text_of


@click.command("journal")
@commune_option
@click.option("--from", "first", type=Day(), help="Từ ngày.")
@click.option("--to", "last", type=Day(), help="Đến hết ngày.")
@click.option("--kind", metavar="MÃ_VIỆC", type=click.Choice(sorted(KINDS)), help="Chỉ việc này, ví dụ person.erased.")
@click.option("--actor", help="Chỉ người này, ví dụ p14 hay operator/cchc.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="Nhiều nhất bấy nhiêu dòng."
)
@click.option(
    "--verify",
    is_flag=True,
    help="Chỉ kiểm tra sổ của mọi xã; mã thoát 1 khi có dòng bị sửa.",
)
@json_option
@with_installation
def journal_command(
    installation: Installation,
    commune: str | None,
    first: date | None,
    last: date | None,
    kind: str | None,
    actor: str | None,
    limit: int,
    verify: bool,
    json_output: bool,
) -> None:
    """Sổ truy vết: ai, lúc nào, từ đâu đã thay đổi gì ngoài nhật ký, hoặc bị từ chối; dòng mới nhất trước.

    Gồm các dòng của xã và các dòng chung của hệ thống (*), ở mọi dịch vụ. Sổ chỉ có mã, không có họ tên, địa chỉ.

    Yêu cầu bị từ chối được đếm trong từng giờ theo người gửi, nơi gửi, lý do và đối tượng; lần thứ 1, 10, 100… mới có
    một dòng, nên “lần thứ 10” là đã từ chối từ 10 đến 99 lần trong giờ đó.
    """
    if verify:
        _verify(installation, commune, json_output)
    commune = the_commune(installation, commune)
    places = [(service, of) for service in SERVICES for of in (commune, EVERY_COMMUNE)]
    wanted = Wanted.on_days(first, last, actor=actor, kind=kind)
    found = [
        (service, entry)
        for service, of in places
        for entry in entries(installation.engine(service), of, wanted, limit=limit)
    ]
    newest = nlargest(limit, found, key=lambda each: each[1].time)
    if not newest:
        click.echo(_nothing(installation, commune, wanted), err=True)
    refusals = {name: service.refusals_by_code for name, service in SERVICES.items()}
    if json_output:
        as_json(
            [{"service": service, "text": text_of(entry, refusals[service]), "row": entry} for service, entry in newest]
        )
        return
    table(
        ("Lúc", "Ai", "Từ đâu", "Việc", "Về", "Nơi"),
        [
            (
                f"{parse_time(entry.time).astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}",
                entry.actor,
                entry.origin,
                text_of(entry, refusals[service]),
                _about(entry),
                f"{service}/{entry.commune}#{entry.number}",
            )
            for service, entry in newest
        ],
    )


# A file of staff concerns hundreds: the rest is in JSON.
MOST_SHOWN = 3


def _about(entry: Entry) -> str:
    rest = len(entry.about) - MOST_SHOWN
    said = [*entry.about[:MOST_SHOWN], *([f"và {rest} mục nữa"] if rest > 0 else [])]
    shown = (
        f"(lần thứ {value} trong giờ)" if name == "times" else f"{name}={value}" for name, value in entry.detail.items()
    )
    return " ".join([*said, *shown])


def _nothing(installation: Installation, commune: str, wanted: Wanted) -> str:
    """Why there may be no row."""
    kind, _, name = (wanted.actor or "").partition("/")
    if kind == "staff" and queries.one(installation.tasks, commune, f"staff/{name}") is None:
        return f"Không có dòng nào: {STAFF_UNKNOWN(staff=name).detail}"
    return f"Không có dòng nào{f' của {wanted.actor}' if wanted.actor else ''} trong phạm vi đã hỏi."


def _verify(installation: Installation, commune: str | None, json_output: bool) -> NoReturn:
    """Of every commune, unless one is named."""
    chosen = {the_commune(installation, commune), EVERY_COMMUNE} if commune else None
    places = [
        (service, of)
        for service in SERVICES
        for of in communes_of(installation.engine(service))
        if chosen is None or of in chosen
    ]
    problems = {
        f"{service}/{of}": problem for service, of in places if (problem := wrong(installation.engine(service), of))
    }
    if json_output:
        as_json({"checked": [f"{service}/{of}" for service, of in places], "findings": problems})
    else:
        for place, problem in problems.items():
            click.echo(f"Sổ truy vết {place}: {problem}.")
        if not problems:
            click.echo("Sổ truy vết của mọi dịch vụ: nguyên vẹn.")
    raise SystemExit(FOUND if problems else 0)
