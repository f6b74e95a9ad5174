"""Publishing a year's working calendar from a file."""

from pathlib import Path

import click
import msgspec

from cchc.cli.group import Group
from cchc.cli.options import commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail
from services.tasks.commands import execute
from services.tasks.domain.publishing import PublishCalendar
from shared.decoding import read_any
from shared.web.auth import Principal
from shared.web.problems import pointed
from shared.web.schema import composed, faults


@click.group("calendar", cls=Group)
def calendar_command() -> None:
    """Lịch ngày làm việc."""


@calendar_command.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--revision", required=True, help="Tên bản lịch, ví dụ vn-2026-r1.")
@click.option("--supersedes", help="Bản lịch mà bản này thay thế.")
@commune_option
@json_option
@with_installation
def publish(
    installation: Installation,
    file: Path,
    revision: str,
    supersedes: str | None,
    commune: str | None,
    json_output: bool,
) -> None:
    """Công bố lịch của một năm từ tệp JSON (days_off, working_weekends); hạn tính theo ngày làm việc được tính lại.

    Ngày còn ở trạng thái đề xuất (status "proposed") thì không công bố: xóa khỏi tệp hoặc bỏ trạng thái đó trước.
    """
    try:
        given = composed(read_any(file.read_bytes()))
        for wrong in pointed(faults(given) or {}, "#"):
            fail(f"{file.name} {wrong['pointer']}: {wrong['detail']}")
        proposed = [day["date"] for day in given["days_off"] if day.get("status", "official") != "official"]
        if proposed:
            fail(f"Ngày chưa chính thức: {', '.join(proposed)}. Người có thẩm quyền quyết định trước khi công bố.")
        command = msgspec.convert(
            {
                "calendar": revision,
                "year": given["year"],
                "days_off": given["days_off"],
                "working_weekends": given["working_weekends"],
                "supersedes": supersedes,
            },
            PublishCalendar,
        )
    except (msgspec.DecodeError, msgspec.ValidationError, LookupError, TypeError, AttributeError) as error:
        fail(f"{file.name} không phải tệp lịch: {error}")
    commune = the_commune(installation, commune)
    operator = Principal("operator/cchc", commune, frozenset({"admin"}))
    done = execute(installation.tasks, operator, command, commune=commune)
    if json_output:
        as_json(done)
    else:
        click.echo(f"Đã công bố {revision} cho {commune} (sự kiện #{done.position}).")
