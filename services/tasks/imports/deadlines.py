"""A deadline's free text to a proposed structure: the words stay, a person confirms what is asked about."""

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from services.tasks.imports.moments import USED, Moment, find
from services.tasks.imports.words import clean, one_line
from shared.collation import fold
from shared.events.values import Day, Due, Recurrence, Roll

Kind = Literal["date", "recurring", "after_event", "event", "cadence", "several", "blank", "unreadable"]
Every = Literal["month", "quarter", "half", "year"]
Cadence = Literal["week", "month", "quarter", "half", "year"]

MISSING = "thieu_thoi_han"
SEVERAL = "nhieu_thoi_han"
UNREADABLE = "khong_doc_duoc_thoi_han"
BEFORE_DIRECTIVE = "han_truoc_ngay_chi_thi"

LONGEST = 500  # letters; more is no deadline
EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_FIRST, EXCEL_LAST = 36526, 73050  # 2000-2099: a number in this range is a date that lost its format


class Deadline(msgspec.Struct, frozen=True, omit_defaults=True):
    """The deadline that words propose. `dates` when there are several; `questions` are codes that a person answers."""

    text: str
    kind: Kind
    date: Day | None = None
    dates: tuple[Day, ...] = ()
    recurrence: Recurrence | None = None
    working_days: int | None = None
    after: str | None = None
    cadence: Cadence | None = None
    roll: Roll = "forward"
    questions: tuple[str, ...] = ()


def to_due(deadline: Deadline) -> Due:
    """The deadline as an event carries it, before rolling; a recurrence belongs into a template, not here."""
    return Due(
        text=deadline.text,
        date=deadline.date,
        working_days=deadline.working_days,
        after=deadline.after,
        cadence=deadline.cadence,
        roll=deadline.roll,
    )


QUY = r"qu[yi](?!\s*(?:i{1,3}|iv|[1-4])(?![a-z0-9]))(?!\s+(?:dinh|che|trinh|mo|hoach|uoc|chuan))"
THANG = r"thang(?!\s*\d)"
ONCE_PER = r"(?:(?:0?1|mot)\s+)?lan\s*/"
REPEATING = rf"(?:hang|moi|tung|dinh ky|dinh ky hang|theo|{ONCE_PER}|cuoi|ket thuc)"
NEXT = r"(?:sau|tiep theo|ke tiep|lien ke)"

# The finest period named is the one a task comes back in.
PERIODS: tuple[tuple[Every, re.Pattern[str]], ...] = (
    (
        "quarter",
        re.compile(
            rf"(?<!\w)(?:{REPEATING}\s*(?:moi\s+)?{QUY}"
            rf"|thang\s+(?:cuoi|dau|giua|thu \w+)(?:\s+cung|\s+tien)?(?:\s+cua)?(?:\s+moi)?\s+(?:{QUY}|ky(?!\w))"
            rf"|ngay (?:lam viec )?cuoi(?: cung)?(?: cua)? {QUY}"
            rf"|{QUY}\s*{NEXT}|{QUY}\s*/?\s*(?:0?1|mot) lan|(?:0?1|mot) {QUY}\s*/?\s*(?:0?1|mot) lan)"
        ),
    ),
    (
        "half",
        re.compile(
            rf"(?<!\w)(?:(?:hang|moi|dinh ky|dinh ky hang|theo|{ONCE_PER})\s*(?:0?6|sau) thang"
            r"|(?:0?6|sau) thang\s*/?\s*(?:0?1|mot)\s*lan|(?:0?6|sau) thang\s*(?:,|va)\s*(?:ca\s+|hang\s+)?nam(?!\s*20)"
            r"|nua nam(?:\s*/?\s*(?:0?1|mot) lan)?)(?!\s*(?:dau|cuoi) nam)"
        ),
    ),
    (
        "month",
        re.compile(
            rf"(?<!\w)(?:{REPEATING}\s*(?:moi\s+)?{THANG}|{THANG}\s*{NEXT}|(?:0?1|mot) {THANG}\s*/?\s*(?:0?1|mot) lan"
            rf"|ngay (?:lam viec )?cuoi(?: cung)?(?: cua)? {THANG}|ngay \d{{1,2}}(?: cua)? {THANG}$)"
        ),
    ),
    ("year", re.compile(rf"(?<!\w)(?:hang|moi|dinh ky hang|{ONCE_PER}|ket thuc)\s*nam(?!\s*20)")),
)
ORDER: tuple[Every, ...] = ("month", "quarter", "half", "year")
ALONE: dict[str, Every] = {"thang": "month", "quy": "quarter", "6 thang": "half", "nam": "year", "hang nam": "year"}

