"""One run of one seed: live with faults, then heal and come to rest."""

import shutil
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from random import Random

import msgspec

from tests.simulation import beginning
from tests.simulation.broken import BROKEN
from tests.simulation.faults import USUAL, Nemesis
from tests.simulation.operator import Operator
from tests.simulation.oracle import Violation
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
    drawn = random.sample(sorted(kinds), min(len(kinds), random.choice([1, 2, 3, 5, 8])))
    return Config(
        communes=random.randint(1, 2),
        partitions=random.randint(1, 4),
        workers=random.choice([1, 2, 2]),
        webs=random.randint(1, 2),
        faults=frozenset(drawn),
        pace_s=random.choice([2.0, 5.0, 10.0]),
        seconds=random.choice([40.0, 80.0]),
    )


def run(seed: int, kinds: frozenset[str] = USUAL, broken: str | None = None) -> Result:
    """Never raises for a broken promise: the result says which. `broken` names a fault to put back in."""
    folder = Path(tempfile.mkdtemp(prefix="cchc-simulated-", dir=beginning.scratch()))
    world = World(seed, config_of(seed, kinds), folder, BROKEN[broken] if broken else None)
    scheduler, problem = world.scheduler, None
    try:
        for commune in world.communes:
            scheduler.spawn(f"people of {commune}", People(world, commune).live)
        scheduler.spawn("oracle", world.oracle.watch)
        operator = Operator(world)
        scheduler.spawn("operator", operator.live)
        nemesis = Nemesis(world, operator)
        scheduler.spawn("nemesis", nemesis.live)
        scheduler.run(world.config.seconds)
        nemesis.heal()
        come_to_rest(world)
    except Violation as error:
        problem = str(error)
    except Exception:
        problem = f"the simulation itself failed: {traceback.format_exc()}"
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
