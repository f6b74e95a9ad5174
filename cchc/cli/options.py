"""Options that many commands share."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from cchc.installation import Installation
from cchc.output import fail
from shared.events import PLAUSIBLE_YEARS, VIETNAM

commune_option = click.option("--commune", help="Mã xã trong hệ thống (mặc định: xã duy nhất).")
json_option = click.option("--json", "json_output", is_flag=True, help="In JSON cho chương trình khác.")


class Renamed(click.Option):
    """An option that still answers to its former names, which its help does not show: the first name counts."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        every, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return f"'{self.opts[0]}'"


class Day(click.ParamType[date]):
    """A day, or the first of a month, within the centuries that facts can be dated in."""

    name = "ngày"

    def __init__(self, form: str = "%Y-%m-%d") -> None:
        self.form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            day = datetime.strptime(value, self.form).replace(tzinfo=VIETNAM).date()
        except ValueError:
            day = date.min
        if day.year not in PLAUSIBLE_YEARS:
            example, first, last = date(2024, 11, 28).strftime(self.form), PLAUSIBLE_YEARS[0], PLAUSIBLE_YEARS[-1]
            self.fail(f"{value}: ghi dạng {example}, từ năm {first} đến năm {last}.", param, ctx)
        return day


def with_installation(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the installation of its settings, closed when it ends."""
    from functools import update_wrapper

    @click.pass_obj
    def run(settings: Any, /, *arguments: Any, **options: Any) -> Any:
        installation = Installation(settings)
        try:
            return command(installation, *arguments, **options)
        finally:
            installation.close()

    return update_wrapper(run, command)


def the_commune(installation: Installation, commune: str | None) -> str:
    """The commune that was named, or the only one."""
    known = sorted(installation.tasks.log.heads()) or sorted(installation.scoring.logs["tasks"].heads())
    if commune is None:
        if len(known) == 1:
            return known[0]
        which = f"đang có: {', '.join(known)}" if known else "chưa có xã nào"
        fail(f"Ghi rõ --commune MÃ_XÃ ({which}).")
    if commune not in known:
        fail(f"Không có xã {commune}; đang có: {', '.join(known) or 'chưa có xã nào'}.")
    return commune
