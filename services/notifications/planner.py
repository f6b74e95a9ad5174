"""Planning, live only: queues what a moment wants sent.

Several workers may plan the same commune: what is wanted is decided under the lock of the commune's head, against what
is queued already.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

import msgspec

from services.notifications import views
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan import Problem, View, plan
from services.notifications.domain.policy import default_policy
from services.notifications.domain.queuing import AlreadyQueued, to_queue
from services.notifications.outbox import ACTOR, BATCH
from services.notifications.queries import EVER, view_at
from services.notifications.reach import Basis, is_closed
from services.notifications.service import Notifications
from services.notifications.views import of_kinds, policies
from shared.eventlog import Decision, Transaction, reading, writing
from shared.eventlog.database import Query, run
from shared.events import VIETNAM, decode, format_time, parse_time

logger = logging.getLogger(__name__)


class Planned(msgspec.Struct, frozen=True):
    """What was planned last: nothing else is wanted until the basis or the slot changes. `clocks` are the times of day
    ("07:30") that the policy's rules name."""

    basis: Basis
    clocks: tuple[str, ...]
    slot: tuple[date, int]


class Planner:
    """Remembers of each commune what it planned last, so that a turn without news costs nothing."""

    def __init__(self, service: Notifications) -> None:
        self.service = service
        self._planned: dict[str, Planned] = {}
        self._known_problems: dict[str, list[Problem]] = {}

    def plan(self, commune: str, basis: Basis, at: str) -> int:
        """Queue what is wanted at `at` (RFC 3339 in UTC); returns how many events that made."""
        before = self._planned.get(commune)
        if before and before.basis == basis and before.slot == _slot(before.clocks, at):
            return 0
        if basis.policy == 0:
            return self._begin(commune, basis, at)
        until, since = self._planned_until(commune)
        if at < until:
            # The clock went back, or another worker's is ahead: what is due by then has been looked at.
            return 0
        view = view_at(self.service, commune, at, since=since, queued_later=True)
        wanted: list[Wanted] = []
        if not is_closed(view.records, at):
            wanted, problems = plan(view, at, since or view.policies[0][0])
            self._report(commune, problems)
        queued = self._queue(commune, view, wanted, at)
        self._set_planned_until(commune, at, basis)
        clocks = tuple(sorted({rule.at for _, policy in view.policies for rule in policy.rules}))
        self._planned[commune] = Planned(basis, clocks, _slot(clocks, at))
        return queued

    def _report(self, commune: str, problems: list[Problem]) -> None:
        """Log each problem once, not at every turn."""
        for problem in problems:
            if problem not in self._known_problems.get(commune, []):
                logger.warning(
                    "reminding in %s lacks the working calendar of %s",
                    commune,
                    problem.params["year"],
                    extra={"commune": commune},
                )
        self._known_problems[commune] = problems

    def _begin(self, commune: str, basis: Basis, at: str) -> int:
        """The first policy begins the watch of a commune; nothing is made up for the time before."""
        with reading(self.service.engine, commune) as connection:
            if is_closed(of_kinds(connection, commune, "commune"), at):
                return 0

        def decide(tx: Transaction) -> Decision:
            return Decision([] if policies(tx.connection, commune) else [default_policy()])

        begun = len(self.service.log.append(commune, decide, actor=ACTOR).versions)
        self._set_planned_until(commune, at, basis)
        return begun

    def _planned_until(self, commune: str) -> tuple[str, str]:
        """Until when it was planned, and since when there may be more: what came in later with an earlier time (from a
        replica that was behind) is looked at as if it had been there."""
        with reading(self.service.engine, commune) as connection:
            row = run(connection, _PLANNED_UNTIL, [commune]).fetchone()
            if row is None:
                # A log that was taken over brings no such row: what was queued last says until when it was planned.
                last = run(connection, _LAST_QUEUED, [commune]).fetchone()
                return EVER, (last[0] if last else None) or EVER
        since: str = row[0]
        for source, position in msgspec.json.decode(row[1], type=dict[str, int]).items():
            for body in self.service.logs[source].read(commune, position, 1):
                before = parse_time(decode(body).time) - timedelta(milliseconds=1)
                since = min(since, format_time(before))
        return row[0], since

    def _set_planned_until(self, commune: str, at: str, basis: Basis) -> None:
        with writing(self.service.engine, commune) as connection:
            run(connection, _SET_PLANNED_UNTIL, [commune, at, msgspec.json.encode(basis.records).decode()])

    def _queue(self, commune: str, view: View, wanted: Iterable[Wanted], at: str) -> int:
        """Append what is wanted and not queued yet, in short transactions. What is only recorded goes first: after a
        crash between two of them the rest is worked out the same way."""
        ordered = sorted(wanted, key=lambda each: (each.suppressed is None, each.about, each.wanted_at, each.rule))
        count = 0
        for batch in _by_about(ordered):
            abouts = sorted({each.about for each in batch})

            def decide(tx: Transaction, batch: Sequence[Wanted] = batch) -> Decision:
                queued = [AlreadyQueued(*row) for rows in tx.answers for row in rows]
                return Decision(to_queue(commune, view, batch, queued, tx.time))

            reads: list[Query] = [(views.QUEUED, (commune, about)) for about in abouts]
            count += len(self.service.log.append(commune, decide, actor=ACTOR, reads=reads).versions)
        if count:
            logger.info("queued in %s: %d", commune, count, extra={"commune": commune})
        return count


def _slot(clocks: Sequence[str], at: str) -> tuple[date, int]:
    """Which part of which day it is: between two of these times of day nothing new becomes due."""
    now = parse_time(at).astimezone(VIETNAM)
    return now.date(), sum(clock <= f"{now:%H:%M}" for clock in clocks)


def _by_about(ordered: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Batches in which everything about one thing that is sent (or not) comes together."""
    batch: list[Wanted] = []
    for _, about_one in groupby(ordered, key=lambda each: (each.suppressed is None, each.about)):
        batch.extend(about_one)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


_PLANNED_UNTIL = "SELECT until, positions FROM planned WHERE commune = ?"
_LAST_QUEUED = "SELECT max(queued_at) FROM occurrences WHERE commune = ? AND policy IS NOT NULL"
_SET_PLANNED_UNTIL = (
    "INSERT INTO planned (commune, until, positions) VALUES (?, ?, ?) ON CONFLICT (commune) DO UPDATE"
    " SET until = excluded.until, positions = excluded.positions WHERE planned.until <= excluded.until"
)
