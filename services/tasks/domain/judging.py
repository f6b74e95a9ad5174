"""Who judges whom, and whom a command concerns: nobody decides or types what their own rating rests on (ADR 0028)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from services.tasks.domain import communes, refusals, staff
from services.tasks.domain.authority import taking_part
from services.tasks.domain.context import Command, Context, canonical
from services.tasks.domain.staff import Post, Staff
from services.tasks.domain.templates import Template, moved
from shared.calendar import calendar_of
from shared.events import (
    CalendarPublished,
    CommuneSettingsChosen,
    Data,
    DueRecomputed,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    UnitDefined,
)
from shared.events.values import EXTERNAL
from shared.refusal import Refusal
from shared.roles import OF_JUDGES

LEADING = frozenset({"chair", "vice_chair"})
MAY_NAME_JUDGES = frozenset({"chair", "admin"})
# What of a post only a chair or an administrator names; a tracker the Office names too.
NAMED = {name: words for name, words in OF_JUDGES.items() if name != "tracker"}

Predicate = Callable[[str, Any, Any, Context], bool]


class Concerns(NamedTuple):
    """Whom a command concerns: they neither send it nor are named as its author.

    reason    why these people, or why nobody in particular
    one       is this person one of them? asked with the state of the command's stream, None for a new one
    refusal   the answer to them
    instead   who may send it: words that fill the refusal
    """

    reason: str
    one: Predicate = lambda *_: False
    refusal: Refusal = refusals.OWN_TASK
    instead: str = ""


LEADERS = "Chủ tịch hoặc Phó Chủ tịch phụ trách, không tham gia nhiệm vụ, quyết định"
ASSIGNERS = "Chủ tịch, Phó Chủ tịch hoặc người khác ở Văn phòng thực hiện"

NOBODY = Concerns("No person's rating rests on it")
EVERYBODY = Concerns(
    "It holds for everybody alike; what it does to the sender's deadlines or judges is found by events"
)
OWN_ACT = Concerns("A person's own word: it counts once somebody else has verified it")
EACH_PART = Concerns("Each command inside is looked at on its own")

RECORD = Concerns(
    "A record of a person is kept by others",
    lambda one, _state, command, _context: canonical(command.staff) == one,
    refusals.OWN_RECORD,
)
HEADS = Concerns(
    "A head's rating follows the unit's (NĐ 335/2025), and a head takes part in the unit's tasks",
    lambda one, state, command, _context: (
        one == canonical(command.head or "") or (state is not None and one in (*state.heads, state.head))
    ),
    refusals.OWN_UNIT,
)
PARTICIPANTS = Concerns(
    "A task's deadline, coefficient, causes and result are decided by others",
    lambda one, state, _command, context: state is not None and taking_part(state, one, context),
    instead=LEADERS,
)
CORRECTED = PARTICIPANTS._replace(
    reason="Words and collaborators say what is to be done and who verifies it", instead=ASSIGNERS
)
LED = Concerns(
    "Taking a task off its lead is decided by others; that they cannot do it, the lead says",
    lambda one, state, command, _context: command.kind == "reassigned" and state is not None and state.lead == one,
    instead=ASSIGNERS,
)
LEAD = Concerns(
    "Nobody makes up, dates or weighs a task of their own",
    lambda one, _state, command, _context: canonical(command.lead) == one,
    refusals.OWN_ASSIGNMENT,
    ASSIGNERS,
)
RECURRING = LEAD._replace(
    reason="Nobody makes up, changes or ends a recurring task of their own",
    one=lambda one, state, command, _context: (
        one in (*(each.lead for each in (state.versions if state else ())), canonical(getattr(command, "lead", "")))
    ),
)
ROW = LEAD._replace(
    reason="Dropping or changing a row of an annex takes a task away from the person that it names",
    one=lambda one, state, _command, _context: (
        state is not None
        and state.draft is not None
        and one in (state.draft.row.get("lead"), *state.draft.row.get("candidates", ()))
    ),
)


def senders(command: Command, context: Context) -> list[str]:
    """The people who answer for a command: who types it, and in whose name."""
    exceeded = getattr(command, "exceeded", None)
    named = (getattr(command, "by", None), exceeded and exceeded.confirmed_by, context.in_name_of)
    found = [canonical(by) for by in named if by]
    return list(dict.fromkeys([context.actor_staff, *found] if context.actor_staff else found))


def must_not_concern_the_sender(concerns: Concerns, state: Any, command: Command, context: Context) -> None:
    """Refuses a command about the person who types it, or in whose name it is typed, whatever their roles."""
    for sender in senders(command, context):
        if concerns.one(sender, state, command, context):
            raise concerns.refusal(staff=sender, instead=concerns.instead)


def must_be_allowed(events: Iterable[Data], command: Command, context: Context) -> None:
    """Who judges is changed by the chair or an administrator, and by nobody for themselves.

    Looks at events, so that it holds for every command that leads to them. Refuses: a change of who judges by others,
    of the sender's own judges, of the sender's own deadlines.
    """
    for data in events:
        for sender in senders(command, context):
            _must_not_be_about(sender, data, context)
        if context.roles.isdisjoint(MAY_NAME_JUDGES) and (changes := changes_of_judges(data, context)):
            raise refusals.CHAIR_OR_ADMIN_REQUIRED(what="; ".join(changes))


def changes_of_judges(data: Data, context: Context) -> list[str]:
    """What an event changes of who judges, in words; nothing for most events. The event is not folded yet."""
    found = CHANGES.get(type(data))
    return list(dict.fromkeys(found(data, context))) if found else []


def _of_staff(data: Any, context: Context) -> Iterator[str]:
    before, after = context.staff(data.staff), _after(data, context)
    for day in _days(before, after):
        old, new = _post(before, day), _post(after, day)
        if new is not None:
            yield from _of_post(data.staff, old, new, context)
        elif old is not None:
            yield from _of_leaving(data.staff, old, day, context)


def _of_post(person: str, old: Post | None, new: Post, context: Context) -> Iterator[str]:
    if old is None:
        yield f"{person} giữ chức vụ mới với vai trò, diện và người quyết định xếp loại"
        return
    for name, words in NAMED.items():
        if _value(old, name) != _value(new, name):
            yield f"đổi {words} của {person}"
    if old.unit != new.unit and not LEADING.isdisjoint([*old.roles, *new.roles]):
        yield f"chuyển bộ phận của {person}, là Chủ tịch hoặc Phó Chủ tịch"
    if new.tracker != old.tracker and new.tracker == context.actor_staff:
        yield f"người gửi tự thành người phụ trách trực tiếp của {person}"


def _value(post: Post, name: str) -> Any:
    return sorted(post.roles) if name == "roles" else getattr(post, name)


def _of_leaving(person: str, old: Post, day: date, context: Context) -> Iterator[str]:
    if not LEADING.isdisjoint(old.roles):
        yield f"{person} thôi chức vụ Chủ tịch hoặc Phó Chủ tịch"
    judged = [one.staff for one in _people(context) if any(_names(person, post) for post in _posts_from(one, day))]
    if judged:
        yield f"{person} thôi chức vụ, đang phụ trách trực tiếp hoặc quyết định xếp loại {', '.join(judged)}"


def _names(person: str, post: Post) -> bool:
    return person in (post.tracker, post.rater)


def _of_unit(data: UnitDefined, context: Context) -> Iterator[str]:
    known = context.unit(data.unit)
    before = known.head if known else None
    for head in () if before == data.head else (before, data.head):
        if head and context.holds(head, *LEADING):
            yield f"đổi người đứng đầu bộ phận {data.unit}: {head} là Chủ tịch hoặc Phó Chủ tịch"


def _of_settings(data: CommuneSettingsChosen, context: Context) -> Iterator[str]:
    for name in _settings_of_judges(data, context):
        yield f"cài đặt {name}"


def _settings_of_judges(data: CommuneSettingsChosen, context: Context) -> Iterator[str]:
    """Those that say who judges, and change."""
    state = context.state(f"commune/{context.commune}")
    for name, value in data.settings.items():
        if name in communes.OF_JUDGES and state.settings.get(name) != value:
            yield name


CHANGES: dict[type[Data], Callable[[Any, Context], Iterator[str]]] = {
    StaffAppointed: _of_staff,
    StaffChanged: _of_staff,
    StaffLeft: _of_staff,
    UnitDefined: _of_unit,
    CommuneSettingsChosen: _of_settings,
}


def _must_not_be_about(sender: str, data: Data, context: Context) -> None:
    """Refuses an event that moves the sender's own deadlines, or changes the sender's own judges."""
    if isinstance(data, DueRecomputed):
        task = context.state(f"task/{data.task}")
        if task is not None and taking_part(task, sender, context):
            raise refusals.OWN_DEADLINES(staff=sender, task=data.task)
    if isinstance(data, CalendarPublished):
        _must_not_move_recurring_tasks_of(sender, data, context)
    if isinstance(data, CommuneSettingsChosen) and _is_rated_below_the_chair(sender, context):
        for name in _settings_of_judges(data, context):
            raise refusals.OWN_JUDGES(staff=sender, person=f"cài đặt {name}")
    if isinstance(data, StaffAppointed | StaffChanged | StaffLeft) and _changes_judges_of(sender, data, context):
        raise refusals.OWN_JUDGES(staff=sender, person=data.staff)


def _must_not_move_recurring_tasks_of(sender: str, data: CalendarPublished, context: Context) -> None:
    """Occurrences that wait for their year's first calendar, and those to come; begun ones have their date."""
    since = max(date(data.year - 1, 1, 1), context.today if data.supersedes else date.min)
    templates: dict[str, Template] = context.of_kind("template")
    for template in templates.values():
        version = moved(template, calendar_of(data), context.calendars, since)
        if version is not None and any(sender in (each.lead, *each.collaborators) for each in template.versions):
            raise refusals.OWN_DEADLINES(staff=sender, task=template.template)


