"""What the command line prints: tables and progress on a terminal, JSON and plain lines for scripts."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

# On a terminal: what stands between columns, the narrower where the other is too wide; what a wrapped line begins with;
# and the letters of a column of text that is still read with ease.
GAPS = ("  ", " ")
HANGING = "  "
NARROWEST = 10

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


def line(text: str, *, heading: bool = False) -> None:
    """A line, wrapped on a terminal with its own indentation. A `heading` stays out of what a pipe reads."""
    if not sys.stdout.isatty():
        click.echo(text, err=heading)
        return
    for part in text.split("\n"):
        words = part.lstrip()
        indent = part.removesuffix(words)
        first, *more = _wrapped(words, _terminal() - len(indent)) if len(part) > _terminal() else [words]
        click.echo(indent + first)
        for piece in _wrapped(" ".join(more), _terminal() - len(indent + HANGING)) if more else ():
            click.echo(indent + HANGING + piece)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, kept: bool = False) -> None:
    """Aligned columns that fit the terminal; tab-separated lines elsewhere, with a heading if they are `kept`.

    Where the columns are too many to stand side by side, each row becomes lines of heading and value.
    """
    # A cell of a file may hold line breaks; a row is one line.
    lines = [["" if cell is None else " ".join(str(cell).split()) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for cells in [list(header), *lines] if kept else lines:
            click.echo("\t".join(cells))
        return
    fitting = next(filter(None, (_fitting(header, lines, gap) for gap in GAPS)), None)
    if fitting is None:
        _records(header, lines)
        return
    gap, widths = fitting
    for cells in (list(header), ["─" * width for width in widths], *lines):
        wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
        for pieces in zip_longest(*wrapped, fillvalue=""):
            click.echo(gap.join(piece.ljust(width) for piece, width in zip(pieces, widths, strict=True)).rstrip())


def _terminal() -> int:
    return shutil.get_terminal_size().columns


def _fitting(header: Sequence[str], lines: Sequence[Sequence[str]], gap: str) -> tuple[str, list[int]] | None:
    """The columns' widths in the terminal: headings give way first, then the widest texts. None: too many columns."""
    bodies: list[Sequence[str]] = list(zip(*lines, strict=True)) or [()] * len(header)
    heads = [_longest_word([heading]) for heading in header]
    needed = [max([head, *map(len, body)]) for head, body in zip(heads, bodies, strict=True)]
    least = [
        max(head, min(need, max(_longest_word(body), NARROWEST)))
        for head, need, body in zip(heads, needed, bodies, strict=True)
    ]
    room = _terminal() - len(gap) * (len(header) - 1)
    if sum(least) > room:
        return None
    widths = [max(len(heading), need) for heading, need in zip(header, needed, strict=True)]
    for floor in (needed, least):
        while sum(widths) > room:
            spare = [width if width > narrow else 0 for width, narrow in zip(widths, floor, strict=True)]
            if not any(spare):
                break
            widths[spare.index(max(spare))] -= 1
    return gap, widths


def _longest_word(cells: Iterable[str]) -> int:
    return max((len(word) for cell in cells for word in cell.split()), default=0)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]


def _records(header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Each row as lines of heading and value; empty values are left out."""
    label = min(max(map(len, header)), _terminal() // 3)
    for number, cells in enumerate(lines):
        if number:
            click.echo()
        for heading, cell in zip(header, cells, strict=True):
            pieces = zip_longest(
                _wrapped(heading, label), _wrapped(cell, _terminal() - label - len(GAPS[0])), fillvalue=""
            )
            for left, right in pieces if cell else ():
                click.echo(f"{left.ljust(label)}{GAPS[0]}{right}".rstrip())


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
