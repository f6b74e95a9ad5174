"""The background process of notifications: the records, and the reactor that queues and sends."""

from services.notifications.reactors import Reminding
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION
from shared.projection import Progress, Runner
from shared.worker import Loop, Mine, all_communes


def loops(notifications: Notifications, progress: Progress | None = None, mine: Mine = all_communes) -> dict[str, Loop]:
    """What runs beside the web app, whichever way the logs come here, for the communes that are `mine`; `progress` is
    told of rebuilds."""
    runner = Runner(notifications.engine, notifications.logs, PROJECTION, mine)
    return {
        "records": lambda stop: runner.run(stop, progress),
        "reminding": Reminding(notifications, mine).run,
    }
