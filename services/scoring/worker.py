"""Scoring's background process: the records, the announcer, and on Kafka the replica of tasks and the own relay."""

from services.scoring.app import Scoring
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.views import PROJECTION
from shared.projection import Progress, Runner
from shared.worker import Loop


def loops(scoring: Scoring, progress: Progress | None = None) -> dict[str, Loop]:
    """What runs beside the web app, whichever way the tasks log comes here; `progress` is told of rebuilds."""
    runner = Runner(scoring.engine, scoring.logs, PROJECTION)
    return {
        "records": lambda stop: runner.run(stop, progress),
        "announcer": ScoreAnnouncer(scoring.engine, scoring.logs, scoring.clock).run,
    }
