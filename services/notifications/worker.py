"""The background process of notifications: the records, and the reactor that queues and sends."""

from services.notifications.reactors import Reminding
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION
from shared.projection import Progress, Runner
from shared.worker import IsOurs, Loop, all_communes


def loops(service: Notifications, progress: Progress | None = None, is_ours: IsOurs = all_communes) -> dict[str, Loop]:
    """What runs besides the web app, however the logs come here, for the communes that are ours; `progress` hears of
    rebuilds."""
    runner = Runner(service.engine, service.logs, PROJECTION, is_ours)
    return {
        "records": lambda stop: runner.run(stop, progress),
        "reminding": Reminding(service, is_ours).run,
    }
