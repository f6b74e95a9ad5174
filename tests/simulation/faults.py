"""What goes wrong in the world: a table of faults by kind, and who brings them about."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from cchc.services import SERVICES
from shared.eventlog.kafka import topic_name
from shared.eventlog.relay import TOPIC_CHECK_S
from shared.events import GENESIS_HASH, format_time, uuid7
from tests.simulation.network import Link
from tests.simulation.operator import Operator
from tests.simulation.world import Process, World

Undo = Callable[[], object]


class Nemesis:
    """Brings about the faults of a run's kinds, at random, and in the end heals them all."""

    def __init__(self, world: World, operator: Operator) -> None:
        self.world = world
        self.operator = operator
        self.random = world.random
        self.over = False

    def live(self) -> None:
        while True:
            self.world.scheduler.pause(self.random.expovariate(1 / self.world.config.pace_s))
            if self.over:
                return
            kind = self.random.choice(sorted(self.world.config.faults))
            what = FAULTS[kind](self)
            if what:
                self.world.scheduler.fault(kind, what)

    def heal(self) -> None:
        world, broker = self.world, self.world.broker
        self.over = world.quiet = True
        broker.down, broker.frozen_until = False, 0.0
        broker.loses_acknowledgements = broker.repeats = broker.refuses = 0.0
        world.mail.answers = ["taken"]
        for database in world.databases.values():
            database.down, database.full, database.frozen_until, database.loses_answers = False, False, 0.0, 0
        for slot in world.slots:
            slot.held = False
            process = slot.process
            process.skew = process.frozen_until = 0.0
            for link in process.links.values():
                link.mend()
            if process.dead:
                slot.ended()
        world.scheduler.thaw()
        world.scheduler.fault("healed", "everything")

    # What faults are made of

    def seconds(self) -> float:
        """How long it lasts: moments, or minutes."""
        return self.random.choice([0.5, 2.0, 5.0, 12.0, 25.0, 40.0, 90.0]) * (0.5 + self.random.random())

    def for_a_while(self, undo: Undo) -> str:
        seconds = self.seconds()
        self.world.scheduler.later(seconds, lambda: None if self.over else undo())
        return f"for {seconds:.1f} s"

    def service(self) -> str:
        return self.random.choice(list(SERVICES))

    def process(self) -> Process | None:
        living = [slot.process for slot in self.world.slots if not slot.process.dead]
        return self.random.choice(living) if living else None

    def excuse(self, service: str) -> None:
        """A mail may go out twice."""
        self.world.oracle.excused.append((service, self.world.now))

    def trouble(self, *services: str) -> None:
        """What is on its way to the broker may have to be given up first."""
        for service in services or SERVICES:
            self.excuse(service)
            self.world.oracle.troubled(service)


def crash(nemesis: Nemesis) -> str | None:
    process = nemesis.process()
    if process is None:
        return None
    nemesis.excuse(process.slot.service)
    process.end()
    return process.name


def stop(nemesis: Nemesis) -> str | None:
    process = nemesis.process()
    if process is None or process.loops is None:
        return None
    process.loops.ask_to_stop()
    return process.name


def freeze(nemesis: Nemesis) -> str | None:
    process = nemesis.process()
    if process is None:
        return None
    nemesis.excuse(process.slot.service)
    seconds = nemesis.random.choice([3.0, 20.0, 100.0, 400.0])
    process.freeze(seconds)
    return f"{process.name} for {seconds:g} s"


def database_down(nemesis: Nemesis) -> str:
    service = nemesis.service()
    database = nemesis.world.databases[service]
    nemesis.trouble(service)
    database.crash()
    database.down = True
    return f"{service} {nemesis.for_a_while(lambda: setattr(database, 'down', False))}"


def database_frozen(nemesis: Nemesis) -> str:
    service, seconds = nemesis.service(), nemesis.seconds()
    nemesis.trouble(service)
    nemesis.world.databases[service].frozen_until = nemesis.world.now + seconds
    return f"{service} for {seconds:.1f} s"


