"""What the command line prints: tables and progress on a terminal, JSON and plain lines for scripts."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

# Exit codes for scripts.
FOUND = 1  # checked, and something is wrong with what was checked
REFUSED = 2  # the call or the command is not allowed as it was given
UNAVAILABLE = 3  # a broker, database or service does not answer


def as_json(value: Any) -> None:
    """JSON in UTF-8, one document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def write(output: Path, body: bytes) -> None:
    """A document into the file that was asked for. Ends with REFUSED when it cannot be written."""
    try:
        output.write_bytes(body)
    except OSError as error:
        fail(f"Không ghi được {output}: {error.strerror}.")
    click.echo(f"Đã ghi {output}.", err=True)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Aligned columns on a terminal, tab-separated lines elsewhere."""
    # A cell of a file may hold line breaks; a row is one line.
    lines = [["" if cell is None else " ".join(str(cell).split()) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in lines:
            click.echo("\t".join(line))
        return
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    for line in (list(header), ["─" * width for width in widths], *lines):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def progress(what: str) -> Callable[[str, int, int], None]:
    """A line that counts communes, on a terminal only."""

    def show(commune: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{what}: {done}/{total} {commune}\033[K", nl=done == total, err=True)

    return show


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """Say on stderr what is wrong and what to do, and end with this exit code."""
    click.echo(message, err=True)
    raise SystemExit(code)