# The month that a recurring day lies in, against the period's last month.
MONTHS_OF_PERIOD: tuple[tuple[re.Pattern[str], Every | None, int], ...] = (
    (re.compile(rf"\s*(?:cua\s+)?thang dau(?: tien)?(?: cua)?\s+{QUY}\s*{NEXT}"), "quarter", 1),
    (re.compile(rf"\s*(?:cua\s+)?{QUY}\s*{NEXT}"), "quarter", 1),
    (re.compile(rf"\s*(?:cua\s+)?{THANG}\s*{NEXT}"), None, 1),
    (re.compile(rf"\s*(?:cua\s+)?thang cuoi(?: cung)?(?: cua)?(?: moi)?\s+{QUY}"), "quarter", 0),
    (re.compile(rf"\s*(?:cua\s+)?thang dau(?: tien)?(?: cua)?(?: moi)?\s+{QUY}"), "quarter", -2),
    (re.compile(rf"\s*(?:cua\s+)?thang (?:giua|thu hai|thu 2)(?: cua)?(?: moi)?\s+{QUY}"), "quarter", -1),
    (re.compile(r"\s*(?:cua\s+)?thang cuoi(?: cung)?(?: cua)?(?: moi)?\s+ky(?!\w)"), None, 0),
    (re.compile(rf"\s*(?:(?:cua\s+)?(?:hang|moi|cuoi)|cua)\s+(?:{THANG}|{QUY}|nam(?!\s*20))"), None, 0),
)
RECURRING_DAY = re.compile(
    r"(?P<before>(?<!\w)truoc\s+)?(?P<word>(?<!\w)ngay\s*(?:mung\s+)?)?(?<![\d/.,])(?P<day>\d{1,2})"
    r"(?!\d|\s*[/.:%]\s*\d|\s*(?:ngay|lan|gio|h\b|tin|bai|thang\s*(?:dau|cuoi)\s+nam|thang\s*\d))"
)
LAST_DAY = re.compile(
    r"(?<!\w)ngay\s+(?P<working>lam viec\s+)?cuoi(?:\s+cung)?"
    rf"(?:(?:\s+cua)?(?:\s+moi)?\s+(?:{THANG}|{QUY}|nam)(?!\s+(?:cuoi|dau|giua|thu|{NEXT})))?"
)
FIRST_DAYS = re.compile(r"(?P<day>\d{1,2})\s*ngay\s+dau(?:\s+tien)?")
AFTER_PERIOD = re.compile(
    r"(?P<day>\d{1,2})\s*ngay,?\s*(?:ke tu|tu|sau|ke)\s*(?:(?:ngay|khi|thoi diem)\s+)*(?:ket thuc|het)\s+(?:moi\s+)?"
    rf"(?P<every>{THANG}|{QUY}|(?:0?6|sau) thang|nam(?!\s*20))"
)

AFTER_EVENT = re.compile(
    r"(?<![\w/.,])(?P<n>\d{1,3})\s*(?:\([^()]*\)\s*)?"
    r"(?:(?P<working>ngay\s+lam\s+viec)|(?P<unit>ngay|gio|tuan|thang))\s*,?\s*"
    r"(?:(?P<after>(?:tinh\s+)?(?:ke\s+)?tu(?!\w)|sau(?!\w))|(?P<before>truoc(?!\w)))\s*(?:khi\s+)?(?P<event>[^;\0]*)"
)
EVENT_FIRST = re.compile(
    r"^(?:ngay\s+)?sau khi (?P<event>.+?)[,\s]+(?:(?:khong qua|cham nhat|toi da|trong vong|trong)\s+)?"
    r"(?P<n>\d{1,3})\s*ngay(?P<working>\s+lam viec)?$"
)
CADENCE = re.compile(
    r"(?<!\w)(?:(?P<week>(?:hang|moi|dinh ky hang)\s*(?:ngay|tuan)(?!\s*\d)|lan\s*/\s*(?:tuan|ngay))"
    r"|thuong xuyen|lien tuc|quanh nam|xuyen suot|trong suot(?:\s+nam)?)"
)
EVENT = re.compile(
    r"(?<!\w)(?:khi|sau khi|ngay khi|dot xuat|phat sinh|theo(?!\s+thang)|truoc khi|nhan duoc|co van ban|cho)(?!\w)"
)

