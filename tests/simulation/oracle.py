"""The oracle: a ledger of what was acknowledged, and a look at every commit and every published message.

It reads the files beside the product, with its own few queries, and knows no more than what the documents promise.
"""

from collections import Counter, defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from cchc.services import SERVICES
from shared.decoding import decoder
from shared.eventlog.kafka import topic_name
from shared.eventlog.relay import DELIVERY_TIMEOUT_S

if TYPE_CHECKING:
    from shared.eventlog import Appended
    from tests.simulation.database import Database
    from tests.simulation.world import World

Place = tuple[str, str]  # source, commune
GENESIS = "0" * 64
LOOK_S = 5.0

# A leader that is cut off, frozen or gone is replaced within this; after a broker or a database was away, requests that
# were under way have to be given up first.
TAKEOVER_S = 15.0 + LOOK_S
TROUBLED_S = 2 * DELIVERY_TIMEOUT_S + TAKEOVER_S

ENDS = ("sent", "delivered", "suppressed", "sent_by_hand")


class Violation(AssertionError):
    """A promise is broken."""


class Entry(msgspec.Struct):
    """One command in the ledger. `perished`: its events were in one database only, which was replaced."""

    service: str
    commune: str
    position: int | None = None  # once acknowledged
    perished: bool = False


class Stored(msgspec.Struct, frozen=True):
    """An event as the oracle remembers it."""

    digest: str
    trace: str | None


class _Event(msgspec.Struct):
    position: int
    previoushash: str
    source: str
    commune: str
    type: str
    correlationid: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _About(msgspec.Struct):
    reminder: str = ""
    final: bool = True


_event = decoder(_Event)
_about = decoder(_About)


