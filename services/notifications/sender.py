"""Sending, live only: delivers what is queued, and records what became of it.

Several workers may send for the same commune: a message is claimed before it is sent.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import uuid4

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from services.notifications import outbox
from services.notifications.channels.interface import Contact, NoAddress, Permanent, Temporary, Undeliverable
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.plan import View
from services.notifications.domain.release import Group, Terms, group_of, groups
from services.notifications.domain.still_wanted import in_post, reason_to_drop
from services.notifications.messages import compose
from services.notifications.outbox import Claim, Waiting, message_of, waiting
from services.notifications.queries import Acts, acts_of, view_at
from services.notifications.reach import Reach, is_closed
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION, of_tasks, policy_in_force
from shared.eventlog import Busy, Log, reading
from shared.events import format_time
from shared.projection.positions import read_positions

logger = logging.getLogger(__name__)

# Messages sent per commune before the next one gets its turn.
MESSAGES_A_TURN = 100
# A result that could not be recorded means that a message is sent again: it is worth more than one attempt.
ATTEMPTS_TO_RECORD = 3


class Asleep(msgspec.Struct, frozen=True):
    """The outbox has nothing to do before `until` (None: at all), unless something moves."""

    reach: Reach
    until: str | None


class Turn(msgspec.Struct, frozen=True):
    """What there is to do with a commune's outbox: what is not sent and why, what goes to inboxes, what would go to
    one that nobody can open any more, the messages with their ids; `later` is when there may be more of it. `acts` are
    the events that notices are about."""

    view: View
    terms: Terms
    acts: Acts
    reasons: dict[str, str]
    inbox: list[str]
    nobodys: list[str]
    outgoing: list[tuple[str, Group]]
    later: str | None

    @property
    def anything(self) -> bool:
        return bool(self.reasons or self.inbox or self.nobodys or self.outgoing)


class Sender:
    """Remembers of each commune when its outbox next needs a look."""

    def __init__(self, service: Notifications) -> None:
        self.service = service
        self.worker = uuid4().hex
        self._asleep: dict[str, Asleep] = {}

    def is_asleep(self, commune: str, reach: Reach, at: str) -> bool:
        """Was there nothing to send at the last look, and has nothing moved since?"""
        asleep = self._asleep.get(commune)
        return asleep is not None and asleep.reach == reach and (asleep.until is None or at < asleep.until)

    def deliver(self, commune: str, reach: Reach, at: str, stop: threading.Event) -> int:
        """Send what may go out at `at` (RFC 3339 in UTC); returns how many events and attempts that made."""
        with reading(self.service.engine, commune) as connection:
            held = waiting(connection, commune)
        free = [each for each in held if each.free_at <= at]
        later = [each.free_at for each in held if each.free_at > at]
        turn = self._turn(commune, at, free) if free else None
        if turn is None or not turn.anything:
            wake = [*later, *([turn.later] if turn and turn.later else [])]
            self._asleep[commune] = Asleep(reach, min(wake, default=None))
            return 0
        done = outbox.suppressed(self.service.log, commune, turn.reasons)
        done += outbox.delivered(self.service.log, commune, turn.inbox)
        done += outbox.undeliverable(self.service.log, commune, turn.nobodys, "left")
        # Several workers that begin at different ends seldom reach for the same message.
        some = random.sample(turn.outgoing, min(MESSAGES_A_TURN, len(turn.outgoing)))
        for message, group in some:
            now = format_time(self.service.clock())
            if stop.is_set() or self._moved(commune, reach):
                break
            if turn.terms.opening_for(group.occurrences[0], now) is None:
                done += self._send(turn, message, group, now)
        return done

    def _turn(self, commune: str, at: str, free: Sequence[Waiting]) -> Turn:
        """What there is to do with what may be taken now."""
        first = min(each.occurrence.queued_at for each in free)
        view = view_at(self.service, commune, at, since=first, queued_later=True)
        tasks = {task for each in free if (task := task_of(each.occurrence.about))}
        acts = acts_of(self.service, view.records, [each.occurrence for each in free])
        if ended_before := tasks - view.records.tasks.keys():
            # A replica that was behind learns of an end only after the reminder was queued.
            with reading(self.service.engine, commune) as connection:
                view.records.tasks.update(of_tasks(connection, commune, ended_before).tasks)
        terms = Terms(policy_in_force(view.policies, at), view.preferences, calendars_at(view.records, at))
        closed = "commune_closed" if is_closed(view.records, at) else None
        reasons = {
            each.occurrence.reminder: reason
            for each in free
            if (reason := closed or reason_to_drop(view, each.occurrence, at))
        }
        live = [each for each in free if each.occurrence.reminder not in reasons]
        released, later = groups([each.occurrence for each in live if each.message is None], terms, at)
        again: dict[str, list[Occurrence]] = {}
        wakes = [later] if later else []
        for each in live:
            if each.message is not None:
                opens = terms.opening_for(each.occurrence, at)
                if opens is None:
                    again.setdefault(each.message, []).append(each.occurrence)
                else:
                    wakes.append(opens)
        outgoing = [(message_of(commune, g.occurrences), g) for g in released if g.channel != "inbox"]
        outgoing += [(message, group_of(occurrences, terms.policy)) for message, occurrences in again.items()]
        inbox = [each for g in released if g.channel == "inbox" for each in g.occurrences]
        nobodys = [each.reminder for each in inbox if not in_post(view, each.recipient, at)]
        lying = [each.reminder for each in inbox if each.reminder not in nobodys]
        return Turn(view, terms, acts, reasons, lying, nobodys, outgoing, min(wakes, default=None))

    def _moved(self, commune: str, reach: Reach) -> bool:
        """Have the records changed since they were read? Then the next step looks again before it sends."""
        with reading(self.service.engine, commune) as connection:
            positions = read_positions(connection, PROJECTION.name, commune)
        return {source: at.position for source, at in positions.items()} != reach.basis.records

    def _send(self, turn: Turn, message: str, group: Group, now: str) -> int:
        commune, log = turn.view.records.commune, self.service.log
        reminders = [each.reminder for each in group.occurrences]
        claim = outbox.claim(self.service.engine, commune, message, reminders, worker=self.worker, now=now)
        if claim is None:
            return 0
        ours = [each for each in group.occurrences if each.reminder in claim.reminders]
        record = self._handed_over(turn, claim, group, ours, now)
        for left in reversed(range(ATTEMPTS_TO_RECORD)):
            try:
                record(log)
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
            channels = self.service.channels
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
                    acts=turn.acts,
                )
            )
        except NoAddress:
            reasons = dict.fromkeys(claim.reminders, "no_address")
            return lambda log: outbox.suppressed(log, commune, reasons, worker=claim.worker)
        except Undeliverable as error:
            reason, final = error.reason, isinstance(error, Permanent)
            logger.info("message %s failed: %s", claim.message, reason, extra={"commune": commune})
            return lambda log: outbox.failed(log, claim, reason, final=final)
        except Exception as error:
            # No message, however odd, holds up the others; its state tells the Office.
            logger.exception("message %s failed", claim.message, extra={"commune": commune})
            reason = f"unexpected: {type(error).__name__}"
            return lambda log: outbox.failed(log, claim, reason)
        return lambda log: outbox.sent(log, claim)

    def _contacts(self, commune: str) -> Mapping[str, Contact]:
        try:
            return self.service.channels.directory(commune)
        except Undeliverable as error:
            # People whose names cannot be read are addressed by their posts.
            logger.warning("no names of %s: %s", commune, error.reason, extra={"commune": commune})
            return {}
