"""The printed sheet: one person's rating with its arithmetic, and the events behind each figure, on A4.

Rendered without a request, so that the page served and the file in an audit bundle are the same.
"""

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from services.scoring.domain import rules, texts
from services.scoring.domain.rules.interface import EventRef, Step, TaskFacts
from services.scoring.domain.sheet import Explanation, Sheet, explain, sheet, sheet_bytes
from services.scoring.domain.standing import since, standing, without_opinions
from services.scoring.views import Known
from shared.events import VIETNAM, CheckpointSigned, parse_time
from shared.records import commune_name

SOURCES = {"tasks": "công việc", "scoring": "xếp loại"}
# What a step looked at and that is no figure of the sheet.
_LOOKED_AT = {
    "in_post": "tại chức",
    "corruption": "liên quan tham nhũng, lãng phí",
    "unit_result": "có kết quả đơn vị",
    "leader": "lãnh đạo, quản lý",
    "days_6_months": "6 tháng tính là (ngày)",
    "days_3_months": "3 tháng tính là (ngày)",
    "min_tasks": "số nhiệm vụ tối thiểu",
    "exceeded_share": "tỷ lệ vượt mức",
    "common_failed": "có tiêu chí chung không đáp ứng",
    "acts": "hành vi bị kỷ luật",
    "periods": "số kỳ",
    "scores": "số kỳ có điểm",
    "level": "mức theo điểm",
    "unit_level": "mức của đơn vị",
    "rule_set": "bộ quy tắc",
    "category": "nhóm",
    "rated": "thuộc diện xếp loại",
}
_OUTCOMES = {"upheld": "chấp nhận", "dismissed": "không chấp nhận", "withdrawn": "rút kiến nghị"}
_WORDS = {"true": "có", "false": "không"} | texts.GRADES


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
    arithmetic = _ARITHMETIC.get(of.figure)
    return Line(
        text=of.text,
        shown=of.shown,
        zero=of.value == 0 and of.figure != "n",
        of_period="." in of.figure,
        arithmetic=arithmetic(found.figures) if arithmetic else "",
        tasks=[numbers[task.task] for task in of.tasks],
        events=of.events,
    )


def _f(figures: Mapping[str, Any]) -> str:
    if not figures["n"]:
        return "không có nhiệm vụ được đánh giá: 0"
    whole = f"{figures['failed']}/{figures['n']}"
    return f"(trễ, không đạt chất lượng hoặc chưa xong) / số nhiệm vụ được đánh giá = {whole}"


def _percentage(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda figures: f"= {figures[name]}"


_ARITHMETIC: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "n": lambda figures: f"đã hoàn thành + quá hạn chưa xong = {figures['completed']} + {figures['undone']}",
    "f": _f,
    **{name: _percentage(name) for name in texts.SHARES - {"f"}},
}


def _values(step: Step) -> str:
    """What a rule looked at, in words: `Tỷ lệ không đạt: 1/5 = 20,00 %`."""
    words = texts.FIGURES | texts.POINTS | _LOOKED_AT
    return "; ".join(f"{words.get(name, name)}: {_value(name, value)}" for name, value in step.values.items())


def _value(name: str, value: str) -> str:
    if name in texts.POINTS:
        return texts.figure(name, value)
    if name in {"level", "unit_level"}:
        return texts.LEVELS.get(value, value)
    if "/" in value:
        return f"{value} = {texts.percent(Fraction(value))}"
    return (_WORDS | texts.CATEGORIES).get(value, value)


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
    environment.filters |= {"day": _day, "moment": _moment, "values": _values, "facts": _facts}
    environment.globals |= {
        name: getattr(texts, name) for name in ("EVENTS", "LEVELS", "CATEGORIES", "STANDINGS", "LEFT_OUT")
    } | {
        "LOGS": SOURCES,
        "OUTCOMES": _OUTCOMES,
    }
    return environment


def _template() -> jinja2.Template:
    return _environment().get_template("sheet.html")


@functools.cache
def _css() -> str:
    return Path(__file__).with_name("templates").joinpath("sheet.css").read_text(encoding="utf-8")
