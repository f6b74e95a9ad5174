"""Programs with a known fault put back in, as they could be composed: the simulator must find each."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.eventlog.feed import FeedError
from shared.eventlog.fencing import Fence
from shared.eventlog.relay import Relay
from shared.lease import Lease
from tests.simulation.world import Process, Simulated


class AsLock(Simulated):
    """F3: to lead is to hold a lock, which the database keeps for a connection that says nothing."""

    def lease(self, service: str, name: str) -> Lease:
        return _Lock(self.engine(service), name, self.process)


class _Lock(Lease):
    def __init__(self, engine: Any, name: str, process: Process) -> None:
        super().__init__(engine, name)
        self._process = process
        self._locks = process.world.locks
        self._place = process.slot.service, name

    def is_free(self) -> bool:
        super().is_free()
        holder = self._locks.get(self._place)
        return holder is None or holder.dead or not _is_connected(holder)

    def take(self) -> bool:
        if not self.is_free():
            return False
        self._locks[self._place] = self._process
        return True

    def renew(self) -> bool:
        super().is_free()
        return self._locks.get(self._place) is self._process

    def let_go(self) -> bool:
        return self.renew()

    def fence(self) -> Fence:
        return Fence(self.engine.url, ("SELECT 1", ()))


def _is_connected(process: Process) -> bool:
    link = process.links["database"]
    return link.up or link.silent


class NeverCompares(Simulated):
    """A relay that never looks at what its topic holds."""

    def _relay(self, service: str) -> Relay | None:
        return self._as(_NeverCompares, super()._relay(service))

    def _as(self, kind: type[Relay], relay: Relay | None) -> Relay | None:
        if relay:
            relay.__class__ = kind
        return relay


class _NeverCompares(Relay):
    def check_topic(self) -> None:
        pass


class MovesOn(NeverCompares):
    """A relay whose cursor passes what was not acknowledged."""

    def _relay(self, service: str) -> Relay | None:
        return self._as(_MovesOn, Simulated._relay(self, service))


class _MovesOn(Relay):
    def _problem(self, future: Any) -> None:
        super()._problem(future)


class WithoutFeed(Simulated):
    """Replicas that ask nobody for what their topic lacks."""

    def feed(self, source: str) -> Any:
        return _NoFeed()


class _NoFeed:
    def fetch(self, *_: object) -> list[bytes]:
        raise FeedError("none")

    def heads(self) -> Mapping[str, Any]:
        return {}


BROKEN: dict[str, Callable[[Process], Simulated]] = {
    "F3: leadership is a lock": AsLock,
    "a relay never compares its topic": NeverCompares,
    "a cursor moves past what was not acknowledged": MovesOn,
    "replicas ask no owner": WithoutFeed,
}
