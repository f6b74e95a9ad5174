"""What all parts of the API do alike: who asks, what is known at a moment, how an answer is written."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import flask
import msgspec

from services.notifications.commands import Asking
from shared.eventlog import Appended
from shared.events import format_time
from shared.web.app import service
from shared.web.auth import principal
from shared.web.positions import recorded_at

if TYPE_CHECKING:
    from services.notifications.service import Notifications


def reminding() -> "Notifications":
    found: Notifications = service()
    return found


def asking() -> Asking:
    who = principal()
    return Asking(actor=who.actor, staff=who.staff, roles=who.roles)


def now() -> str:
    moment: datetime = reminding().clock()
    return format_time(moment)


def as_json(answer: Any, headers: Mapping[str, str] | None = None) -> flask.Response:
    return flask.Response(msgspec.json.encode(answer), content_type="application/json", headers=dict(headers or {}))


def recorded(done: Appended) -> Any:
    answer: dict[str, Any] = {"commune": done.commune, "position": done.position}
    if done.result is not None:
        answer["result"] = done.result
    return answer, recorded_at("notifications", done.commune, done.position)