def _is_rated_below_the_chair(person: str, context: Context) -> bool:
    """A setting of who judges is about everybody rated, but for the chair, who is rated above."""
    post = context.post(person)
    return post is not None and post.rated and "chair" not in post.roles


def _changes_judges_of(sender: str, data: Any, context: Context) -> bool:
    before, after = context.staff(data.staff), _after(data, context)
    changed = [day for day in _days(before, after) if _weight(_post(before, day)) != _weight(_post(after, day))]
    if not changed:
        return False
    people = {one.staff: one for one in _people(context)}
    then = people | {data.staff: after}
    days = {changed[0], *(step.on for one in then.values() for step in one.steps if step.on > changed[0])}
    return any(_judges(sender, people, day) != _judges(sender, then, day) for day in days)


def _weight(post: Post | None) -> Any:
    """What of a post counts in who judges others."""
    return post and (post.tracker, LEADING.intersection(post.roles))


def _judges(person: str, people: dict[str, Staff], day: date) -> tuple[Collection[str], ...]:
    """Who follows a person's work up to the vice-chair in charge, who decides the year, and who may decide of the
    person's tasks, on a day."""
    post = _post(people.get(person), day)
    if post is None:
        return ()
    followers: list[str] = []
    above = post.tracker
    while above is not None and above not in (person, *followers):
        followers.append(above)
        found = _post(people.get(above), day)
        above = None if found is None or "vice_chair" in found.roles else found.tracker
    in_post = [one for one in followers if _post(people.get(one), day) is not None]
    chairs = _holding("chair", people, day)
    raters = [post.rater or EXTERNAL] if post.rater is not None or "chair" in post.roles else chairs
    return in_post, raters, _competent_for(post, chairs, people, day)


