"""A service's background: its loops, their health checks and their metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec

from shared.eventlog import Log
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.events import parse_time
from shared.leader import Leader
from shared.metrics import Measure, Sample
from shared.probe import Probe
from shared.projection import Runner, all_positions
from shared.web.health import DEADLINE_S
from shared.worker import Loop, Unwell

# A replica catches up with this many within seconds; with more to read, what it shows is out of date.
READY_WITHIN = 1000


class Background(msgspec.Struct, frozen=True):
    """`log` is the service's own, `folds` what keeps its records, `further` measures other figures; `leaders` run what
    one process does; `relay`, which the leader of that name runs, and `replicas` are there with Kafka."""

    service: str
    log: Log
    loops: Mapping[str, Loop]
    folds: Runner | None = None
    leaders: Sequence[Leader] = ()
    relay: Relay | None = None
    replicas: Sequence[Replica] = ()
    further: Measure | None = None

    def named_loops(self) -> dict[str, Loop]:
        return {f"{self.service}.{name}": loop for name, loop in self.loops.items()}

    def checks(self) -> dict[str, Callable[[], object]]:
        """Does it have what it needs, is it nearly up to date, and does somebody do what one process does? A commune
        that stands still (parked, broken) is for the metrics, since the others continue."""
        checks: dict[str, Callable[[], object]] = {f"{self.service}.database": self.log.heads}
        for leader in self.leaders:
            checks[f"{self.service}.{leader.name}"] = partial(self._is_led, leader)
        for replica in self.replicas:
            checks[f"{self.service}.replica.{replica.log.source}"] = partial(_replica_is_near, replica)
        return checks

    def _is_led(self, leader: Leader) -> None:
        if not leader.is_led():
            raise Unwell(leader.problem or f"no process does what {leader.name} is to do")
        if leader.leads() and leader.name == "relay" and self.relay and self.relay.status.problem:
            raise Unwell(self.relay.status.problem)

    def measures(self) -> list[Callable[[], Iterator[Sample]]]:
        """For /metrics: what this process knows, and what its database answers within DEADLINE_S."""
        stored = Probe(lambda: [*self._stored()])
        return [self._known, partial(_or_down, stored, self.service)]

    def _known(self) -> Iterator[Sample]:
        leads = {leader.name: leader.leads() for leader in self.leaders}
        for name, does in leads.items():
            yield Sample("cchc_leader", (self.service, name), does)
        if relay := self.relay:
            yield Sample("cchc_relay_up", (self.service,), leads["relay"] and relay.status.problem is None)
            yield Sample("cchc_relay_published_total", (self.service,), relay.status.published)
            for commune in [*relay.status.refused]:
                yield Sample("cchc_relay_refused", (self.service, commune), 1)
        for replica in self.replicas:
            where, status = (self.service, replica.log.source), replica.status
            yield Sample("cchc_replica_up", where, replica.joined and status.problem is None)
            yield Sample("cchc_replica_lag_events", where, status.lag)
            yield Sample("cchc_replica_taken_total", where, status.taken)
            yield Sample("cchc_replica_fetched_total", where, status.fetched)
            yield Sample("cchc_replica_rejected_total", where, status.rejected)
            for commune, events in [*status.behind.items()]:
                yield Sample("cchc_replica_behind_events", (*where, commune), events)

    def _stored(self) -> Iterator[Sample]:
        heads = self.log.heads()
        yield Sample("cchc_log_events", (self.service,), sum(head.position for head in heads.values()))
        for leader in self.leaders:
            yield Sample("cchc_led", (self.service, leader.name), leader.is_led())
        if self.relay:
            events, oldest = self.relay.backlog()
            age = (datetime.now(UTC) - parse_time(oldest)).total_seconds() if oldest else 0
            yield Sample("cchc_relay_unpublished_events", (self.service,), events)
            yield Sample("cchc_relay_oldest_unpublished_seconds", (self.service,), max(0, age))
        for replica in self.replicas:
            for commune in replica.log.broken():
                yield Sample("cchc_replica_broken", (self.service, replica.log.source, commune), 1)
        if self.folds:
            yield from self._folded(self.folds)
        if self.further:
            yield from self.further()
        yield Sample("cchc_database_up", (self.service,), 1)

    def _folded(self, folds: Runner) -> Iterator[Sample]:
        known = all_positions(folds.engine, folds.projection.name)
        for source, log in folds.logs.items():
            reached = {commune: at[source].position for commune, at in known.items() if source in at}
            behind = sum(max(0, head.position - reached.get(commune, 0)) for commune, head in log.heads().items())
            yield Sample("cchc_projection_behind_events", (self.service, source), behind)
        for commune, at in known.items():
            if any(position.parked for position in at.values()):
                yield Sample("cchc_projection_parked", (self.service, commune), 1)


def _or_down(stored: Probe[list[Sample]], service: str) -> Iterator[Sample]:
    try:
        yield from stored.begin().result(DEADLINE_S)
    except Exception:  # noqa: BLE001 - /readyz and the loops log the reason; the other figures are still shown
        yield Sample("cchc_database_up", (service,), 0)


def _replica_is_near(replica: Replica) -> None:
    status = replica.status
    if status.problem or not replica.joined:
        raise Unwell(status.problem or "has not joined its group")
    behind = sum(events for commune, events in [*status.behind.items()] if commune not in status.broken)
    if max(status.lag, behind) > READY_WITHIN:
        raise Unwell(f"{status.lag} records to read, {behind} events behind the owner")