LABELS = re.compile(
    r"(?<!\w)(?:dot|lan|lan thu|dot thu|giai doan|ky)\s*(?:\d{1,2}|[ivx]+)\s*[:.)\-]|(?:0?\d|mot) lan(?!\w)"
)
WEEKDAYS = re.compile(r"(?<!\w)(?:thu\s+(?:hai|ba|tu|nam|sau|bay|[2-7])|chu nhat)(?!\w)")
# Words about time that no rule used up: then the proposal may have missed something and a person looks.
UNEXPLAINED = re.compile(rf"\d|(?<!\w)(?:thang|{QUY}|nam|tuan|ngay|hang|moi|khi|thuong xuyen|dinh ky)(?!\w)")


def propose(value: object, issued_on: date) -> Deadline:
    """The structure that a cell proposes; a day and month without a year lie in the year of the directive."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, int | float):
        value = day_of_number(value) or value
    if isinstance(value, date):
        return _checked(Deadline(f"{value:%d/%m/%Y}", "date", date=value), issued_on)
    text = clean(str(value if value is not None else ""))
    if not any(char.isalnum() for char in text):
        return Deadline(text, "blank", questions=(MISSING,))
    if len(text) > LONGEST:
        return Deadline(text, "unreadable", questions=(UNREADABLE,))
    return _checked(_read(text, issued_on.year), issued_on)


def day_of_number(value: float) -> date | None:
    """The day that a spreadsheet's day number stands for; None outside 2000-2099 and for NaN."""
    return EXCEL_DAY_ZERO + timedelta(days=int(value)) if EXCEL_FIRST <= value < EXCEL_LAST + 1 else None


def _read(text: str, year: int) -> Deadline:
    plain = clean(one_line(unicodedata.normalize("NFKC", text)))
    folded = re.sub("[\u2010-\u2015\u2212]", "-", fold(plain))
    if relative := _after_event(text, plain, folded, year):
        return relative
    recurrences, rest = _recurrences(folded)
    moments, rest = find(rest, year)
    cadence = CADENCE.search(rest)
    if cadence:
        rest = _without(rest, cadence)
        moments = [moment for moment in moments if moment.day is None or (moment.day.month, moment.day.day) != (12, 31)]
    if len(recurrences) == 1 and recurrences[0].every == "year" and len(moments) == 1:
        recurrences, moments = _yearly(recurrences, moments)
    return _combined(text, folded, rest, recurrences, moments, cadence)


def _combined(
    text: str,
    folded: str,
    rest: str,
    recurrences: list["Repeating"],
    moments: list[Moment],
    cadence: re.Match[str] | None,
) -> Deadline:
    days = tuple(dict.fromkeys(moment.day for moment in moments if moment.day))
    explained = not UNEXPLAINED.search(WEEKDAYS.sub(" ", LABELS.sub(" ", rest))) and all(m.day for m in moments)
    asks = () if explained else (UNREADABLE,)
    if len(days) > 1 or (days and (recurrences or cadence)) or len(recurrences) > 1:
        recurrence = recurrences[0].recurrence if recurrences else None
        return Deadline(text, "several", dates=days, recurrence=recurrence, questions=(SEVERAL,))
    if days:
        return Deadline(text, "date", date=days[0], questions=asks)
    if cadence and not (recurrences and recurrences[0].explicit):
        every: Cadence = recurrences[0].every if recurrences else "week" if cadence["week"] else "month"
        return Deadline(text, "cadence", cadence=every, questions=asks)
    if recurrences:
        found = recurrences[0]
        return Deadline(text, "recurring", recurrence=found.recurrence, roll=found.roll, questions=asks)
    if not moments and EVENT.search(folded):
        return Deadline(text, "event")
    return Deadline(text, "unreadable", questions=(UNREADABLE,))


def _checked(deadline: Deadline, issued_on: date) -> Deadline:
    days = (deadline.date, *deadline.dates)
    if any(day and day < issued_on for day in days):
        return msgspec.structs.replace(deadline, questions=(BEFORE_DIRECTIVE, *deadline.questions))
    return deadline