class Oracle:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.entries: dict[str, Entry] = {}
        self.logs: dict[Place, list[Stored]] = defaultdict(list)  # what the owner holds
        self.genuine: dict[Place, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))  # what it ever held
        self.published: dict[Place, dict[int, str]] = defaultdict(dict)  # what its topic holds, by position
        self.excused: list[tuple[str, float]] = []  # service, when something happened that may double a mail
        self.commits = 0
        self._held: dict[tuple[str, str, str], int] = {}  # database, source, commune → head
        self._forged: dict[tuple[str, str, str], int] = {}  # where a message stands that its owner did not publish
        self._folded: dict[tuple[str, str, str], int] = {}
        self._cursors: dict[Place, int] = {}
        self._reached_topic: dict[Place, set[int]] = defaultdict(set)  # at any time, by position
        self._calm_since = dict.fromkeys(SERVICES, float("-inf"))
        self._behind_since: dict[Place, tuple[int, float]] = {}
        self._reminders: Counter[tuple[str, str]] = Counter()
        for database in world.databases.values():
            database.committed = lambda database=database: self.look(database)  # type: ignore[misc]
            self.look(database)
        world.broker.heard = self.hear
        world.broker.made = self.forget_topic

    def violated(self, what: str) -> None:
        scheduler = self.world.scheduler
        scheduler.say(f"VIOLATED: {what}")
        scheduler.violation = scheduler.violation or Violation(what)

    # The ledger

    def sent(self, trace: str, service: str, commune: str) -> None:
        self.entries[trace] = Entry(service, commune)

    def acknowledged(self, trace: str, appended: "Appended") -> None:
        entry = self.entries[trace]
        entry.position = appended.position
        log = self.logs[entry.service, entry.commune]
        if len(log) < appended.position or log[appended.position - 1].trace != trace:
            self.violated(f"{entry.service}/{entry.commune}/{appended.position} is acknowledged and not stored")

    # At each commit

    def look(self, database: "Database") -> None:
        self.commits += 1
        service = database.service
        for source, commune, position in database.eye.execute("SELECT source, commune, position FROM heads"):
            known = self._held.get((service, source, commune), 0)
            if position < known:
                self.violated(f"{service} holds {source}/{commune} to {position}, and held it to {known}")
            if position > known:
                self._held[service, source, commune] = position
                bodies = database.eye.execute(_BODIES, (source, commune, known)).fetchall()
                (self._recorded if source == service else self._copied)(service, source, commune, known, bodies)
        for source, commune, position in database.eye.execute("SELECT source, commune, position FROM positions"):
            self._fold(service, source, commune, position)
        for commune, position in database.eye.execute("SELECT commune, position FROM cursors"):
            self._move(service, commune, position)

    def _recorded(self, service: str, source: str, commune: str, known: int, bodies: list[Any]) -> None:
        """An owner's log grows: each event continues the chain."""
        log, ever = self.logs[source, commune], self.genuine[source, commune]
        for (body,) in bodies:
            event = _event(body)
            previous = log[-1].digest if log else GENESIS
            if event.position != len(log) + 1 or event.previoushash != previous:
                self.violated(f"{source}/{commune}/{event.position} does not continue its log")
            digest = sha256(body).hexdigest()
            log.append(Stored(digest, event.correlationid))
            ever[event.position].add(digest)
            if source == "notifications":
                self._remind(event)

    def _remind(self, event: _Event) -> None:
        """An occurrence is queued once, and ends once."""
        _, _, what = event.type.removesuffix(".v1").rpartition(".")
        about = _about(bytes(event.data))
        if what == "queued" or (what == "failed" and about.final) or what in ENDS:
            kind = "queued" if what == "queued" else "ended"
            self._reminders[kind, about.reminder] += 1
            if self._reminders[kind, about.reminder] > 1:
                self.violated(f"reminder {about.reminder} is {kind} twice, {what} at {event.commune}/{event.position}")

    def _copied(self, service: str, source: str, commune: str, known: int, bodies: list[Any]) -> None:
        """A replica grows: by what its owner recorded, and nothing else."""
        ever = self.genuine[source, commune]
        for position, (body,) in enumerate(bodies, known + 1):
            if sha256(body).hexdigest() not in ever[position]:
                self._forged.setdefault((service, source, commune), position)

    def _fold(self, service: str, source: str, commune: str, position: int) -> None:
        place = service, source, commune
        before = self._folded.get(place, 0)
        if position == before:
            return
        self._folded[place] = position
        if position < before:
            self.violated(f"{service} folded {source}/{commune} to {before}, and now to {position}")
        if position > self._held.get(place, 0):
            self.violated(f"{service} folded {source}/{commune}/{position}, which it does not hold")
        if position >= self._forged.get(place, position + 1):
            at = self._forged[place]
            self.violated(f"{service} counts {source}/{commune}/{at}, which {source} never published")

    def _move(self, source: str, commune: str, position: int) -> None:
        """The relay's cursor passes only what the topic holds."""
        before = self._cursors.get((source, commune), 0)
        self._cursors[source, commune] = position
        skipped = sorted(set(range(before + 1, position + 1)) - self._reached_topic[source, commune])
        if skipped:
            self.violated(f"the cursor of {source}/{commune} is at {position}, and {skipped[0]} was never published")

    # At each message

    def hear(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """A relay published this."""
        event = _event(value or b"")
        source = event.source.removeprefix("/")
        digest = sha256(value or b"").hexdigest()
        place = source, event.commune
        self._reached_topic[place].add(event.position)
        before = self.published[place].setdefault(event.position, digest)
        if before != digest:
            self.violated(f"{source}/{event.commune}/{event.position} is published twice with other bytes: a fork")

    def forget_topic(self, topic: str) -> None:
        for source, commune in list(self.published):
            if topic == topic_name(source):
                self.published[source, commune].clear()

    # As time passes

    def watch(self) -> None:
        """What is recorded goes on to the topic while any process is able to relay."""
        while True:
            self.world.scheduler.pause(LOOK_S)
            for service, database in self.world.databases.items():
                self._watch(service, database)

    def _watch(self, service: str, database: "Database") -> None:
        now, broker = self.world.now, self.world.broker
        well = not (database.down or database.full) and database.frozen_until <= now
        if not (well and broker.is_well()):
            self._calm_since[service] = now
        stands = min((process.able_since() for process in self.world.of(service, "work")), default=now)
        patience = TAKEOVER_S if now - self._calm_since[service] > TROUBLED_S else TROUBLED_S
        stands = max(stands, self._calm_since[service])
        for commune in self.world.communes:
            cursor = self._cursors.get((service, commune), 0)
            behind = cursor < len(self.logs[service, commune])
            since = self._behind_since.get((service, commune))
            if not behind or since is None or since[0] != cursor:
                self._behind_since[service, commune] = cursor, now
            elif now - max(since[1], stands) > patience:
                self.violated(f"{service}/{commune} waits at {cursor} for {now - since[1]:.0f} s: nobody relays")

    def troubled(self, service: str) -> None:
        """Something happened that a relay may take its time to get over."""
        self._calm_since[service] = self.world.now

    # An old database is put back

    def put_back(self, database: "Database") -> None:
        """What only this database held has perished; all the rest must come back, or be missed aloud."""
        service, eye = database.service, database.eye
        for place in [place for place in self._held if place[0] == service]:
            del self._held[place]
        for places in (self._folded, self._forged):
            for place in [place for place in places if place[0] == service]:
                del places[place]
        for (source, commune), log in self.logs.items():
            if source == service:
                held = [
                    Stored(sha256(body).hexdigest(), _event(body).correlationid)
                    for (body,) in eye.execute(_BODIES, (source, commune, 0))
                ]
                kept = next((at for at, (old, new) in enumerate(zip(log, held, strict=False)) if old != new), len(held))
                self._miss(source, commune, log[kept:], kept)
                log[:] = held
        if service == "notifications":
            self._reminders.clear()
            for (body,) in eye.execute("SELECT body FROM events WHERE source = ?", (service,)):
                self._remind(_event(body))
        for source, commune, position in eye.execute("SELECT source, commune, position FROM heads"):
            self._held[service, source, commune] = position
        for source, commune, position in eye.execute("SELECT source, commune, position FROM positions"):
            self._folded[service, source, commune] = position
        for commune, _ in [place for place in self._cursors if place[0] == service]:
            self._cursors[service, commune] = 0
        for commune, position in eye.execute("SELECT commune, position FROM cursors"):
            self._cursors[service, commune] = position

    def _miss(self, source: str, commune: str, lost: list[Stored], kept: int) -> None:
        """Events that the database lacks now. Those that nobody else holds, and all after them, have perished."""
        perished = False
        for position, stored in enumerate(lost, kept + 1):
            perished = perished or not self._is_elsewhere(source, commune, position, stored.digest)
            if perished and stored.trace in self.entries:
                self.entries[stored.trace].perished = True

    def _is_elsewhere(self, source: str, commune: str, position: int, digest: str) -> bool:
        if self.published[source, commune].get(position) == digest:
            return True
        for name, database in self.world.databases.items():
            rows = database.eye.execute(_BODIES + " LIMIT 1", (source, commune, position - 1))
            if name != source and any(sha256(body).hexdigest() == digest for (body,) in rows):
                return True
        return False

    # In the end

    def check_end(self) -> None:
        """Everything was healed and has come to rest: recount."""
        for problem in self._problems():
            self.violated(problem)

    def _problems(self) -> list[str]:
        found = []
        for trace, entry in self.entries.items():
            log = self.logs[entry.service, entry.commune]
            at = [number for number, stored in enumerate(log, 1) if stored.trace == trace]
            where = f"{entry.service}/{entry.commune}/{entry.position}"
            if entry.position and not at and not entry.perished:
                found.append(f"{where} was acknowledged and is lost")
            if at and (at != list(range(at[0], at[-1] + 1)) or (entry.position and at[-1] != entry.position)):
                found.append(f"{where} stands at {at}")
        found += self._mails()
        return found

    def _mails(self) -> list[str]:
        """A message is taken over twice only when its result could not be recorded, or its worker was out of time."""
        found = []
        messages: dict[str, set[str]] = defaultdict(set)
        last: dict[str, float] = {}
        lost = {message for message, _ in self.world.mail.lost}
        for message, reminders, at, process in self.world.mail.accepted:
            before = last.get(message)
            last[message] = at
            for reminder in reminders:
                messages[reminder].add(message)
            if before is None or message in lost or process.died_at >= before:
                continue
            if not any(before - 600 <= when <= at for service, when in self.excused if service == "notifications"):
                found.append(f"message {message} was sent at {before:.3f} and again at {at:.3f}")
        found += [f"reminder {each} went out in {len(of)} messages" for each, of in messages.items() if len(of) > 1]
        return found


_BODIES = "SELECT body FROM events WHERE source = ? AND commune = ? AND position > ? ORDER BY position"
