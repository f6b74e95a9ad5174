"""Inboxes and letters: what reminders say to their recipients now."""

from collections.abc import Sequence
from functools import partial

import msgspec

from services.notifications import views
from services.notifications.channels.interface import Item, Undeliverable
from services.notifications.domain import refusals
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.messages import compose
from services.notifications.queries import EVER, acts_of, known
from services.notifications.service import Notifications
from shared.eventlog import reading, snapshot
from shared.events import Envelope
from shared.web.auth import Principal


class SheetOf(msgspec.Struct, frozen=True):
    """The year of a person's rating."""

    staff: str
    year: int


class Letter(msgspec.Struct, frozen=True):
    """A reminder as it reads now, to its recipient; `task` is the id of the task that it is about, if it is one;
    `sheet` the year that an act is about, if it is one person's."""

    reminder: Occurrence
    item: Item
    task: str | None
    sheet: SheetOf | None = None


def inbox(
    service: Notifications,
    commune: str,
    staff: str,
    *,
    unread: bool = False,
    after: tuple[str, str] | None = None,
    newest_first: bool = True,
    limit: int | None = None,
) -> list[Occurrence]:
    """What lies in a person's inbox; `unread` only what they have not acknowledged."""
    with reading(service.engine, commune) as connection:
        return views.occurrences(
            connection,
            commune,
            states=["delivered"],
            recipient=staff,
            channel="inbox",
            unread=unread,
            after=after,
            newest_first=newest_first,
            limit=limit,
        )


def letter(service: Notifications, principal: Principal, commune: str, reminder: str, at: str) -> Letter:
    """A reminder for its recipient. Refuses `reminder-unknown`, `reminder-of-another`."""
    occurrence = known(service, commune, reminder)
    if occurrence.recipient != principal.staff:
        raise refusals.REMINDER_OF_ANOTHER()
    [written] = letters(service, commune, [occurrence], at)
    return written


def letters(service: Notifications, commune: str, occurrences: Sequence[Occurrence], at: str) -> list[Letter]:
    """What these reminders say to their recipients now."""
    with snapshot(service.engine, commune) as connection:
        records = views.running(connection, commune, EVER)
    try:
        names = service.channels.directory(commune)
    except Undeliverable:
        names = {}  # people are called by their posts while their names cannot be read
    acts = acts_of(service, records, occurrences)
    written = []
    for occurrence in occurrences:
        message = compose(
            records,
            [occurrence],
            message=occurrence.reminder,
            recipient=occurrence.recipient,
            channel="inbox",
            at=at,
            contacts=names,
            link=partial(service.channels.links.to, commune),
            acts=acts,
        )
        sheet = _sheet_of(acts.get(occurrence.reminder, ()))
        written.append(Letter(occurrence, message.items[0], task_of(occurrence.about), sheet))
    return written


def _sheet_of(acts: Sequence[Envelope]) -> SheetOf | None:
    sheets = {(getattr(event.data, "staff", None), getattr(event.data, "year", None)) for event in acts}
    [(staff, year), *others] = sheets or {(None, None)}
    return SheetOf(staff, year) if staff and year and not others else None