def database_full(nemesis: Nemesis) -> str:
    service = nemesis.service()
    database = nemesis.world.databases[service]
    nemesis.trouble(service)
    database.full = True
    return f"{service} {nemesis.for_a_while(lambda: setattr(database, 'full', False))}"


def commit_unanswered(nemesis: Nemesis) -> str:
    service, count = nemesis.service(), nemesis.random.randint(1, 3)
    nemesis.trouble(service)
    nemesis.world.databases[service].loses_answers += count
    return f"{service}, {count} times"


def broker_down(nemesis: Nemesis) -> str:
    nemesis.world.broker.down = True
    return nemesis.for_a_while(lambda: setattr(nemesis.world.broker, "down", False))


def broker_frozen(nemesis: Nemesis) -> str:
    seconds = nemesis.seconds()
    nemesis.world.broker.frozen_until = nemesis.world.now + seconds
    return f"for {seconds:.1f} s"


def _sometimes(name: str) -> Callable[[Nemesis], str]:
    """A share of what producers send."""

    def fault(nemesis: Nemesis) -> str:
        setattr(nemesis.world.broker, name, nemesis.random.choice([0.1, 0.5, 1.0]))
        return nemesis.for_a_while(lambda: setattr(nemesis.world.broker, name, 0.0))

    return fault


def topic_made_again(nemesis: Nemesis) -> str:
    service, partitions = nemesis.service(), nemesis.random.randint(1, 4)
    nemesis.world.broker.make(topic_name(service), partitions)
    return f"{topic_name(service)} with {partitions} partitions"


def group_deleted(nemesis: Nemesis) -> str | None:
    groups = nemesis.world.broker.groups
    if not groups:
        return None
    topic, name = nemesis.random.choice(sorted(groups))
    group = groups[topic, name]
    group.committed.clear()
    group.members.clear()
    group.generation += 1
    return f"{name} of {topic}"


def link_cut(nemesis: Nemesis) -> str | None:
    process = nemesis.process()
    if process is None:
        return None
    link: Link = process.links[nemesis.random.choice(sorted(process.links))]
    silent = nemesis.random.random() < 0.6
    nemesis.excuse(process.slot.service)
    link.cut(nemesis.world.now, silent=silent)
    return f"{link.name}, {'silent' if silent else 'reset'}, {nemesis.for_a_while(link.mend)}"


def clock_skewed(nemesis: Nemesis) -> str | None:
    process = nemesis.process()
    if process is None:
        return None
    nemesis.excuse(process.slot.service)
    process.skew = nemesis.random.choice([-420.0, -30.0, -1.0, 1.0, 30.0, 420.0, 900.0])
    return f"{process.name} by {process.skew:g} s"


def machine_asleep(nemesis: Nemesis) -> str:
    """The host stood still, and all in it."""
    hours = nemesis.random.choice([0.2, 1.0, 8.0, 24.0])
    nemesis.world.scheduler.now += hours * 3600
    nemesis.trouble()
    return f"for {hours:g} h"


def mail_refused(nemesis: Nemesis) -> str:
    mail = nemesis.world.mail
    mail.answers = [nemesis.random.choice(["taken", "later", "never", "lost"]) for _ in range(4)]
    said = ", ".join(mail.answers)
    return f"{said}, {nemesis.for_a_while(lambda: setattr(mail, 'answers', ['taken']))}"


def old_backup(nemesis: Nemesis) -> str | None:
    """An older database is put back under what runs; or, as it should be, while nothing of its service runs."""
    service = nemesis.service()
    operator = nemesis.operator
    backups = operator.backups[service]
    if len(backups) < 2 or nemesis.random.random() < 0.5:
        operator.back_up(service)
        return None
    backup = nemesis.random.choice(backups)
    nemesis.trouble(service)
    operator.put_back(service, backup)
    return f"{service}: {backup.name}"


