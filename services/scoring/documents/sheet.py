"""The printed sheet: one person's rating with its arithmetic, and the events behind each figure, on A4.

Rendered without a request, so that the page served and the file in an audit bundle are the same.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.scoring import queries
from services.scoring.domain import rules, texts
from services.scoring.domain.flags import flags
from services.scoring.domain.rules.description import Figure
from services.scoring.domain.rules.interface import EventRef, TaskFacts
from services.scoring.domain.sheet import Explanation, Sheet, explain, sheet, sheet_bytes
from services.scoring.domain.standing import since, standing, without_opinions
from services.scoring.service import Scoring
from services.scoring.views import Known
from shared.documents import Papers, day
from shared.events import CheckpointSigned
from shared.records import commune_name
from shared.web.auth import Principal

SOURCES = {"tasks": "công việc", "scoring": "xếp loại"}


class Line(msgspec.Struct):
    """A figure as printed: its words, value and arithmetic, and in the annex the tasks (by number) and events."""

    text: str
    shown: str
    zero: bool
    of_period: bool
    arithmetic: str
    tasks: list[int]
    events: list[EventRef]


def printed_sheet(
    service: Scoring, principal: Principal, commune: str, year: int, staff: str, query: queries.Query
) -> str:
    """The page that a person may print: what they may read of it, with the checkpoints signed since.

    Refuses what `queries.readable` refuses.
    """
    known = queries.readable(service, principal, commune, staff, query)
    checkpoints = queries.checkpoints_over(service, commune, known)
    opinions = queries.reads_opinions(service, principal, commune, staff)
    return sheet_page(known, year, staff, checkpoints=checkpoints, opinions=opinions)


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
    return PAPERS.render(
        "sheet.html",
        commune=commune_name(known.records),
        sheet=found,
        sha256=hashlib.sha256(sheet_bytes(found)).hexdigest(),
        rule_set_title=rule_set.title if rule_set else None,
        described=rules.described(found.rule_set),
        stands=stands if opinions else without_opinions(stands),
        flags=flags(known.records, found, opinions=opinions),
        since=since(known.records, stands, found),
        figures=[_line(found, explain(found, name), numbers) for name in found.figures],
        inputs=known.inputs,
        checkpoints=checkpoints,
    )


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
        missed = ", ".join(map(day, task.missed))
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


PAPERS = Papers(
    "services.scoring.documents",
    "sheet.css",
    filters={"facts": _facts},
    words={name: getattr(texts, name) for name in ("EVENTS", "LEVELS", "CATEGORIES", "STANDINGS", "OUTCOMES", "FLAGS")}
    | {"LOGS": SOURCES},
)
