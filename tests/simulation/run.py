"""One run of one seed: live with faults, then heal and come to rest."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import msgspec

from tests.simulation import beginning
from tests.simulation.faults import FAULTS, Nemesis
from tests.simulation.people import People
from tests.simulation.rest import come_to_rest
from tests.simulation.world import Config, World


class Result(msgspec.Struct):
    seed: int
    steps: int
    commits: int
    acknowledged: int
    faults: Counter[str]
    digest: int
    problem: str | None = None
    trace: list[str] = []


def config_of(seed: int, kinds: frozenset[str]) -> Config:
    """Swarm testing: each run has some of the faults, so that none hides what another would show."""
    random = Random(f"config {seed}")
    drawn = frozenset(kind for kind in sorted(kinds) if random.random() < 0.4)
    return Config(
        communes=random.randint(1, 2),
        partitions=random.randint(1, 4),
        workers=random.randint(1, 2),
        webs=random.randint(1, 2),
        faults=drawn or kinds,
        pace_s=random.choice([5.0, 15.0, 30.0]),
        seconds=random.choice([120.0, 240.0]),
    )


def run(seed: int, kinds: frozenset[str] = frozenset(FAULTS), config: Config | None = None) -> Result:
    """Never raises for a broken promise: the result says which."""
    folder = Path(tempfile.mkdtemp(prefix="cchc-simulated-", dir=beginning.scratch()))
    world = World(seed, config or config_of(seed, kinds), folder)
    scheduler, problem = world.scheduler, None
    try:
        for commune in world.communes:
            scheduler.spawn(f"people of {commune}", People(world, commune).live)
        nemesis = Nemesis(world)
        scheduler.spawn("nemesis", nemesis.live)
        scheduler.run(world.config.seconds)
        nemesis.heal()
        come_to_rest(world)
    except AssertionError as error:
        problem = str(error)
    finally:
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    acknowledged = sum(entry.position is not None for entry in world.oracle.entries.values())
    return Result(
        seed,
        scheduler.steps,
        world.oracle.commits,
        acknowledged,
        scheduler.faults,
        scheduler.digest,
        problem,
        [*scheduler.trace],
    )
