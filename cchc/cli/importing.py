"""Importing an annex or a roster at the command line: a dry run shows what would be recorded, --confirm records it."""

from pathlib import Path

import click

from cchc.cli.options import Renamed, commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, as_json, fail, table
from services.tasks import importing, views
from services.tasks.domain.context import canonical
from services.tasks.imports.plan import WORDS, outcome
from shared.eventlog import reading
from shared.events import VIETNAM, parse_time
from shared.web.auth import Principal


@click.command("import")
@click.argument("kind", type=click.Choice(["annex", "roster"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--directive", help="Số chỉ thị (01/CT-UBND) mà danh mục kèm theo.")
@click.option("--confirm", is_flag=True, help="Ghi vào nhật ký; không có thì chỉ xem trước.")
@click.option(
    "--by",
    "--staff",
    cls=Renamed,
    metavar="MÃ_CÁN_BỘ",
    help="Ai xem, xác nhận (Văn phòng, Chủ tịch); bắt buộc khi ghi annex. Việc của chính người ấy chờ người khác.",
)
@click.option("--annotated", type=click.Path(dir_okay=False, path_type=Path), help='Ghi tệp có thêm cột "Lỗi" ra đây.')
@commune_option
@json_option
@with_installation
def import_command(
    installation: Installation,
    kind: importing.Kind,
    file: Path,
    directive: str | None,
    confirm: bool,
    by: str | None,
    annotated: Path | None,
    commune: str | None,
    json_output: bool,
) -> None:
    """Nhập danh mục công việc (annex) hoặc danh sách cán bộ (roster) từ .xlsx, .csv.

    Cùng một tệp nhập hai lần không thay đổi gì. Mã thoát 1 khi có dòng lỗi.
    """
    commune = the_commune(installation, commune)
    tasks = installation.tasks
    with file.open("rb") as content:
        found = importing.dry_run(
            tasks,
            commune,
            kind,
            content,
            file.name,
            directive=_directive(installation, commune, directive),
            sender=canonical(by) if by else None,
        )
        if annotated:
            annotated.write_bytes(importing.annotated(content, found))
    done = importing.confirm(tasks, _principal(installation, commune, kind, by), commune, found) if confirm else None
    if json_output:
        as_json({"counts": found.counts, "rows": found.rows, "recorded": done.position if done else None})
    else:
        table(
            ("Trang", "Dòng", "Số", "Nội dung", "Kết quả"),
            [(row.sheet, row.row, row.label, row.title[:60], outcome(row)) for row in found.rows],
        )
        summary = ", ".join(f"{WORDS[status].lower()} {found.counts[status]}" for status in WORDS)
        click.echo(f"{found.counts['rows']} dòng: {summary}.", err=True)
        if done:
            click.echo(f"Đã ghi đến sự kiện #{done.position}.", err=True)
        else:
            until = parse_time(found.kept_until).astimezone(VIETNAM)
            click.echo(f"Mới xem trước; thêm --confirm để ghi. Tệp được giữ đến {until:%H:%M %d/%m/%Y}.", err=True)
            if needed := sum(bool(row.needs) for row in found.rows):
                click.echo(f"{needed} dòng không phải ai cũng xác nhận được, xem cột Kết quả.", err=True)
    raise SystemExit(FOUND if found.counts["error"] else 0)


def _directive(installation: Installation, commune: str, number: str | None) -> str | None:
    """The directive of that number."""
    if number is None:
        return None
    with reading(installation.tasks.engine, commune) as connection:
        known = {one.state.number: one.state.directive for one in views.all_of(connection, commune, "directive")}
    if number not in known:
        fail(f"Không có chỉ thị {number}; đang có: {', '.join(sorted(known)) or 'chưa có chỉ thị nào'}.")
    return known[number]


def _principal(installation: Installation, commune: str, kind: importing.Kind, by: str | None) -> Principal:
    """Tasks are assigned by a person in post; a roster may come before anybody is."""
    if by:
        return Principal(f"staff/{canonical(by)}", commune, installation.tasks.roles_of(commune, by))
    if kind == "annex":
        fail("Ghi --by MÃ của người xác nhận danh mục: Chủ tịch, hoặc người ở Văn phòng.")
    return Principal("operator/cchc", commune, frozenset({"admin"}))
