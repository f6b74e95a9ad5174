"""The working calendars in force at a time, from what was published by then."""

from services.notifications.domain.records import CalendarRecord, Records
from shared.calendar import Calendars, calendar_of
from shared.events import CalendarPublished


def calendars_at(records: Records, at: str) -> Calendars:
    """One per year; asking about a year without one raises `CalendarMissing`. `at` is RFC 3339 in UTC."""
    found = []
    for record in records.by_kind["calendar"].values():
        published = _published(record, at)
        if published:
            found.append(calendar_of(published[-1]))
    return Calendars(found)


def _published(record: CalendarRecord, at: str) -> list[CalendarPublished]:
    return [moment.data for moment in record.moments if moment.time <= at]
