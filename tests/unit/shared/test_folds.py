"""Every event that a fold reads is either handled or declined: a new one that somebody forgot fails here."""

from typing import Any

import pytest

from services.notifications.domain import fold as notifications
from services.notifications.views import PROJECTION as NOTIFICATIONS
from services.scoring.domain import fold as scoring
from services.scoring.views import PROJECTION as SCORING
from shared.events import CATALOGUE
from shared.records import Fold

FOLDS: dict[str, tuple[Fold[Any], tuple[str, ...]]] = {
    "scoring": (scoring.FOLD, SCORING.sources),
    "notifications": (notifications.FOLD, NOTIFICATIONS.sources),
}


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_handles_or_declines_every_event_of_its_sources(name: str) -> None:
    fold, sources = FOLDS[name]
    of_its_sources = {event.data for event in CATALOGUE if set(event.sources) & set(sources)}
    assert {*fold.handles, *fold.declines} == of_its_sources
    assert not fold.handles.keys() & fold.declines
