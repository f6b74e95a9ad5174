"""Notices of acts, live only: whoever must hear of an act is queued a notice as soon as it is recorded.

Each event is looked at once: how far the logs were looked at moves in the transaction that queues, and no worker queues
from a place that another has passed.
"""

import logging
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from services.notifications import outside_log, views
from services.notifications.domain import acts
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan import View
from services.notifications.domain.queuing import AlreadyQueued, to_queue
from services.notifications.domain.rules import AT_ONCE
from services.notifications.outbox import ACTOR
from services.notifications.reach import Basis
from services.notifications.service import Notifications
from shared.decoding import decoder
from shared.eventlog import Decision, Transaction, reading, snapshot, writing
from shared.eventlog.database import Query, Rows, run, run_together
from shared.events import Data, Envelope, ReminderQueued, decode, subject_of, type_name

logger = logging.getLogger(__name__)

_positions = decoder(dict[str, int])


class Noticing:
    """Remembers of each commune how far it has looked, so that a turn without news costs nothing."""

    def __init__(self, service: Notifications) -> None:
        self.service = service
        self._looked: dict[str, dict[str, int]] = {}

    def queue(self, commune: str, basis: Basis) -> int:
        """Queue the notices of what was recorded up to the basis; returns how many events that made.

        The first policy begins the watch of a commune: nothing is told of what was recorded before.
        """
        if basis.policy == 0 or self._looked.get(commune) == basis.records:
            return 0
        queued = 0
        for source, until in basis.records.items():
            made = None
            while made is None:
                made = self._look(commune, source, until)
            queued += made
        self._looked[commune] = basis.records
        if queued:
            logger.info("notices queued: %d", queued, extra={"commune": commune})
        return queued

    def _look(self, commune: str, source: str, until: int) -> int | None:
        """Look at the events of a log up to a position; None when another worker came first."""
        with reading(self.service.engine, commune) as connection:
            known: Rows = run(connection, _NOTICED, [commune, source]).fetchall()
        after = known[0][0] if known else self._before_the_first_look(commune, source)
        if known and after >= until:
            return 0
        events = [decode(body) for body in self.service.logs[source].read_all(commune, after, until)]
        with snapshot(self.service.engine, commune) as connection:
            view = view_for_acts(self.service, connection, commune, events)
        wanted = acts.wanted(view, events)
        moved: Query = (_SET_NOTICED, (commune, source, until))
        if not wanted:
            with writing(self.service.engine, commune) as connection:
                run_together(connection, [moved])
            return 0

        def decide(tx: Transaction) -> Decision:
            where, *queued = tx.answers
            if [*map(tuple, where)] != [*map(tuple, known)]:
                return Decision([], result=False)
            run_together(tx.connection, [moved])
            already = [AlreadyQueued(*row) for rows in queued for row in rows]
            return Decision(to_queue(commune, view, wanted, already, tx.time), result=True)

        abouts = sorted({each.about for each in wanted})
        reads: list[Query] = [(_NOTICED, (commune, source)), *((views.QUEUED, (commune, each)) for each in abouts)]
        done = self.service.log.append(commune, decide, actor=ACTOR, reads=reads)
        return len(done.versions) if done.result else None

    def _before_the_first_look(self, commune: str, source: str) -> int:
        """Where an installation that has never looked begins. A log that was taken over says where looking had come
        to, if there was any notice. A release that sent none planned until some place; before it nothing is told."""
        with reading(self.service.engine, commune) as connection:
            abouts = run(connection, _ABOUTS, [commune, *sorted(AT_ONCE)]).fetchall()
            planned = run(connection, _PLANNED, [commune]).fetchone()
            begun: str = run(connection, _BEGUN, [commune, commune]).fetchone()[0]
        spans = [span for (about,) in abouts if (span := acts.span_of(about)) and span.source == source]
        if spans:
            return max(span.last for span in spans)
        if planned:
            return _positions(planned[0]).get(source, 0)
        return self.service.logs[source].position_at(commune, begun)


def view_for_acts(service: Notifications, connection: Connection, commune: str, events: Iterable[Envelope]) -> View:
    """What is known of a commune to tell its people of these acts."""
    return View(
        records=views.of_acts(connection, commune, acts.tasks_named(events)),
        preferences=views.preferences(connection, commune),
        channels=service.channels.names,
        addresses=frozenset(outside_log.addresses(connection, commune)),
    )


def own_notices(service: Notifications, tx: Transaction, actor: str, events: Sequence[Data]) -> list[ReminderQueued]:
    """The notices of what a command of this service is about to record, for the same transaction."""
    source = service.log.source
    recorded = [
        Envelope(
            specversion="1.0",
            id="",
            source=f"/{source}",
            type=type_name(data),
            subject=subject_of(data, tx.commune),
            time=tx.time,
            commune=tx.commune,
            position=tx.head.position + number,
            streamversion=0,
            actor=actor,
            previoushash="",
            data=data,
        )
        for number, data in enumerate(events, 1)
    ]
    if not any(acts.concerns_anybody(each) for each in recorded):
        return []
    wanted: list[Wanted] = acts.wanted(view_for_acts(service, tx.connection, tx.commune, recorded), recorded)
    return [each.queued(tx.commune) for each in wanted]


_NOTICED = "SELECT position FROM noticed WHERE commune = ? AND source = ?"
_SET_NOTICED = (
    "INSERT INTO noticed (commune, source, position) VALUES (?, ?, ?) ON CONFLICT (commune, source) DO UPDATE"
    " SET position = excluded.position WHERE noticed.position < excluded.position"
)
_ABOUTS = f"SELECT DISTINCT about FROM occurrences WHERE commune = ? AND rule IN ({', '.join('?' * len(AT_ONCE))})"  # noqa: S608 - placeholders only
_PLANNED = "SELECT positions FROM planned WHERE commune = ?"
# When something was queued last, else when the watch began.
_BEGUN = (
    "SELECT coalesce((SELECT max(queued_at) FROM occurrences WHERE commune = ?),"
    " (SELECT min(time) FROM policies WHERE commune = ?))"
)
