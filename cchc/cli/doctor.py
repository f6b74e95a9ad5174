"""The doctor at the command line."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from cchc.cli.options import json_option, with_installation
from cchc.doctor.examination import Result
from cchc.installation import Installation
from cchc.output import as_json

# State → its sign, and how a terminal shows it.
SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failure": ("✗", "red"), "not_applicable": ("–", None)}


@click.command("doctor")
@json_option
@with_installation
def doctor_command(installation: Installation, json_output: bool) -> None:
    """Khám bản cài đặt: phiên bản, khóa, cơ sở dữ liệu, nhật ký, Kafka; mỗi chỗ hỏng kèm lệnh để sửa.

    Chỉ xem, không sửa gì. Sửa từ trên xuống: mục sau dựa vào mục trước. Mã thoát: 0 mọi thứ ổn; 1 có điều cần để ý;
    2 có chỗ hỏng.
    """
    from cchc.doctor.checks import every_check
    from cchc.doctor.examination import examine, exit_code

    found = examine(installation, every_check())
    results = list(found) if json_output else list(_shown(found))
    if json_output:
        as_json(results)
    else:
        click.echo(_summary([result.state for result in results]))
    raise SystemExit(exit_code(results))


def _shown(results: Iterable[Result]) -> Iterator[Result]:
    """Print what comes as it comes; checks that are set aside for the same reason in one line."""
    group = None
    for _, alike in groupby(results, key=lambda one: (one.group, one.state, one.detail, one.fix)):
        found = list(alike)
        if found[0].group != group:
            group = found[0].group
            click.secho(group, bold=True)
        sign, color = SIGNS[found[0].state]
        titles = ", ".join(each.title for each in found)
        click.secho(f"  {sign} {titles}: {found[0].detail}", fg=color, dim=color is None)
        if found[0].fix:
            click.echo(f"      → {found[0].fix}")
        yield from found


def _summary(states: Iterable[str]) -> str:
    counted = list(states)
    parts = {"ok": "ổn", "warning": "cần để ý", "failure": "hỏng", "not_applicable": "không áp dụng"}
    return ", ".join(f"{counted.count(state)} {name}" for state, name in parts.items() if state in counted) + "."
