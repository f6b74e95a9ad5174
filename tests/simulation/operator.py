"""The operator: takes backups, puts old ones back, and restores what is missing when the installation says so."""

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cchc.backups.tail import Contradiction, HolderAway, fetch_tail, rebuild_own_tables
from cchc.services import SERVICES
from shared.eventlog import Busy, Log
from shared.eventlog.relay import RestoreUnfinished
from tests.simulation.broker import Client
from tests.simulation.network import Link
from tests.simulation.world import World

LOOK_S = 20.0


class Operator:
    """Looks after the services from outside. `backups` are the files by service, the oldest first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.backups: dict[str, list[Path]] = {service: [] for service in SERVICES}
        self._put_back: dict[str, Path] = {}
        self._restoring: set[str] = set()

    def live(self) -> None:
        while True:
            self.world.scheduler.pause(LOOK_S)
            for service in SERVICES:
                if service not in self._restoring and self.is_missed(service):
                    self._restore(service)

    def is_missed(self, service: str) -> bool:
        """Does the installation say that a database lacks what was published?"""
        slots = [slot for slot in self.world.slots if slot.service == service]
        return any(isinstance(slot.process.failure, RestoreUnfinished) for slot in slots)

    def back_up(self, service: str) -> None:
        files = self.backups[service]
        files.append(self.world.folder / f"{service}-{len(files)}.backup")
        self.world.databases[service].back_up(files[-1])

    def put_back(self, service: str, backup: Path) -> None:
        """Older data under whatever runs."""
        database = self.world.databases[service]
        self._put_back[service] = backup
        database.put_back(backup)
        self.world.oracle.put_back(database)

    def _restore(self, service: str) -> None:
        """As `cchc restore`: everything of the service stops, and the tail comes from whoever holds it."""
        world = self.world
        world.scheduler.say(f"restores {service}")
        self._restoring.add(service)
        slots = [slot for slot in world.slots if slot.service == service]
        for slot in slots:
            slot.held = True
            slot.process.end()
        links = {name: Link(f"operator–{name}") for name in SERVICES}
        engines = {name: world.databases[name].engine(links[name]) for name in SERVICES}
        while not self._fetch(service, engines):
            world.scheduler.pause(LOOK_S)
        for engine in engines.values():
            engine.dispose()
        for slot in slots:
            slot.held = False
            slot.start()
        self._restoring.discard(service)

    def _fetch(self, service: str, engines: dict[str, Engine]) -> bool:
        others = {name: engine for name, engine in engines.items() if name != service}
        log = Log(engines[service], service)
        try:
            grown, _ = fetch_tail(log, others, Client(self.world.broker, Link("operator–broker"), self))
            rebuild_own_tables(service, engines[service], [each.commune for each in grown if each.taken])
        except Contradiction as error:
            # What was recorded since then contradicts what was published before: from the backup once more.
            self.world.scheduler.say(f"{error}: from the backup once more")
            self.put_back(service, self._put_back[service])
            return False
        except (HolderAway, SQLAlchemyError, Busy) as error:
            self.world.scheduler.say(f"cannot restore {service} yet: {error}")
            return False
        self.world.scheduler.say(f"restored {service}")
        return True

    # As the owner of a client
    dead = False
    frozen_until = 0.0
