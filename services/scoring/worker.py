"""Scoring's background process: the records, and the announcer of scores."""

from services.scoring.reactors import ScoreAnnouncer
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION
from shared.events import RatingDecided, ReRated, type_name
from shared.projection import Progress, Runner
from shared.worker import IsOurs, Loop, all_communes

# A decision's checkpoint is to be on the sheet that is printed right after it.
SIGNED_AT_ONCE = frozenset({type_name(RatingDecided), type_name(ReRated)})


def loops(scoring: Scoring, progress: Progress | None = None, is_ours: IsOurs = all_communes) -> dict[str, Loop]:
    """The loops for the communes that `is_ours` names, whichever way the tasks log comes here. `progress` follows
    rebuilds."""
    runner = Runner(scoring.engine, scoring.logs, PROJECTION, is_ours)
    return {
        "records": lambda stop: runner.run(stop, progress),
        "announcer": ScoreAnnouncer(scoring, is_ours).run,
    }
