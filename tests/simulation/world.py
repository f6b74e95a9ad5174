"""The installation in its world: services as web and background processes, their databases, a broker, a mail server."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, cached_property
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cchc.installation import Installation
from cchc.services import SERVICES
from cchc.settings import Settings
from services.notifications.channels.interface import Channels, Contact, Message, Permanent, Temporary
from shared.eventlog import Busy, Head
from shared.eventlog.checkpoints import CheckpointKey, key_id
from shared.eventlog.feed import TIMEOUT_S, FeedError
from shared.eventlog.kafka import topic_name
from shared.events import uuid7
from shared.lease import Lease
from shared.worker import Loops, Machine, Stop
from tests.simulation import beginning
from tests.simulation.broker import BrokerServer, Client
from tests.simulation.database import Database, latency
from tests.simulation.network import Link
from tests.simulation.oracle import Oracle
from tests.simulation.scheduler import Fiber, Scheduler

T = TypeVar("T")

# Loops that poll look less often than they would: what they miss meanwhile, they would also miss on a slow machine. A
# commit to their database wakes them as it does in the product. Those who must not sleep long are left as they are.
IDLE_S = 15.0
PUNCTUAL = (".alone", ".relay")

# A supervisor starts a process again after this.
RESTART_S = 3.0


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is like; drawn from its seed."""

    communes: int
    partitions: int
    workers: int
    webs: int
    faults: frozenset[str]
    pace_s: float  # between two faults, on average
    seconds: float


class World:
    """Everything there is. `config` says how much of it."""

    def __init__(
        self, seed: int, config: Config, folder: Path, compose: "Callable[[Process], Simulated] | None" = None
    ) -> None:
        self.config = config
        self.compose = compose or Simulated
        self.locks: dict[tuple[str, str], Process] = {}
        self.scheduler = Scheduler(seed)
        self.random = self.scheduler.random
        self.folder = folder
        self.settings = _settings()
        beginning.copy_to(folder)
        self.databases = {name: Database(self.scheduler, name, folder / f"{name}.db") for name in SERVICES}
        self.broker = BrokerServer(self.scheduler)
        for service in SERVICES:
            self.broker.make(topic_name(service), config.partitions)
        self.mail = MailServer(self.scheduler)
        self.key = _key()
        self.communes = beginning.COMMUNES[: config.communes]
        self.oracle = Oracle(self)
        self.started = beginning.OPENED + timedelta(hours=1)
        self.quiet = False  # people begin nothing more
        self.people_at_work = 0
        self.slots = [
            Slot(self, service, kind, number)
            for service in SERVICES
            for kind, count in (("work", config.workers), ("web", config.webs))
            for number in range(1, count + 1)
        ]
        for slot in self.slots:
            slot.start()

    @property
    def now(self) -> float:
        return self.scheduler.now

    def wall(self, skew: float = 0.0) -> datetime:
        return self.started + timedelta(seconds=self.now + skew)

    def of(self, service: str, kind: str) -> list["Process"]:
        """The processes of a kind that live."""
        return [
            slot.process
            for slot in self.slots
            if (slot.service, slot.kind) == (service, kind) and not slot.process.dead
        ]

    def ask(self, service: str, function: Callable[[Installation], T], timeout_s: float) -> T:
        """A request to one of a service's web processes. Raises NoAnswer, and what the function raises.

        When the caller gives up, the request may still go on.
        """
        scheduler = self.scheduler
        scheduler.pause(latency(scheduler))
        there = self.of(service, "web")
        if not there:
            raise NoAnswer("connection refused")
        process, answer = self.random.choice(there), _Answer()

        def serve() -> None:
            try:
                answer.value = function(process.installation)
            except Exception as error:
                answer.error = error
            answer.given = True
            scheduler.wake(answer.waiting)

        scheduler.spawn(f"{process.name} request", serve, process)
        end = scheduler.now + timeout_s
        while not answer.given:
            if process.dead or scheduler.now >= end:
                raise NoAnswer("the connection ended")
            scheduler.wait(min(1.0, end - scheduler.now), answer.waiting)
        if answer.error:
            raise answer.error
        value: T = answer.value
        return value

    def close(self) -> None:
        self.scheduler.close()
        for slot in self.slots:
            slot.process.installation.close()
        for database in self.databases.values():
            database.close()


class NoAnswer(Exception):
    """A request was not answered: it may have been done, be done yet, or never."""


