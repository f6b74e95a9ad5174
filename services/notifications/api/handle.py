"""What every view of the API works with."""

from services.notifications.service import Notifications
from shared.events import format_time
from shared.web.app import service


def notifications() -> Notifications:
    """The service that the app was made for."""
    handle: Notifications = service()
    return handle


def now() -> str:
    """RFC 3339 in UTC."""
    return format_time(notifications().clock())
