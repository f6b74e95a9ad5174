"""Liveness: after everything was healed, all that was recorded arrives, in a bounded time."""

from collections.abc import Iterator

from sqlalchemy import Engine, MetaData, select

from cchc.services import SERVICES, readers
from shared.eventlog import Log, open_database
from shared.eventlog.verify import compare_logs, verify_log
from shared.projection import Runner
from tests.simulation.oracle import Violation
from tests.simulation.world import World

# Heads are compared each minute, sessions and leases end, backoffs run out: all that within this.
ARRIVES_S = 600.0
LOOK_S = 5.0
# Reminders that failed are tried again for more than a day, and go out in office hours.
DAYS = 6


def come_to_rest(world: World) -> None:
    """Raises Violation when something is still missing, or differs, long after everything was healed."""
    _until_nothing_waits(world)
    for _ in range(DAYS):
        _sleep_until(world, hour=15)
        _until_nothing_waits(world)
        if not any(_reminders_waiting(world)):
            break
    for waiting in _reminders_waiting(world):
        world.oracle.violated(waiting)
    world.oracle.check_end()
    for problem in _differences(world):
        world.oracle.violated(problem)
    if world.scheduler.violation:
        raise world.scheduler.violation


def _until_nothing_waits(world: World) -> None:
    end, calm = world.now + ARRIVES_S, 0
    while calm < 3:
        world.scheduler.run(world.now + LOOK_S)
        waits = next(_waiting(world), None)
        calm = 0 if waits else calm + 1
        if waits and world.now > end:
            world.scheduler.say(f"VIOLATED: {waits}")
            raise Violation(f"{ARRIVES_S:g} s after all was healed, {waits}")


def _sleep_until(world: World, hour: int) -> None:
    """The night passes, and the morning."""
    local = (world.wall().hour + 7) % 24
    world.scheduler.now += ((hour - local) % 24 or 24) * 3600


def _waiting(world: World) -> Iterator[str]:
    """What has not arrived yet."""
    if world.people_at_work:
        yield f"{world.people_at_work} people wait for an answer"
    for slot in world.slots:
        if slot.process.dead:
            yield f"{slot.name} does not run: {slot.process.failure}"
    heads = {name: _heads(world, name) for name in SERVICES}
    for service, database in world.databases.items():
        own = heads[service]
        cursors = dict(database.eye.execute("SELECT commune, position FROM cursors"))
        for (source, commune), (position, _, broken) in own.items():
            if broken:
                yield f"{service} holds {source}/{commune} as broken: {broken}"
            if source == service and cursors.get(commune, 0) != position:
                yield f"{source}/{commune} is published to {cursors.get(commune, 0)} of {position}"
            if source == service and len(world.oracle.published[source, commune]) != position:
                yield f"the topic holds {len(world.oracle.published[source, commune])} of {source}/{commune}/{position}"
        for source in SERVICES[service].replicas:
            for (of, commune), owners in heads[source].items():
                if of == source and own.get((source, commune), (0,))[:2] != owners[:2]:
                    yield f"{service} holds {source}/{commune} to {own.get((source, commune), (0,))[0]} of {owners[0]}"
        if projection := SERVICES[service].records:
            reached = {
                (source, commune): (position, parked)
                for source, commune, position, parked in database.eye.execute(
                    "SELECT source, commune, position, parked FROM positions"
                )
            }
            for (source, commune), (position, *_) in own.items():
                at, parked = reached.get((source, commune), (0, None))
                if source in projection.sources and (at != position or parked):
                    yield f"{service} folded {source}/{commune} to {at} of {position} {parked or ''}"


def _heads(world: World, service: str) -> dict[tuple[str, str], tuple[int, str, str | None]]:
    rows = world.databases[service].eye.execute("SELECT source, commune, position, hash, broken FROM heads")
    return {(source, commune): (position, hash_, broken) for source, commune, position, hash_, broken in rows}


def _reminders_waiting(world: World) -> Iterator[str]:
    rows = world.databases["notifications"].eye.execute(
        "SELECT commune, reminder, channel, queued_at FROM occurrences WHERE state = 'queued'"
    )
    for commune, reminder, channel, queued_at in rows:
        yield f"reminder {reminder} of {commune} by {channel} waits since {queued_at}"


def _differences(world: World) -> Iterator[str]:
    """The logs verify, replicas are their owners' bytes, and the rows are those of a rebuild."""
    for database in world.databases.values():
        database.crash()
    engines = {name: open_database(f"sqlite:///{database.file}") for name, database in world.databases.items()}
    try:
        logs = {name: Log(engine, name) for name, engine in engines.items()}
        for service, engine in engines.items():
            for finding in verify_log(logs[service]):
                yield f"{service}: {finding}"
            for source in SERVICES[service].replicas:
                for finding in compare_logs(logs[source], Log(engine, source)):
                    yield f"replica of {source} at {service}: {finding}"
        for service, projection in readers().items():
            engine = engines[service]
            live = _rows(engine)
            sources = {source: Log(engine, source) for source in projection.sources}
            Runner(engine, sources, projection).rebuild()
            if _rows(engine) != live:
                yield f"the records of {service} are not those of a rebuild"
    finally:
        for engine in engines.values():
            engine.dispose()


def _rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    metadata = MetaData()
    metadata.reflect(engine, only=["records", "positions"])
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