def _after_event(text: str, plain: str, folded: str, year: int) -> Deadline | None:
    """A number of days from (or before) an event; calendar days stay words in `after`."""
    if AFTER_PERIOD.search(folded):
        return None
    match = AFTER_EVENT.search(folded) or EVENT_FIRST.search(folded)
    if not match:
        return None
    groups = match.groupdict()
    event = plain[match.start("event") : match.end("event")].strip(" .,:)")
    if not event or not fold(event)[0].isalpha() or (groups.get("unit") not in (None, "ngay") and groups["before"]):
        return None
    around, _ = find(folded[: match.start()] + " ; " + folded[match.end() :], year)
    inside, _ = find(match["event"], year)
    asks = (SEVERAL,) if around else (UNREADABLE,) if inside or _recurrences(folded[: match.start()])[0] else ()
    if groups["working"] and int(match["n"]) > 0:
        days = -int(match["n"]) if groups.get("before") else int(match["n"])
        return Deadline(text, "after_event", working_days=days, after=event, questions=asks)
    phrase = plain[match.start() : match.end()].strip(" .,:)")
    return Deadline(text, "after_event", after=phrase, questions=asks)


class Repeating(msgspec.Struct, frozen=True):
    """A recurrence read from the words; `explicit` when they name its day."""

    every: Every
    recurrence: Recurrence
    explicit: bool
    roll: Roll = "forward"


def _recurrences(folded: str) -> tuple[list[Repeating], str]:
    """The recurrences in the text (several when several days are named), and the text with their words used up."""
    alone = {ALONE.get(word) for word in re.split(r"\s*(?:,|;|/|\bva\b)\s*", folded.strip(" ."))}
    if None not in alone:
        only = next(every for every in ORDER if every in alone)
        return [Repeating(only, Recurrence(every=only, day="last"), explicit=False)], USED * len(folded)
    named = {every for every, pattern in PERIODS if pattern.search(folded)}
    if not named and not AFTER_PERIOD.search(folded):
        return [], folded
    rest = folded
    found: list[Repeating] = []
    for match in list(AFTER_PERIOD.finditer(rest)):
        word = match["every"]
        after: Every = (
            "quarter" if word[0] == "q" else "month" if word == "thang" else "year" if word == "nam" else "half"
        )
        found.append(_repeating(after, int(match["day"]), 1))
        rest = _without(rest, match)
    finest: Every = next((every for every in ORDER if every in named), "month")
    for pattern in (FIRST_DAYS, RECURRING_DAY, LAST_DAY):
        for match in list(pattern.finditer(rest)):
            month, every, offset = _month_of(rest, match.end(), finest)
            groups = match.groupdict()
            if pattern is RECURRING_DAY and not (groups["before"] or groups["word"] or month):
                continue
            end = month.end() if month else match.end()
            if pattern is LAST_DAY:
                roll: Roll = "backward" if groups["working"] else "forward"
                found.append(Repeating(every, Recurrence(every=every, day="last", month_offset=offset), True, roll))
            else:
                found.append(_repeating(every, int(match["day"]) - bool(groups.get("before")), offset))
            rest = rest[: match.start()] + USED * (end - match.start()) + rest[end:]
    for _, pattern in PERIODS:
        for match in list(pattern.finditer(rest)):
            rest = _without(rest, match)
    if not found:
        return [Repeating(finest, Recurrence(every=finest, day="last"), explicit=False)], rest
    return list({item.recurrence: item for item in found}.values()), rest


def _month_of(rest: str, start: int, finest: Every) -> tuple[re.Match[str] | None, Every, int]:
    for pattern, every, offset in MONTHS_OF_PERIOD:
        if month := pattern.match(rest, start):
            return month, every or finest, offset
    return None, finest, 0


def _repeating(every: Every, day: int, offset: int) -> Repeating:
    if day < 1:  # before the 1st is the last day of the month before
        return Repeating(every, Recurrence(every=every, day="last", month_offset=offset - 1), explicit=True)
    return Repeating(every, Recurrence(every=every, day=min(day, 31), month_offset=offset), explicit=True)


def _yearly(recurrences: list[Repeating], moments: list[Moment]) -> tuple[list[Repeating], list[Moment]]:
    """A day and month "hằng năm" is one yearly recurrence, not a date."""
    day = moments[0].day
    if day is None or moments[0].has_year or recurrences[0].explicit:
        return recurrences, moments
    last = (day + timedelta(days=1)).day == 1
    recurrence = Recurrence(every="year", day="last" if last else day.day, month_offset=day.month - 12)
    return [Repeating("year", recurrence, explicit=True)], []


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + USED * (match.end() - match.start()) + text[match.end() :]
