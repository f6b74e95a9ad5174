"""The rows of the own log: every event of it changes rows or is declined."""

from services.notifications import views
from shared.events import CATALOGUE


def test_each_event_of_the_own_log_changes_rows_or_is_declined() -> None:
    own = {event.data for event in CATALOGUE if "notifications" in event.sources}
    assert views.HANDLED.keys() | views.DECLINED == own
    assert not views.HANDLED.keys() & views.DECLINED