def _competent_for(post: Post, chairs: list[str], people: dict[str, Staff], day: date) -> Collection[str]:
    """Who may decide of the tasks of a post that is rated, beside those who follow it (`authority.competent`): every
    chair, and every vice-chair once all chairs take part. A chair chooses their own deputies, not other chairs."""
    if not post.rated:
        return ()
    return chairs if "chair" in post.roles else [*chairs, *_holding("vice_chair", people, day)]


def _holding(role: str, people: dict[str, Staff], day: date) -> list[str]:
    return [one for one in people if (held := _post(people[one], day)) and role in held.roles]


def _after(data: Any, context: Context) -> Staff:
    after: Staff = staff.EVOLVE[type(data)](context.staff(data.staff), data, context.today)
    return after


def _days(*states: Staff | None) -> list[date]:
    """The days from which a post may be another than before."""
    return sorted({step.on for state in states if state for step in state.steps})


def _post(state: Staff | None, day: date) -> Post | None:
    return state.post_on(day) if state else None


def _posts_from(state: Staff, day: date) -> Iterator[Post]:
    """The posts in force on a day and later."""
    for each in (day, *(step.on for step in state.steps if step.on > day)):
        if (post := state.post_on(each)) is not None:
            yield post


def _people(context: Context) -> Iterable[Staff]:
    found: dict[str, Staff] = context.of_kind("staff")
    return found.values()