class _Answer:
    def __init__(self) -> None:
        self.given = False
        self.value: Any = None
        self.error: Exception | None = None
        self.waiting: set[Fiber] = set()


# Processes


class Slot:
    """The place of one process, which a supervisor keeps filled."""

    def __init__(self, world: World, service: str, kind: str, number: int) -> None:
        self.world = world
        self.service, self.kind = service, kind
        self.name = f"{service}.{kind}{number}"
        self.held = False  # not started again until it is let go
        self.process: Process

    def start(self) -> None:
        self.process = Process(self)

    def ended(self, seconds: float = RESTART_S) -> None:
        if not self.held:
            self.world.scheduler.later(seconds * (0.5 + self.world.random.random()), self._start_again)

    def _start_again(self) -> None:
        if self.process.dead and not self.held:
            self.start()


class Process:
    """One process, from its start to its end."""

    def __init__(self, slot: Slot) -> None:
        world = slot.world
        self.slot = slot
        self.world = world
        self.name = slot.name
        self.dead = False
        self.died_at = 0.0
        self.frozen_until = self.frozen_at = self._stood_still = 0.0
        self.skew = 0.0
        self._able_since = world.now
        self.fibers: list[Fiber] = []
        self.failure: BaseException | None = None
        self.loops: Loops | None = None
        self.links = {name: Link(f"{self.name}–{name}") for name in ("database", "broker", *SERVICES)}
        self.machine = Machine(
            monotonic=lambda: world.now,
            thread=lambda **about: Thread(self, **about),  # type: ignore[arg-type]
            stop=lambda: Word(self),
            chance=world.random,
            exit=self.end,
        )
        self.installation = world.compose(self)
        if slot.kind == "work":
            world.scheduler.spawn(f"{self.name} main", self._work, self)

    def clock(self) -> datetime:
        return self.world.wall(self.skew)

    def _work(self) -> None:
        """As cchc.serve.work."""
        with suppress(SQLAlchemyError, Busy):
            self.loops = Loops(self.installation.background(self.slot.service).named_loops(), self.machine)
            self.loops.start()
            self.loops.stopping.wait()
            self.loops.stop()
            self.failure = self.loops.failure
        if self.failure:
            self.world.scheduler.say(f"{self.name} ends: {type(self.failure).__name__}: {self.failure}")
        self.end()

    def end(self, *_: object) -> None:
        """Kill it, with all that it has in hand."""
        if self.dead:
            return
        self.dead, self.died_at = True, self.world.now
        self.world.scheduler.end(self)
        if not self.links["database"].silent:
            self.world.databases[self.slot.service].disconnect(self.links["database"])
        self.slot.ended()
        current = self.world.scheduler.current
        if current and current.owner is self:
            self.world.scheduler.pause()  # raises

    def freeze(self, seconds: float) -> None:
        self.frozen_at, self.frozen_until = self.world.now, self.world.now + seconds
        self._stood_still += seconds

    def able_since(self) -> float:
        """Since when it reaches its database and the broker."""
        well = self.frozen_until <= self.world.now and self.links["database"].up and self.links["broker"].up
        self._able_since = min(self._able_since, self.world.now) if well else inf
        return self._able_since if well else self.world.now

    def awake_s(self) -> float:
        """The time in which it was not frozen."""
        return self.world.now - self._stood_still


class Word(Stop):
    """The word to stop, given to a loop that sleeps in simulated time."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.awake_s)
        self._process = process
        self._waiting: set[Fiber] = set()

    def set(self) -> None:
        super().set()
        self._process.world.scheduler.wake(self._waiting)

    def wait(self, timeout: float | None = None) -> bool:
        self._pauses = True
        try:
            return self._sleep(1e9 if timeout is None else timeout)
        finally:
            self._asked_at = self._clock()
            self._pauses = False

    def _sleep(self, seconds: float) -> bool:
        world, scheduler = self._process.world, self._process.world.scheduler
        if self.is_set():
            scheduler.pause()
            return True
        name = scheduler.current.name if scheduler.current else ""
        if seconds <= 1.0 and not name.endswith(PUNCTUAL):
            scheduler.pause(seconds * 0.5)
            waiting = world.databases[self._process.slot.service].waiting
            fiber = scheduler.current
            assert fiber is not None
            self._waiting.add(fiber)
            try:
                scheduler.wait(seconds * 0.5 + world.random.random() * IDLE_S, waiting)
            finally:
                self._waiting.discard(fiber)
        else:
            scheduler.wait(seconds, self._waiting)
        return self.is_set()


class Thread:
    """A loop's thread, as a fiber."""

    def __init__(self, process: Process, *, target: Callable[..., object], name: str, args: Any = (), **_: Any) -> None:
        self.name = name
        self._process = process
        self._target, self._args = target, args
        self._fiber: Fiber | None = None

    def start(self) -> None:
        scheduler, process = self._process.world.scheduler, self._process
        target, args = self._target, self._args
        self._fiber = scheduler.spawn(
            f"{process.name} {self.name}", lambda: target(*args), process, scheduler.random.random()
        )

    def join(self, timeout: float) -> None:
        scheduler = self._process.world.scheduler
        end = scheduler.now + timeout
        while self.is_alive() and scheduler.now < end and self._fiber:
            scheduler.wait(end - scheduler.now, self._fiber.joined)

    def is_alive(self) -> bool:
        return self._fiber is not None and not self._fiber.ended