def forged(nemesis: Nemesis) -> str | None:
    """Who may write to the broker sends events that continue a log of somebody else's."""
    random, broker, service = nemesis.random, nemesis.world.broker, nemesis.service()
    topic = topic_name(service)
    events: dict[bytes, dict[str, Any]] = {}
    for _, body in broker.values(topic):
        if body and body.startswith(b'{"spec') and (event := msgspec.json.decode(body))["source"] == f"/{service}":
            events[body] = event
    if not events:
        return None
    commune = random.choice(nemesis.world.communes)
    ours = [body for body, event in events.items() if event["commune"] == commune]
    before = max(ours, key=lambda body: events[body]["position"], default=b"")
    first = position = events[before]["position"] + 1 if before else 1
    for position in range(first, first + random.randint(1, 3)):
        made = {
            "id": uuid7(nemesis.world.wall(), random.randbytes(10)),
            "commune": commune,
            "position": position,
            "previoushash": sha256(before).hexdigest() if before else GENESIS_HASH,
            "time": format_time(nemesis.world.wall()),
            "subject": f"task/{random.getrandbits(64):x}",
            "streamversion": 1,
        }
        before = msgspec.json.encode(random.choice([*events.values()]) | made)
        broker.append(topic, commune.encode(), before)
    return f"{service}/{commune}/{first} to {position}"


def noise(nemesis: Nemesis) -> str | None:
    """Messages on a topic that are no events of its log, or repeat some."""
    topic = topic_name(nemesis.service())
    made_at = nemesis.world.broker.topics[topic].made_at
    if made_at and nemesis.world.now - made_at < 2 * TOPIC_CHECK_S:
        return None  # that is a fault of its own
    _make_noise(nemesis, topic)
    return topic


def new_topic_with_noise(nemesis: Nemesis) -> str:
    """A topic is made again, and others write to it before its owner looks."""
    made = topic_made_again(nemesis)
    for _ in range(4):
        _make_noise(nemesis, made.partition(" ")[0])
    return made


def _make_noise(nemesis: Nemesis, topic: str) -> None:
    random, broker = nemesis.random, nemesis.world.broker
    held = [*broker.values(topic)]
    key, value = random.choice(held) if held else (b"xa-an", b"{}")
    another = random.choice([*broker.values(topic_name(nemesis.service()))] or [(key, b"{")])
    messages: list[tuple[bytes | None, bytes | None]] = [
        (key, b"{"),
        (None, value),
        (key, None),
        (b"xa-khac", value),
        (key, value),
        another if another not in held else (key, b"\xff"),
    ]
    for message in random.sample(messages, 3):
        broker.append(topic, *message)


FAULTS: dict[str, Callable[[Nemesis], str | None]] = {
    "process killed": crash,
    "process stopped": stop,
    "process frozen": freeze,
    "database down": database_down,
    "database frozen": database_frozen,
    "database full": database_full,
    "commit unanswered": commit_unanswered,
    "broker down": broker_down,
    "broker frozen": broker_frozen,
    "acknowledgement lost": _sometimes("loses_acknowledgements"),
    "messages repeated": _sometimes("repeats"),
    "messages refused": _sometimes("refuses"),
    "topic made again": topic_made_again,
    "group deleted": group_deleted,
    "link cut": link_cut,
    "clock skewed": clock_skewed,
    "machine asleep": machine_asleep,
    "mail refused": mail_refused,
    "noise on a topic": noise,
    "new topic with noise": new_topic_with_noise,
    "old backup put back": old_backup,
    "messages forged": forged,
}

# What the product is not up to yet, and where that is described. Not among the faults of an ordinary run.
OPEN = {
    "old backup put back": "F4: the tail is compared once, when a relay starts",
    "messages forged": "F5: whoever may write to the broker is believed",
    "new topic with noise": "a topic that was made again is known by its few messages, whoever wrote them",
}
USUAL = frozenset(FAULTS) - OPEN.keys()
