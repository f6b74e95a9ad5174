"""The words of a message: how things stand when it goes out, as a clerk would put it, grouped by urgency.

People are named if their contact is known at that moment, else by their post. No message is stored.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.notifications import act_words
from services.notifications.access import ACTIONS
from services.notifications.channels.interface import Contact, Item, Message
from services.notifications.domain import records as kept
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.people import Post, post_on, unit_on
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.domain.rules import AT_ONCE
from services.notifications.domain.task_state import TaskState, state_at
from services.notifications.domain.weekly import month, week
from services.notifications.words import TITLE_LENGTH, period_words, plain, shortened
from shared.calendar import CalendarMissing, Calendars
from shared.collation import order
from shared.dates import day_month_year
from shared.disclosure import sees_published_only
from shared.events import VIETNAM, Envelope, local_day, parse_time
from shared.records import commune_name

LATE, TODAY, SOON, OTHER = "Quá hạn", "Đến hạn hôm nay", "Sắp đến hạn", "Việc khác"
AT_ONCE_HEADING = "Cần biết ngay"
HEADINGS = (AT_ONCE_HEADING, LATE, TODAY, SOON, OTHER)

# How many people or fields with late tasks a digest of figures names; the report has them all.
LINES = 15

ENDED = {"completed": "Đã hoàn thành", "cancelled": "Đã hủy", "handed_back": "Đã trả lại nhiệm vụ"}

# The request, by the role of the recipient.
ASKS = {
    "lead": "Đề nghị báo cáo kết quả; nếu chưa xong thì báo cáo tiến độ hoặc xin gia hạn.",
    "leader": "Đề nghị cho ý kiến chỉ đạo.",
    "office": "Đề nghị Văn phòng đôn đốc người chủ trì.",
    "collaborator": "Đề nghị phối hợp với người chủ trì để hoàn thành đúng hạn.",
    "other": "Đề nghị giải quyết thay hoặc nhắc người chủ trì.",
}
ASKS_REPORTED = "Đề nghị kiểm tra, xác nhận kết quả."
SLIP_READY = "Phiếu đôn đốc đã soạn sẵn, đề nghị ký, ban hành."


def compose(
    records: Records,
    occurrences: Sequence[Occurrence],
    *,
    message: str,
    recipient: str,
    channel: str,
    at: str,
    contacts: Mapping[str, Contact],
    link: Callable[[Occurrence], str | None],
    catch_up: bool = False,
    documents: Collection[str] = (),
    acts: Mapping[str, Sequence[Envelope]] = {},
) -> Message:
    """One message of these occurrences (at least one) to their recipient, as things stand at `at` (RFC 3339 in UTC).

    `contacts` are all contacts of the commune by staff id, empty to name nobody; a webhook never names anybody.
    `documents` are the rules that come with an urging slip for the Office. `catch_up`: the occurrences were missed
    while the system stood still. `acts` are by reminder the events that notices are about.
    """
    named = {} if channel == "webhook" else contacts
    most = act_words.LINES_OF_A_CHAT if channel == "apprise" else act_words.MOST_LINES
    view = _View(records, recipient, at, named, frozenset(documents), calendars_at(records, at), acts, most)
    entries = [_entry(view, occurrence, link(occurrence)) for occurrence in _latest(occurrences, channel)]
    entries.sort(key=lambda entry: HEADINGS.index(entry.item.heading))
    tasks = {task_of(occurrence.about) for occurrence in occurrences}
    return Message(
        message=message,
        commune=records.commune,
        recipient=recipient,
        at=at,
        subject=_subject(entries, at, catch_up),
        greeting=f"Kính gửi {view.who(recipient)},",
        items=[entry.item for entry in entries],
        closing=_closing(records, catch_up),
        urgent=any(occurrence.urgency == "immediate" for occurrence in occurrences),
        thread=f"task/{tasks.pop()}" if len(tasks) == 1 and None not in tasks else None,
    )


class _Entry(msgspec.Struct, frozen=True):
    """`headline` is how it stands in few words, for a subject."""

    headline: str
    item: Item


class _View(msgspec.Struct, frozen=True):
    """What a message is written from."""

    records: Records
    recipient: str
    at: str
    contacts: Mapping[str, Contact]
    documents: frozenset[str]
    calendars: Calendars
    acts: Mapping[str, Sequence[Envelope]]
    most_acts: int

    @property
    def today(self) -> date:
        return local_day(self.at)

    def post(self, staff: str) -> Post | None:
        person = self.records.people.get(staff)
        return post_on(person, self.today, self.at) if person else None

    def who(self, staff: str) -> str:
        """A person by name, else by post, else by id; a unit by its head."""
        contact = self.contacts.get(staff)
        if contact and contact.name:
            return plain(contact.name)
        post = self.post(staff)
        if post:
            return plain(post.post)
        unit = unit_on(self.records, staff, self.today, self.at)
        return self.who(unit.head) if unit and unit.head and unit.head != staff else plain(staff)

    def named(self, staff: str) -> str:
        """As `who`, distinguished from others of the same post."""
        contact = self.contacts.get(staff)
        who = self.who(staff)
        return who if (contact and contact.name) or who == staff else f"{who} ({staff})"

    @property
    def supervises(self) -> bool:
        """Is it only as a supervisor that the recipient reads numbers?"""
        post = self.post(self.recipient)
        return post is not None and sees_published_only(post.roles, ACTIONS["monthly.read"])

    def role(self, task: TaskRecord) -> str:
        """What the recipient is to the task: a key of ASKS."""
        unit = unit_on(self.records, task.lead, self.today, self.at)
        if self.recipient in (task.lead, unit.head if unit else None):
            return "lead"
        post = self.post(self.recipient)
        roles = set(post.roles) if post else set()
        if roles & {"chair", "vice_chair"}:
            return "leader"
        if "office" in roles:
            return "office"
        heads = {u.head for each in task.collaborators if (u := unit_on(self.records, each, self.today, self.at))}
        return "collaborator" if self.recipient in {*task.collaborators, *heads} else "other"


def _latest(occurrences: Sequence[Occurrence], channel: str) -> Iterable[Occurrence]:
    """Each thing comes once, by its last rung, and so does each urging. Programs get every occurrence."""
    ordered = sorted(occurrences, key=lambda each: (each.run_on, each.queued_at, each.rule))
    if channel == "webhook":
        return ordered
    return {(each.about, each.note, each.rule in AT_ONCE and each.rule): each for each in ordered}.values()


def _entry(view: _View, occurrence: Occurrence, link: str | None) -> _Entry:
    kind, _, of = occurrence.about.partition("/")
    entry = _WRITERS[kind](view, occurrence, of)
    return _Entry(entry.headline, msgspec.structs.replace(entry.item, link=link))


def _item(occurrence: Occurrence, **values: Any) -> Item:
    return Item(reminder=occurrence.reminder, about=occurrence.about, rule=occurrence.rule, **values)


# Tasks


def _task(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    task = view.records.tasks.get(of.partition("/")[0])  # a check names its period too
    now = state_at(task, view.at) if task else None
    if task is None or now is None:
        return _Entry("Nhiệm vụ", _item(occurrence, heading=OTHER, title=of, text=f"Nhiệm vụ {of}"))
    heading, headline = _headline(view, now)
    title = plain(task.title)
    when = f" (hạn {day_month_year(now.due)})" if now.due and now.runs else ""
    return _Entry(
        f"Đôn đốc, {headline[0].lower()}{headline[1:]}" if occurrence.rule == "urge" else headline,
        _item(
            occurrence,
            heading=heading,
            title=title,
            text=f"{headline}{when}: {title}",
            details=[*_details(view, occurrence, task, now)],
            staff=task.lead,
            due=now.due.isoformat() if now.due and now.runs else None,
            due_version=now.due_version,
        ),
    )


def _headline(view: _View, now: TaskState) -> tuple[str, str]:
    """The heading that a task comes under, and how it stands."""
    if not now.runs:
        return OTHER, ENDED[now.status]
    if now.status == "reported":
        return OTHER, "Đã báo cáo kết quả, chờ kiểm tra, xác nhận"
    if now.due is None:
        return OTHER, "Đến kỳ kiểm tra việc thường xuyên"
    if now.due == view.today:
        return TODAY, "Đến hạn hôm nay"
    late = now.due < view.today
    try:
        if late:
            days = view.calendars.working_days_between(now.due, view.today)
        else:
            days = view.calendars.working_days_between(view.today, view.calendars.roll(now.due, "backward"))
    except CalendarMissing:
        days = 0
    if days <= 0:
        return (LATE, "Quá hạn") if late else (SOON, "Sắp đến hạn")
    return (LATE, f"Quá hạn {days} ngày làm việc") if late else (SOON, f"Còn {days} ngày làm việc")


def _details(view: _View, occurrence: Occurrence, task: TaskRecord, now: TaskState) -> Iterable[str]:
    role = view.role(task)
    if occurrence.note:
        yield f"Ý kiến đôn đốc: {plain(occurrence.note)}"
    if role != "lead":
        yield f"Chủ trì: {view.who(task.lead)}"
    if task.product:
        yield f"Sản phẩm: {plain(task.product)}"
    directive: kept.DirectiveRecord | None = view.records.get("directive", task.directive or "")
    if directive:
        yield f"Theo văn bản số {plain(directive.number)} ngày {day_month_year(directive.issued_on)}"
    if now.frozen:
        until = f" đến {day_month_year(now.proposed)}" if now.proposed else ""
        yield f"Đã xin gia hạn{until}, chưa được trả lời."
    if now.status == "reported" and role != "lead":
        yield ASKS_REPORTED
    elif now.status == "open":
        yield SLIP_READY if role == "office" and occurrence.rule in view.documents else ASKS[role]


# Sheets and appeals


def _sheet(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    period, _, staff = of.partition("/")
    own = staff == view.recipient
    title = f"Phiếu theo dõi, đánh giá {period_words(period)} của {view.who(staff)}"
    ask = "Đề nghị tự đánh giá tiêu chí chung." if own else "Đề nghị xác nhận kết quả tự đánh giá tiêu chí chung."
    headline = "Chưa tự đánh giá" if own else "Chưa xác nhận đánh giá"
    return _Entry(
        headline,
        _item(occurrence, heading=LATE, title=title, text=f"{headline}: {title}", details=[ask], staff=staff or None),
    )


def _appeal(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    record: kept.AppealRecord | None = view.records.get("appeal", of)
    appealed = [m.data for m in record.moments if isinstance(m, kept.Appealed)] if record else []
    if not appealed:
        return _Entry("Kiến nghị", _item(occurrence, heading=OTHER, title=of, text=f"Kiến nghị {of}"))
    data = appealed[-1]
    title = f"Kiến nghị của {view.who(data.staff)} về kết quả xếp loại năm {data.year}"
    heading = LATE if data.due < view.today else TODAY if data.due == view.today else SOON
    return _Entry(
        f"Cần trả lời trước {day_month_year(data.due)}" if heading == SOON else heading,
        _item(
            occurrence,
            heading=heading,
            title=title,
            text=f"Hạn trả lời {day_month_year(data.due)}: {title}",
            details=[f"Nhận ngày {day_month_year(data.received_on)}. Đề nghị xem xét, trả lời."],
            staff=data.staff,
            due=data.due.isoformat(),
        ),
    )


# Acts


def _act(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    headline = act_words.headline(occurrence.rule)
    events = view.acts.get(occurrence.reminder, ())
    if not events:
        return _Entry(headline, _item(occurrence, heading=AT_ONCE_HEADING, title=of, text=f"{headline}: {of}"))
    title = act_words.title(view.records, events, view.named)
    lines = [*act_words.details(view.records, occurrence.rule, events, view.named, view.most_acts)]
    return _Entry(
        headline,
        _item(occurrence, heading=AT_ONCE_HEADING, title=title, text=f"{headline}: {title}", details=lines),
    )


# Figures of a week or a month


def _week(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    title = _week_title(of)
    if view.supervises:
        return _unfilled(occurrence, title)
    now = week(view.records, view.at, ())
    total = now.total
    late = {person.staff: person.tasks.late + person.tasks.undone for person in now.people}
    by_field = [(field.name, field.tasks.late + field.tasks.undone) for field in now.fields]
    details = [
        f"Quá hạn: trễ {total.late}, chưa làm {total.undone}. Đến hạn trong tuần: {total.due}.",
        f"Chờ kiểm tra, xác nhận: {total.waiting}. Xin gia hạn: {total.requests}.",
    ]
    details += _listed("Quá hạn theo người chủ trì", [(view.named(staff), count) for staff, count in late.items()])
    details += _listed("Quá hạn theo lĩnh vực", by_field)
    overdue = f"{total.late + total.undone} việc quá hạn trong {total.open} việc chưa xong"
    text = f"{title}, đến {day_month_year(now.on)}: {overdue}"
    return _Entry(title, _item(occurrence, heading=OTHER, title=title, text=text, details=details))


def _week_title(of: str) -> str:
    year, _, number = of.partition("-W")
    return f"Báo cáo tuần {number.removeprefix('0')}/{year}"


def _unfilled(occurrence: Occurrence, title: str) -> _Entry:
    """Supervisors see numbers as they are published, of months that are over (docs/adr/0031), and no others."""
    details = ["Số liệu xem ở báo cáo của tháng đã kết thúc, mục số liệu giám sát."]
    return _Entry(title, _item(occurrence, heading=OTHER, title=title, text=f"{title}: đã có số liệu", details=details))


def _month(view: _View, occurrence: Occurrence, of: str) -> _Entry:
    title = f"Báo cáo {period_words(of)}"
    if view.supervises:
        return _unfilled(occurrence, title)
    now = month(view.records, date.fromisoformat(f"{of}-01"), view.at)
    total = now.total
    text = f"{title}, đến {day_month_year(now.on)}: {total.overdue} việc quá hạn trong {total.open} việc chưa xong"
    details = [
        f"Chờ kiểm tra, xác nhận: {total.waiting}. Giao trong tháng: {total.assigned}.",
        *_listed("Quá hạn theo lĩnh vực", [(field.name, field.tasks.overdue) for field in now.fields]),
    ]
    return _Entry(title, _item(occurrence, heading=OTHER, title=title, text=text, details=details))


def _listed(label: str, counts: Iterable[tuple[str, int | None]]) -> list[str]:
    """A line of the counts that are not zero, the highest first; those beyond LINES as one number. Names may repeat."""
    some = [(name, count) for name, count in counts if count]
    ordered = sorted(some, key=lambda each: (-each[1], order(each[0])))
    parts = [f"{name} {count}" for name, count in ordered[:LINES]]
    rest = sum(count for _, count in ordered[LINES:])
    return [f"{label}: {'; '.join([*parts, *([f'còn lại {rest}'] if rest else [])])}."] if parts else []


_WRITERS: Mapping[str, Callable[[_View, Occurrence, str], _Entry]] = {
    "task": _task,
    "check": _task,
    "sheet": _sheet,
    "appeal": _appeal,
    "act": _act,
    "week": _week,
    "month": _month,
}


# Words


def _subject(entries: Sequence[_Entry], at: str, catch_up: bool) -> str:
    now = parse_time(at).astimezone(VIETNAM)
    if catch_up:
        return f"Nhắc bù các việc bị lỡ, {now:%d/%m/%Y} ({len(entries)} việc)"
    if all(entry.item.rule in AT_ONCE for entry in entries) and len(entries) > 1:
        return f"Cần biết ngay: {len(entries)} việc được ghi, {now:%H:%M %d/%m/%Y}"
    if len(entries) == 1:
        only = entries[0]
        figures = only.item.about.startswith(("week/", "month/"))
        return (
            shortened(only.item.text, 2 * TITLE_LENGTH) if figures else f"{only.headline}: {shortened(only.item.title)}"
        )
    part = "sáng" if now.hour < 12 else "chiều"
    return f"Việc cần theo dõi {part} {now:%d/%m/%Y} ({len(entries)} việc)"


def _closing(records: Records, catch_up: bool) -> str:
    sender = f"Tin tự động của hệ thống theo dõi nhiệm vụ, {plain(commune_name(records))}. Không trả lời tin này."
    if not catch_up:
        return sender
    return f"Hệ thống vừa hoạt động lại sau thời gian dừng; đây là các thông báo bị lỡ, gộp thành một tin.\n{sender}"
