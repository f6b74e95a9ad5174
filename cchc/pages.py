"""The printed sheet: one person's rating with its arithmetic, and the events behind each figure, on A4.

Rendered without a request, so that the page served and the file in an audit bundle are the same.
"""

import base64
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import jinja2
import msgspec

from services.scoring.domain import rules, texts
from services.scoring.domain.rules.description import Figure
from services.scoring.domain.rules.interface import EventRef, TaskFacts
from services.scoring.domain.sheet import Explanation, Sheet, explain, sheet, sheet_bytes
from services.scoring.domain.standing import since, standing, without_opinions
from services.scoring.views import Known
from shared.events import VIETNAM, CheckpointSigned, parse_time
from shared.records import commune_name

SOURCES = {"tasks": "công việc", "scoring": "xếp loại"}
_OUTCOMES = {"upheld": "chấp nhận", "dismissed": "không chấp nhận", "withdrawn": "rút kiến nghị"}


class Line(msgspec.Struct):
    """A figure as printed: its words, value and arithmetic, and in the annex the tasks (by number) and events."""

    text: str
    shown: str
    zero: bool
    of_period: bool
    arithmetic: str
    tasks: list[int]
    events: list[EventRef]


def sheet_page(
    known: Known, year: int, staff: str, *, checkpoints: Sequence[CheckpointSigned] = (), opinions: bool = True
) -> str:
    """The printable HTML of a person's year as known at a moment; it needs no other file. Without `opinions` it leaves
    out what is not for a tracker who does not rate.

    Refuses `staff-unknown`.
    """
    found = sheet(known.records, year, staff, on=known.on)
    numbers = {task.task: number for number, task in enumerate(found.tasks, 1)}
    rule_set = rules.installed(found.rule_set)
    stands = standing(known.records, year, staff)
    return _template().render(
        commune=commune_name(known.records),
        sheet=found,
        sha256=hashlib.sha256(sheet_bytes(found)).hexdigest(),
        rule_set_title=rule_set.title if rule_set else None,
        described=rules.described(found.rule_set),
        stands=stands if opinions else without_opinions(stands),
        since=since(known.records, stands, found),
        figures=[_line(found, explain(found, name), numbers) for name in found.figures],
        inputs=known.inputs,
        checkpoints=checkpoints,
        css=_css(),
    )


def style_hash() -> str:
    """The page's own style as a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode()


def _line(found: Sheet, of: Explanation, numbers: Mapping[str, int]) -> Line:
    figure = rules.described(found.rule_set).figure(of.figure)
    of_year = figure if isinstance(figure, Figure) else None
    return Line(
        text=of.text,
        shown=of.shown,
        zero=of.value == 0 and not (of_year and of_year.always),
        of_period=of_year is None,
        arithmetic=of_year.how(found.figures) if of_year else "",
        tasks=[numbers[task.task] for task in of.tasks],
        events=of.events,
    )


def _facts(task: TaskFacts) -> list[str]:
    """What a task was for the person, and which events (by position) say so."""
    facts = [("state", texts.STATES[task.state])]
    if task.late_times:
        missed = ", ".join(_day(day) for day in task.missed)
        facts.append(("late", f"Trễ hạn {task.late_times} lần ({missed})"))
    if task.poor:
        facts.append(("poor", "Không đạt chất lượng"))
    if task.exceeded:
        facts.append(("exceeded", "Vượt mức"))
    if task.quality_failures:
        facts.append(("quality_failures", f"Chưa đạt chất lượng {task.quality_failures} lần"))
    lines = [f"{text} (căn cứ: {_positions(task.because.get(name, ()))})" for name, text in facts]
    lines += [f"Nguyên nhân khách quan: {cause.reason} (căn cứ: #{cause.position})" for cause in task.causes]
    if task.due_in_absence:
        lines.append("Hạn rơi vào thời gian nghỉ")
    return lines


def _positions(positions: Iterable[int]) -> str:
    return ", ".join(f"#{position}" for position in positions) or "–"


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "–"


def _moment(time: str) -> str:
    """A recorded time as a clock in Vietnam showed it."""
    return f"{parse_time(time).astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cchc"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": _day, "moment": _moment, "facts": _facts}
    environment.globals |= {name: getattr(texts, name) for name in ("EVENTS", "LEVELS", "CATEGORIES", "STANDINGS")} | {
        "LOGS": SOURCES,
        "OUTCOMES": _OUTCOMES,
    }
    return environment


def _template() -> jinja2.Template:
    return _environment().get_template("sheet.html")


@functools.cache
def _css() -> str:
    return Path(__file__).with_name("templates").joinpath("sheet.css").read_text(encoding="utf-8")
