"""What the service does by itself, live only: it queues what a moment wants told, and sends what is queued.

Nothing of it happens in a replay. It may run several times: what is wanted is decided under the commune's head lock
against what is queued already, and a message is claimed before it is sent.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from services.notifications import outbox, tables
from services.notifications.channels.interface import Contact, NoAddress, Permanent, Temporary, Undeliverable
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Occurrence, Wanted, task_of
from services.notifications.domain.plan import Problem, View, plan
from services.notifications.domain.policy import default_policy
from services.notifications.domain.queuing import AlreadyQueued, to_queue
from services.notifications.domain.records import Closed, Records
from services.notifications.domain.release import Group, Terms, group_of, groups
from services.notifications.domain.wanted import no_longer
from services.notifications.messages import compose
from services.notifications.outbox import ACTOR, Claim, Waiting, message_of, waiting
from services.notifications.queries import EVER, view_at
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION, of_kinds, of_tasks, policies, policy_in_force
from shared.eventlog import (
    EMPTY,
    EVERY_COMMUNE,
    Busy,
    ClockBehind,
    Decision,
    Log,
    Transaction,
    UnknownCommune,
    reading,
    writing,
)
from shared.eventlog.database import Query, run
from shared.eventlog.feed import FeedError
from shared.events import VIETNAM, decode, format_time, local_day, parse_time
from shared.projection import all_positions
from shared.projection.positions import read_positions
from shared.worker import Mine, all_communes

logger = logging.getLogger(__name__)

PAUSE_S = 1.0
# So many messages of one commune, then it is the others' turn.
MESSAGES_A_TURN = 100
# A commune that fails is left alone for this long.
REST = timedelta(minutes=1)
# A result that could not be recorded means that a message is sent again: it is worth more than one attempt.
ATTEMPTS_TO_RECORD = 3


class Basis(msgspec.Struct, frozen=True):
    """What a plan rests on, beside the time: how far the records are, and the last policy and preferences."""

    records: dict[str, int]
    policy: int
    preferences: int


class Planned(msgspec.Struct, frozen=True):
    """What was planned last: nothing else is wanted before the basis or the slot is another one. `clocks` are the times
    of day ("07:30") that the policy's rules name."""

    basis: Basis
    clocks: tuple[str, ...]
    slot: tuple[date, int]


class Reach(msgspec.Struct, frozen=True):
    """How far everything is that delivering rests on; `own` is the head of the service's log."""

    basis: Basis
    own: int


class Asleep(msgspec.Struct, frozen=True):
    """The outbox holds nothing to do before `until` (None: at all), unless something moves."""

    reach: Reach
    until: str | None


class Turn(msgspec.Struct, frozen=True):
    """What there is to do with a commune's outbox: what is not sent and why, what goes to inboxes, the messages with
    their ids; `later` is when there may be more of it."""

    view: View
    terms: Terms
    reasons: dict[str, str]
    inbox: list[str]
    outgoing: list[tuple[str, Group]]
    later: str | None

    @property
    def anything(self) -> bool:
        return bool(self.reasons or self.inbox or self.outgoing)


