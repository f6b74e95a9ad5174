"""The command line `cchc`. Exit codes: 0 done, 1 checked and something is wrong, 2 refused, 3 not reachable."""

import logging
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from cchc.cli.click_messages import speak_vietnamese
from cchc.cli.group import Group, checking

speak_vietnamese()

# Command → the module that holds it; imported when it is called, so that the command line starts fast.
COMMANDS = {
    "run": "running",
    "serve": "running",
    "work": "running",
    "databases": "running",
    "migrate": "running",
    "secrets": "deployment",
    "demo": "deployment",
    "commune": "communes",
    "person": "persons",
    "import": "importing",
    "token": "tokens",
    "verify": "logs",
    "checkpoint": "checkpoints",
    "audit-bundle": "audit",
    "journal": "journal",
    "rebuild": "logs",
    "rating": "ratings",
    "report": "reports",
    "remind": "reminders",
    "slip": "slips",
    "status": "logs",
    "doctor": "doctor",
    "topics": "logs",
    "export-log": "logs",
    "import-log": "logs",
    "asyncapi": "contracts",
    "openapi": "contracts",
    "calendar": "calendars",
    "backup": "backups",
    "restore": "backups",
}


class Lazy(Group):
    """Knows its commands by name and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"cchc.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, f"{name.replace('-', '_')}_command")
        return checking(command)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="Thư mục dữ liệu (mặc định: CCHC_DATA hoặc ./data).")
@click.version_option(package_name="cchc", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, data: Path | None) -> None:
    """Giao việc, theo dõi, đôn đốc và xếp loại cuối năm cho UBND xã.

    Mã thoát: 0 xong; 1 đã kiểm tra và thấy sai lệch; 2 bị từ chối hoặc gọi sai; 3 không kết nối được.
    """
    from cchc.operator import operator
    from cchc.settings import Settings
    from shared.journal import act_as

    context.obj = Settings.from_environment(data=data)
    context.with_resource(act_as(operator()))


def main() -> Any:
    """The console script: refusals and unreachable servers end with a sentence in Vietnamese, not with a stack."""
    from cchc.cli.failures import explained

    # What loops warn of is written for the logs of processes; here a person is told in Vietnamese.
    if logging.lastResort:
        logging.lastResort.setLevel(logging.ERROR)
    sys.excepthook = _unexpected
    with explained():
        return cli(prog_name="cchc")


def _unexpected(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    """A fault of ours, for the report: without what people typed, as a terminal's output is kept by others too."""
    from shared.said import stack_of

    print(stack_of(error), file=sys.stderr)
