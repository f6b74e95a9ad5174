"""The words of a notice: what was done, about what, when, who typed it, and what its reader can do about it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from services.notifications.domain import acts
from services.notifications.domain import records as kept
from services.notifications.domain.records import Records
from services.notifications.domain.rules import ABOUT, JUDGES, OUTSIDE
from services.notifications.domain.texts import ABSENCES, ACTS
from services.notifications.domain.touching import changes
from services.notifications.words import period_words, plain, shortened
from shared.dates import day_month_year
from shared.events import (
    CATALOGUE,
    VIETNAM,
    AbsenceRecorded,
    Due,
    Envelope,
    StaffAppointed,
    StaffChanged,
    StaffDisciplined,
    StaffLeft,
    parse_time,
)
from shared.events.since import LATE_DAYS, days_before, past_due, since
from shared.events.values import EXTERNAL
from shared.roles import CATEGORIES, OF_JUDGES, OF_RATING, in_words

# By staff id, the name or post that a person is called by.
Who = Callable[[str], str]

# Their lines say since when; of other acts a day is told apart as it stands.
OF_A_PERSON = (StaffAppointed, StaffChanged, StaffLeft, AbsenceRecorded, StaffDisciplined)

# How many acts of one append a notice lists; a chat shows few lines at once, and its link leads to all of them.
MOST_LINES = 500
LINES_OF_A_CHAT = 15

HEADLINES = {
    OUTSIDE: "Quyết định từ ngoài xã",
    JUDGES: "Thay đổi vai trò, người đánh giá",
    ABOUT: "Ghi về ông (bà)",
}
TYPED_HEADLINE = "Ghi thay"
APPEAL = (
    "Sau khi có quyết định xếp loại, ông (bà) có quyền kiến nghị và nêu nội dung này, qua phần mềm hoặc bằng văn bản "
    "gửi Văn phòng; kiến nghị được giải quyết trong 07 ngày làm việc kể từ ngày nhận (Điều 22 NĐ 335/2025/NĐ-CP)."
)
ASKS = {
    OUTSIDE: "Nếu nội dung ghi không đúng văn bản, báo ngay Văn phòng hoặc Chủ tịch.",
    JUDGES: "Nếu thay đổi này không đúng, báo ngay Chủ tịch.",
    ABOUT: "Kết quả xếp loại của ông (bà) dựa vào nội dung này. Nếu không đúng, báo ngay Văn phòng hoặc Chủ tịch.",
}
TYPED_ASK = (
    "Nếu không phải việc của ông (bà) hoặc ghi không đúng, báo ngay Văn phòng hoặc Chủ tịch để ghi lại cho đúng."
)


def headline(rule: str) -> str:
    """Why its reader hears of it, in few words."""
    return HEADLINES.get(rule, TYPED_HEADLINE)


def title(records: Records, events: Sequence[Envelope], who: Who) -> str:
    """What was done (at least one act of one append): the act and what it is about, or how many of which."""
    if len(events) == 1:
        about = _about(records, events[0], who)
        return f"{act(events[0])}: {about}" if about else act(events[0])
    counts = Counter(map(act, events))
    parts = [name if count == 1 else f"{name} ({count})" for name, count in counts.items()]
    return "; ".join(parts)


def act(event: Envelope) -> str:
    """An act in words, as the Office calls it."""
    name = CATALOGUE.of(event.data).name
    return ACTS.get(name, name)


def details(records: Records, rule: str, events: Sequence[Envelope], who: Who, most: int = MOST_LINES) -> Iterator[str]:
    """The lines under it: who typed it, when, and where it stands in the log; at most `most` acts one by one; what its
    reader can do."""
    first, last = events[0], events[-1]
    at = parse_time(first.time).astimezone(VIETNAM)
    place = f"{first.position}" if first is last else f"{first.position} đến {last.position}"
    yield f"Người ghi: {_typist(first.actor, who)}, lúc {at:%H:%M} ngày {at:%d/%m/%Y}."
    yield f"Vị trí trong nhật ký {acts.source_of(first)}: {place}."
    if first is last:
        yield from _particulars(records, rule, first, who)
    else:
        for event in events[:most]:
            yield " ".join([f"– {title(records, [event], who)}.", *_particulars(records, rule, event, who)])
        if len(events) > most:
            yield f"– và {len(events) - most} nội dung khác cùng lúc; danh sách đầy đủ ở liên kết hoặc ở nhật ký."
    yield ASKS.get(rule, TYPED_ASK)
    yield APPEAL


def _typist(actor: str, who: Who) -> str:
    kind, _, name = actor.partition("/")
    if kind == "staff":
        return who(name)
    return f"người vận hành hệ thống ({plain(name)})" if kind == "operator" else "hệ thống, tự động"


def _about(records: Records, event: Envelope, who: Who) -> str:
    """The task, person, unit and period of an act."""
    data = event.data
    given = {name: getattr(data, name, None) for name in ("task", "directive", "staff", "unit", "period", "year")}
    parts = []
    if isinstance(words := getattr(data, "title", None), str):
        parts.append(plain(words))
    elif given["task"]:
        task = records.tasks.get(given["task"])
        parts.append(plain(task.title) if task else f"nhiệm vụ {given['task']}")
    elif given["directive"]:
        directive: kept.DirectiveRecord | None = records.get("directive", given["directive"])
        parts.append(f"văn bản số {plain(directive.number)}" if directive else f"văn bản {given['directive']}")
    staff = given["staff"]
    if staff:
        parts.append(", ".join(map(who, [staff] if isinstance(staff, str) else staff)))
    if given["unit"] and not staff:
        parts.append(who(given["unit"]))
    if given["period"] or given["year"]:
        parts.append(period_words(str(given["period"] or given["year"])))
    return shortened(", ".join(parts), 240)


def _particulars(records: Records, rule: str, event: Envelope, who: Who) -> Iterator[str]:
    """What its reader would check first: an earlier day, the paper of an outside body, what changed of a post."""
    data = event.data
    for name in ("on", "decided_on", "assigned_on", "received_on"):
        day = getattr(data, name, None)
        if isinstance(day, date) and day != event.day:
            yield f"Ghi cho ngày {day_month_year(day)}, khác ngày ghi."
    first = since(data)
    if first and isinstance(data, OF_A_PERSON) and days_before(data, event.day) > LATE_DAYS:
        yield f"Tính từ ngày {day_month_year(first)}, ghi sau {days_before(data, event.day)} ngày."
    if isinstance(due := getattr(data, "due", None), Due):
        yield f"Thời hạn: {day_month_year(due.date) if due.date else plain(due.text)}."
    if past_due(data, event.day):
        yield "Thời hạn đã qua khi ghi."
    if coefficient := getattr(data, "coefficient", None):
        yield f"Hệ số: {coefficient}."
    if acts.by_outside(data):
        paper = _paper(data)
        yield f"Theo văn bản {paper}." if paper else "Không ghi số, ngày văn bản."
    if isinstance(data, StaffAppointed | StaffChanged):
        for name, (before, after) in changes(records, event).items():
            words = {**OF_JUDGES, **OF_RATING}[name]
            was, is_now = (_field(name, value, who) for value in (before, after))
            yield f"{words[0].upper()}{words[1:]}: từ {was} thành {is_now}, từ ngày {day_month_year(data.valid_from)}."
    if isinstance(data, AbsenceRecorded):
        until = f"đến ngày {day_month_year(data.to)}" if data.to else "chưa rõ ngày hết"
        yield f"Vắng từ ngày {day_month_year(data.from_)} {until}, loại: {ABSENCES[data.kind]}."
    if isinstance(data, StaffDisciplined):
        yield f"Vi phạm ngày {day_month_year(data.act_date)}, quyết định ngày {day_month_year(data.decision_date)}."
    if isinstance(data, StaffLeft) and rule == ABOUT:
        yield f"Ngày cuối giữ chức vụ: {day_month_year(data.valid_to)}."
    elif isinstance(data, StaffLeft):
        yield f"Người này đang theo dõi hoặc xếp loại ông (bà); thôi từ sau ngày {day_month_year(data.valid_to)}."


def _paper(data: Any) -> str:
    """Number and date of an outside body's paper, as far as they were given."""
    number = next(
        (n for f in ("decision_number", "document_number", "document") if (n := getattr(data, f, None))), None
    )
    day = next((d for f in ("document_date", "decided_on", "on") if (d := getattr(data, f, None))), None)
    parts = [f"số {plain(number)}" if number else "", f"ngày {day_month_year(day)}" if day else ""]
    return " ".join(part for part in parts if part)


def _field(name: str, value: Any, who: Who) -> str:
    if name == "roles":
        return in_words(value)
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, date):
        return day_month_year(value)
    if name == "category":
        return CATEGORIES[value]
    if name == "similar_group" and value:
        return plain(value)
    if value == EXTERNAL:
        return "cấp trên"
    return who(value) if value else "không ghi"
