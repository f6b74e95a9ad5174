"""Scoring's background process: the records, and the announcer of scores."""

from services.scoring.reactors import ScoreAnnouncer
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION
from shared.events import RatingDecided, ReRated, type_name
from shared.projection import Progress, Runner
from shared.worker import Loop, Mine, all_communes

# A decision's checkpoint is to be on the sheet that is printed right after it.
SIGNED_AT_ONCE = frozenset({type_name(RatingDecided), type_name(ReRated)})


def loops(scoring: Scoring, progress: Progress | None = None, mine: Mine = all_communes) -> dict[str, Loop]:
    """What runs beside the web app, whichever way the tasks log comes here, for the communes that are `mine`;
    `progress` is told of rebuilds."""
    runner = Runner(scoring.engine, scoring.logs, PROJECTION, mine)
    return {
        "records": lambda stop: runner.run(stop, progress),
        "announcer": ScoreAnnouncer(scoring.engine, scoring.logs, scoring.clock, mine).run,
    }