class Reminding:
    """Plans and delivers for every commune that is `mine`."""

    def __init__(self, notifications: Notifications, mine: Mine = all_communes) -> None:
        self.notifications = notifications
        self.mine = mine
        self.worker = uuid4().hex
        self._planned: dict[str, Planned] = {}
        self._asleep: dict[str, Asleep] = {}
        self._resting: dict[str, datetime] = {}
        self._known_problems: dict[str, list[Problem]] = {}

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; the message in hand is finished, no other is claimed."""
        while not stop.is_set() and not self._replicas_are_filled():
            stop.wait(PAUSE_S)
        while not stop.is_set():
            try:
                busy = self.step(stop)
            except (SQLAlchemyError, Busy) as error:
                logger.warning("reminding waits: %s", error)
                busy = 0
            if not busy:
                stop.wait(PAUSE_S)

    def _replicas_are_filled(self) -> bool:
        """Have the replicas come as far as their owners are now? A new one knows of assignments before it knows of the
        results, and would remind of what was done long ago."""
        for source, owner_heads in self.notifications.owner_heads.items():
            try:
                ends = owner_heads()
            except FeedError as error:
                logger.warning("reminding waits for the owner of %s: %s", source, error)
                return False
            replica = self.notifications.logs[source]
            here, broken = replica.heads(), replica.broken()  # a broken one takes nothing more and waits for a person
            behind = [one for one, end in ends.items() if here.get(one, EMPTY).position < end.position]
            if not broken.keys() >= set(behind):
                return False
        return True

    def step(self, stop: threading.Event | None = None) -> int:
        """Plan and deliver what is due now for each commune; returns how many events and attempts that made."""
        stop = stop or threading.Event()
        done = 0
        for commune, reach in self._caught_up().items():
            now = self.notifications.clock()
            if stop.is_set():
                break
            if commune in self._resting and now < self._resting[commune]:
                continue
            try:
                done += self._remind(commune, reach, format_time(now), stop)
                self._resting.pop(commune, None)
            except (SQLAlchemyError, Busy, ClockBehind, UnknownCommune) as error:
                logger.warning("reminding in %s waits: %s", commune, error)
            except Exception:
                # The others go on; this one is tried again, and seen in the logs each time.
                logger.exception("reminding in %s failed", commune)
                self._resting[commune] = now + REST
        return done

    def _caught_up(self) -> dict[str, Reach]:
        """The communes of mine whose records are as far as the logs here. Others wait: what is stale would be told
        wrongly."""
        logs = self.notifications.logs
        heads = {source: logs[source].heads() for source in PROJECTION.sources}
        own = self.notifications.log.heads()
        reached = all_positions(self.notifications.engine, PROJECTION.name)
        with reading(self.notifications.engine, EVERY_COMMUNE) as connection:
            revisions = _last_positions(connection, tables.policies)
            chosen = _last_positions(connection, tables.preferences)
        found = {}
        for commune in filter(self.mine, heads["tasks"]):
            at = reached.get(commune, {})
            ready = all(
                source in at
                and at[source].fold_version == PROJECTION.fold_version
                and at[source].position >= ends.get(commune, EMPTY).position
                for source, ends in heads.items()
            )
            if ready:
                records = {source: position.position for source, position in at.items()}
                basis = Basis(records, revisions.get(commune, 0), chosen.get(commune, 0))
                found[commune] = Reach(basis, own.get(commune, EMPTY).position)
        return found

    def _remind(self, commune: str, reach: Reach, at: str, stop: threading.Event) -> int:
        planned = self._plan(commune, reach.basis, at)
        asleep = self._asleep.get(commune)
        if asleep and not planned and asleep.reach == reach and (asleep.until is None or at < asleep.until):
            return 0
        return planned + self._deliver(commune, reach, at, stop)

    # Planning

    def _plan(self, commune: str, basis: Basis, at: str) -> int:
        before = self._planned.get(commune)
        if before and before.basis == basis and before.slot == _slot(before.clocks, at):
            return 0
        if basis.policy == 0:
            return self._begin(commune, basis, at)
        until, since = self._planned_until(commune)
        if at < until:
            # The clock went back, or another worker's is ahead: what is due by then has been looked at.
            return 0
        view = view_at(self.notifications, commune, at, since=since, queued_later=True)
        wanted: list[Wanted] = []
        if not _is_closed(view.records, at):
            wanted, problems = plan(view, at, since or view.policies[0][0])
            for problem in problems:
                if problem not in self._known_problems.get(commune, []):
                    logger.warning("reminding in %s lacks the working calendar of %s", commune, problem.params["year"])
            self._known_problems[commune] = problems
        queued = self._queue(commune, view, wanted, at)
        self._set_planned_until(commune, at, basis)
        clocks = tuple(sorted({rule.at for _, policy in view.policies for rule in policy.rules}))
        self._planned[commune] = Planned(basis, clocks, _slot(clocks, at))
        return queued

    def _begin(self, commune: str, basis: Basis, at: str) -> int:
        """The first policy begins the watch of a commune; nothing is made up for the time before."""
        with reading(self.notifications.engine, commune) as connection:
            if _is_closed(of_kinds(connection, commune, "commune"), at):
                return 0

        def decide(tx: Transaction) -> Decision:
            return Decision([] if policies(tx.connection, commune) else [default_policy()])

        begun = len(self.notifications.log.append(commune, decide, actor=ACTOR).versions)
        self._set_planned_until(commune, at, basis)
        return begun

    def _planned_until(self, commune: str) -> tuple[str, str]:
        """Until when it was planned, and since when there may be more: what came in later with an earlier time (from a
        replica that was behind) is looked at as if it had been there."""
        with reading(self.notifications.engine, commune) as connection:
            row = run(connection, _PLANNED_UNTIL, [commune]).fetchone()
            if row is None:
                # A log that was taken over brings no such row: what was queued last says until when it was planned.
                last = run(connection, _LAST_QUEUED, [commune]).fetchone()
                return EVER, (last[0] if last else None) or EVER
        since: str = row[0]
        for source, position in msgspec.json.decode(row[1], type=dict[str, int]).items():
            for body in self.notifications.logs[source].read(commune, position, 1):
                before = parse_time(decode(body).time) - timedelta(milliseconds=1)
                since = min(since, format_time(before))
        return row[0], since

    def _set_planned_until(self, commune: str, at: str, basis: Basis) -> None:
        with writing(self.notifications.engine, commune) as connection:
            run(connection, _SET_PLANNED_UNTIL, [commune, at, msgspec.json.encode(basis.records).decode()])

    def _queue(self, commune: str, view: View, wanted: Iterable[Wanted], at: str) -> int:
        """Append what is wanted and not there yet, in short transactions. What is only recorded goes first: after a
        crash between two of them the rest is worked out alike."""
        ordered = sorted(wanted, key=lambda each: (each.suppressed is None, each.about, each.wanted_at, each.rule))
        queued = 0
        for batch in _by_about(ordered):
            abouts = sorted({each.about for each in batch})

            def decide(tx: Transaction, batch: Sequence[Wanted] = batch) -> Decision:
                told = [AlreadyQueued(*row) for rows in tx.answers for row in rows]
                return Decision(to_queue(commune, view, batch, told, tx.time))

            reads: list[Query] = [(_TOLD, (commune, about)) for about in abouts]
            queued += len(self.notifications.log.append(commune, decide, actor=ACTOR, reads=reads).versions)
        if queued:
            logger.info("queued in %s: %d", commune, queued)
        return queued

    # Delivering

    def _deliver(self, commune: str, reach: Reach, at: str, stop: threading.Event) -> int:
        with reading(self.notifications.engine, commune) as connection:
            held = waiting(connection, commune)
        free = [each for each in held if each.free_at <= at]
        later = [each.free_at for each in held if each.free_at > at]
        turn = self._turn(commune, reach, at, free) if free else None
        if turn is None or not turn.anything:
            wake = [*later, *([turn.later] if turn and turn.later else [])]
            self._asleep[commune] = Asleep(reach, min(wake, default=None))
            return 0
        done = outbox.suppressed(self.notifications.log, commune, turn.reasons)
        done += outbox.delivered(self.notifications.log, commune, turn.inbox)
        # Several workers that begin at different ends seldom reach for the same message.
        some = random.sample(turn.outgoing, min(MESSAGES_A_TURN, len(turn.outgoing)))
        for message, group in some:
            now = format_time(self.notifications.clock())
            if stop.is_set() or self._moved(commune, reach):
                break
            if turn.terms.opening(group.recipient, now) is None:
                done += self._send(turn, message, group, now)
        return done

    def _turn(self, commune: str, reach: Reach, at: str, free: Sequence[Waiting]) -> Turn:
        """What there is to do with what may be taken now."""
        first = min(each.occurrence.queued_at for each in free)
        view = view_at(self.notifications, commune, at, since=first, queued_later=True)
        asked_of = {task for each in free if (task := task_of(each.occurrence.about))}
        if ended_before := asked_of - view.records.tasks.keys():
            # A replica that was behind learns of an end only after the reminder was queued.
            with reading(self.notifications.engine, commune) as connection:
                view.records.tasks.update(of_tasks(connection, commune, ended_before).tasks)
        terms = Terms(policy_in_force(view.policies, at), view.preferences, calendars_at(view.records, at))
        closed = "commune_closed" if _is_closed(view.records, at) else None
        reasons = {
            each.occurrence.reminder: reason
            for each in free
            if (reason := closed or no_longer(view, each.occurrence, at))
        }
        live = [each for each in free if each.occurrence.reminder not in reasons]
        released, later = groups([each.occurrence for each in live if each.message is None], terms, at)
        again: dict[str, list[Occurrence]] = {}
        wakes = [later] if later else []
        for each in live:
            if each.message is not None:
                opens = terms.opening(each.occurrence.recipient, at)
                if opens is None:
                    again.setdefault(each.message, []).append(each.occurrence)
                else:
                    wakes.append(opens)
        outgoing = [(message_of(commune, g.occurrences), g) for g in released if g.channel != "inbox"]
        outgoing += [(message, group_of(found, terms.policy)) for message, found in again.items()]
        inbox = [each.reminder for g in released if g.channel == "inbox" for each in g.occurrences]
        return Turn(view, terms, reasons, inbox, outgoing, min(wakes, default=None))

    def _moved(self, commune: str, reach: Reach) -> bool:
        """What is known has changed since it was read: the next step looks again before it sends."""
        with reading(self.notifications.engine, commune) as connection:
            known = read_positions(connection, PROJECTION.name, commune)
        return {source: at.position for source, at in known.items()} != reach.basis.records

    def _send(self, turn: Turn, message: str, group: Group, now: str) -> int:
        commune, log = turn.view.records.commune, self.notifications.log
        reminders = [each.reminder for each in group.occurrences]
        claim = outbox.claim(self.notifications.engine, commune, message, reminders, worker=self.worker, now=now)
        if claim is None:
            return 0
        ours = [each for each in group.occurrences if each.reminder in claim.reminders]
        result = self._handed_over(turn, claim, group, ours, now)
        for left in reversed(range(ATTEMPTS_TO_RECORD)):
            try:
                result(log)
                break
            except (SQLAlchemyError, Busy):
                if not left:
                    raise
        return 1

    def _handed_over(
        self, turn: Turn, claim: Claim, group: Group, ours: Sequence[Occurrence], now: str
    ) -> Callable[[Log], int]:
        """Send a claimed message; returns how to record what became of it."""
        commune = claim.commune
        try:
            channels = self.notifications.channels
            channel = channels.last_hops.get(group.channel)
            if channel is None:
                raise Temporary("no_channel")
            channel.send(
                compose(
                    turn.view.records,
                    ours,
                    message=claim.message,
                    recipient=group.recipient,
                    channel=group.channel,
                    at=now,
                    contacts=self._contacts(commune),
                    link=partial(channels.links.to, commune),
                    catch_up=group.catch_up,
                    documents={rule.rule for rule in turn.terms.policy.rules if rule.document},
                )
            )
        except NoAddress:
            reasons = dict.fromkeys(claim.reminders, "no_address")
            return lambda log: outbox.suppressed(log, commune, reasons, worker=claim.worker)
        except Undeliverable as error:
            reason, final = error.reason, isinstance(error, Permanent)
            logger.info("message %s failed: %s", claim.message, reason)
            return lambda log: outbox.failed(log, claim, reason, final=final)
        except Exception as error:
            # No message, however odd, holds up the others; its state tells the Office.
            logger.exception("message %s failed", claim.message)
            reason = f"unexpected: {type(error).__name__}"
            return lambda log: outbox.failed(log, claim, reason)
        return lambda log: outbox.sent(log, claim)

    def _contacts(self, commune: str) -> Mapping[str, Contact]:
        try:
            return self.notifications.channels.directory(commune)
        except Undeliverable as error:
            # Who has no name here is addressed by post.
            logger.warning("no names of %s: %s", commune, error.reason)
            return {}


def _slot(clocks: Sequence[str], at: str) -> tuple[date, int]:
    """Which part of which day it is: between two of these times of day nothing new becomes due."""
    now = parse_time(at).astimezone(VIETNAM)
    return now.date(), sum(clock <= f"{now:%H:%M}" for clock in clocks)


def _last_positions(connection: Connection, table: Table) -> dict[str, int]:
    rows = connection.execute(select(table.c.commune, func.max(table.c.position)).group_by(table.c.commune))
    return {row[0]: row[1] for row in rows}


def _is_closed(records: Records, at: str) -> bool:
    """The commune's last day is over."""
    record = records.get("commune", records.commune)
    closings = [moment.data.on for moment in record.moments if isinstance(moment, Closed)] if record else []
    return any(on < local_day(at) for on in closings)


def _by_about(ordered: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Batches in which everything about one thing that is told (or not told) comes together."""
    batch: list[Wanted] = []
    for _, found in groupby(ordered, key=lambda each: (each.suppressed is None, each.about)):
        batch.extend(found)
        if len(batch) >= outbox.BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


_TOLD = (
    "SELECT about, rule, due_version, run_on, recipient, channel, (state = 'suppressed' AND state_at = queued_at)"
    " FROM occurrences WHERE commune = ? AND about = ?"
)
_PLANNED_UNTIL = "SELECT until, positions FROM planned WHERE commune = ?"
_LAST_QUEUED = "SELECT max(queued_at) FROM occurrences WHERE commune = ? AND policy IS NOT NULL"
_SET_PLANNED_UNTIL = (
    "INSERT INTO planned (commune, until, positions) VALUES (?, ?, ?) ON CONFLICT (commune) DO UPDATE"
    " SET until = excluded.until, positions = excluded.positions WHERE planned.until <= excluded.until"
)