class Simulated(Installation):
    """The real composition of a process, on the world's database, broker, feeds and mail server."""

    def __init__(self, process: Process) -> None:
        world = process.world
        self.process, self.world = process, world
        super().__init__(
            world.settings,
            clock=process.clock,
            new_id=lambda now: uuid7(now, world.random.randbytes(10)),
            machine=process.machine,
        )

    def engine(self, service: str) -> Engine:
        if service not in self._engines:
            self._engines[service] = self.world.databases[service].engine(self.process.links["database"])
        return self._engines[service]

    def lease(self, service: str, name: str) -> Lease:
        return Lease(self.engine(service), name)

    @property
    def broker(self) -> Client:
        return Client(self.world.broker, self.process.links["broker"], self.process)

    def feed(self, source: str) -> "Feed":
        return Feed(self.process, source)

    @cached_property
    def channels(self) -> Channels:
        return Channels({"email": Mail(self.process)}, self._directory)

    def _directory(self, commune: str) -> Mapping[str, Contact]:
        self.world.scheduler.pause(latency(self.world.scheduler))
        return {staff: Contact(staff, f"Người {staff}", f"{staff}@xa.example") for staff in beginning.PEOPLE}

    @cached_property
    def checkpoint_key(self) -> CheckpointKey:
        return self.world.key


class Feed:
    """An owner's log over HTTP (`shared.eventlog.feed.Feed`)."""

    def __init__(self, process: Process, source: str) -> None:
        self.process, self.source = process, source

    def fetch(self, commune: str, after: int, limit: int = 500) -> list[bytes]:
        return self._ask(lambda owner: owner.own_log(self.source).read(commune, after, limit))

    def heads(self) -> dict[str, Head]:
        return self._ask(lambda owner: owner.own_log(self.source).heads())

    def _ask(self, question: Callable[[Installation], T]) -> T:
        world, link = self.process.world, self.process.links[self.source]
        try:
            if not link.up:
                world.scheduler.pause(TIMEOUT_S if link.silent else 0.001)
                raise NoAnswer("unreachable")
            return world.ask(self.source, question, TIMEOUT_S)
        except (NoAnswer, SQLAlchemyError, Busy) as error:
            raise FeedError(f"{self.source}: {error}") from error


# Mail


class MailServer:
    """What it took over, in order: message, reminders, when, from whom. `answers`: taken, later, never, lost."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.answers: list[str] = ["taken"]
        self.accepted: list[tuple[str, tuple[str, ...], float, Process]] = []
        self.lost: list[tuple[str, float]] = []


class Mail:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.server = process.world.mail

    def send(self, message: Message) -> None:
        server, scheduler = self.server, self.server.scheduler
        scheduler.pause(latency(scheduler))
        answer = scheduler.random.choice(server.answers)
        if answer == "later":
            raise Temporary("451")
        if answer == "never":
            raise Permanent("550")
        reminders = tuple(item.reminder for item in message.items)
        server.accepted.append((message.message, reminders, scheduler.now, self.process))
        scheduler.pause(latency(scheduler))
        if answer == "lost":
            server.lost.append((message.message, scheduler.now))
            raise Temporary("timeout")


# Made once


@cache
def _settings() -> Settings:
    return Settings.from_environment({"CCHC_KAFKA": "simulated:9092"}, data=Path(tempfile.gettempdir(), "cchc-none"))


@cache
def _key() -> CheckpointKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return CheckpointKey(key_id(private.public_key()), private)


logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
