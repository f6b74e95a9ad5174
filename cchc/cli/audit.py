"""`cchc audit-bundle`: a year's ratings for whoever checks them without this software."""

from datetime import date
from pathlib import Path

import click

from cchc.cli.noting import note_taken
from cchc.cli.options import commune_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, fail
from cchc.services import SERVICES
from services.scoring.schemas import AsOfQuery
from services.scoring.views import SOURCES, Moment, moment_at
from shared.events import VIETNAM
from shared.journal import kinds
from shared.said import said_of
from shared.web.schema import Schema


@click.command("audit-bundle")
@click.option("--year", type=click.IntRange(2000, 2199), required=True, help="Năm xếp loại.")
@click.option("--person", metavar="STAFF", help="Chỉ một người (mặc định: mọi người thuộc diện xếp loại).")
@click.option("--as-of", help="Như đã biết vào ngày (hết ngày) hoặc thời điểm này (mặc định: bây giờ).")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Tệp .zip để ghi (mặc định: ho-so-kiem-tra-XÃ-NĂM.zip).",
)
@commune_option
@with_installation
def audit_bundle_command(
    installation: Installation,
    year: int,
    person: str | None,
    as_of: str | None,
    output: Path | None,
    commune: str | None,
) -> None:
    """Ghi hồ sơ kiểm tra: nhật ký, điểm chốt, bộ quy tắc, kết quả, giải thích và chương trình kiểm tra độc lập.

    Đã quyết định thì tính lại đúng đề xuất mà quyết định nêu tên. Mã thoát 1, không ghi gì, khi tính lại ra phiếu khác.
    """
    from cchc.audit import NotReproduced, audit_bundle, zipped

    commune = the_commune(installation, commune)
    logs = installation.scoring.logs
    recorded = _recorded(as_of)
    moment = _moment(installation, commune, recorded)
    try:
        files = audit_bundle(
            logs,
            commune,
            year,
            moment,
            installation.public_checkpoint_keys(),
            staff=person,
            journals=_journals(installation, commune, recorded),
        )
    except NotReproduced as error:
        problem = f"Tính lại không ra đúng phiếu đã đề xuất của {error}."
        fail(f"{problem} Không ghi hồ sơ; chạy cchc rating recheck --all để biết vì sao.", FOUND)
    written = output or Path(f"ho-so-kiem-tra-{commune}-{year}.zip")
    written.write_bytes(zipped(files))
    note_taken(installation, "scoring", commune, kinds.BUNDLE_MADE, {"year": year})
    people = sum(path.startswith("sheets/") for path in files)
    click.echo(f"Đã ghi {written}: {people} người, {len(files)} tệp.")


def _journals(installation: Installation, commune: str, until: str | None) -> dict[str, bytes]:
    """The journals as they were; a service whose database is not there is said, and left out."""
    from sqlalchemy.exc import SQLAlchemyError

    from cchc.audit import journal_lines

    found = {}
    for service in SERVICES:
        try:
            found[service] = journal_lines(installation.engine(service), commune, until)
        except SQLAlchemyError as error:
            click.echo(f"Hồ sơ không có sổ truy vết của {service}: {said_of(error)}", err=True)
    return found


def _recorded(as_of: str | None) -> str | None:
    """The recorded time that `--as-of` stands for."""
    from marshmallow import ValidationError

    schema: Schema = AsOfQuery()
    try:
        recorded: str | None = schema.load({"as_of": as_of})["as_of"] if as_of is not None else None
    except ValidationError as error:
        fail(f"--as-of: {error.messages}")
    return recorded


def _moment(installation: Installation, commune: str, recorded: str | None) -> Moment:
    logs = installation.scoring.logs
    if recorded is None:
        today: date = installation.clock().astimezone(VIETNAM).date()
        return Moment({source: logs[source].head(commune).position for source in SOURCES}, today)
    return moment_at(logs, commune, recorded)
