"""Publishing a working calendar, which moves the open deadlines that were counted with the revision before."""

from services.tasks.domain import refusals
from services.tasks.domain.calendars import CalendarYear, as_calendar
from services.tasks.domain.context import Command, Context, new_code, recorder
from services.tasks.domain.deadlines import recompute
from shared.calendar import Calendars, calendar_of
from shared.events import CalendarPublished, Data, DayOff, WorkingWeekend

SATURDAY = 5
CALENDAR_YEARS = range(1945, 2200)


class PublishCalendar(Command):
    """`supersedes`, when given, must be the revision in force."""

    calendar: str
    year: int
    days_off: list[DayOff]
    working_weekends: list[WorkingWeekend]
    supersedes: str | None = None
    by: str | None = None


def publish(state: CalendarYear | None, command: PublishCalendar, context: Context) -> list[Data]:
    """A revision, and the deadlines it moves; `context.states` holds the commune's running tasks.

    Refuses: an id used before, superseding another than the one in force, a year of another age, a day of another year
    or named twice, a worked weekend that is none.
    """
    in_force = state.calendar if state else None
    new_code(command.calendar)
    if state is not None and command.calendar in state.revisions:
        raise refusals.CALENDAR_EXISTS(calendar=command.calendar)
    if command.supersedes not in (None, in_force):
        raise refusals.CALENDAR_NOT_IN_FORCE(calendar=command.supersedes)
    _must_be_consistent(command)
    published = CalendarPublished(
        calendar=command.calendar,
        year=command.year,
        days_off=command.days_off,
        working_weekends=command.working_weekends,
        by=recorder(context, command.by),
        supersedes=in_force,
    )
    if in_force is None:
        return [published]
    others: dict[str, CalendarYear] = context.of_kind("calendar")
    calendars = Calendars([*(as_calendar(year) for year in others.values()), calendar_of(published)])
    reason = f"Áp dụng lịch làm việc {command.calendar} thay {in_force}"
    running = context.of_kind("task").values()
    return [published, *recompute(running, in_force, calendars, published.by, reason)]


def _must_be_consistent(command: PublishCalendar) -> None:
    off = [day.date for day in command.days_off]
    worked = [day.date for day in command.working_weekends]
    days = [*off, *worked]
    if command.year not in CALENDAR_YEARS:
        raise refusals.CALENDAR_YEAR(year=command.year)
    for day in days:
        if day.year != command.year:
            raise refusals.CALENDAR_OTHER_YEAR(day=day, year=command.year)
        if days.count(day) > 1:
            raise refusals.CALENDAR_DAY_TWICE(day=day)
    for day in worked:
        if day.weekday() < SATURDAY:
            raise refusals.CALENDAR_NOT_A_WEEKEND(day=day)
