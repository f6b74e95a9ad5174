"""What the queries share: who is asking, in which post, and the answer as JSON."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import flask
import msgspec
from sqlalchemy import Connection

from services.tasks import views
from services.tasks.api.recording import tasks
from services.tasks.commands import roles_in_force
from services.tasks.domain.access import may_see, sees_every_task
from services.tasks.domain.task import Task
from services.tasks.views import Stored
from shared.events import format_time, local_day
from shared.refusal import Refused
from shared.web.auth import principal
from shared.web.conditional import etag
from shared.web.problems import Rejected


class Asking(NamedTuple):
    """Who asks, with the roles that today's post and the token both give."""

    staff: str | None
    unit: str | None
    roles: frozenset[str]

    @property
    def sees_all(self) -> bool:
        return sees_every_task(self.roles)

    def must_see(self, task: Task) -> None:
        if not may_see(task, self.staff, self.unit, self.roles):
            raise Refused("not-taking-part", staff=self.staff)


def asking(connection: Connection, commune: str) -> Asking:
    """Refuses: a person who is in no post today."""
    who = principal()
    if who.staff is None:
        return Asking(None, None, who.roles)
    found = views.one(connection, commune, f"staff/{who.staff}")
    post = found.state.post_on(today()) if found else None
    if found is None or post is None:
        raise Refused("holds-no-post", staff=who.staff)
    return Asking(who.staff, post.unit, roles_in_force(who, {found.subject: found.state}, today()))


def today() -> date:
    return local_day(format_time(tasks().clock()))


def stored(connection: Connection, commune: str, subject: str) -> Stored:
    """A stream's state. Raises Rejected 404 when it has not begun."""
    found = views.one(connection, commune, subject)
    if found is None:
        raise Rejected("not-found")
    return found


def plain(found: Stored) -> dict[str, Any]:
    """A state with its id and version; every field of it, whatever is left out where it is stored."""
    fields = {name: msgspec.to_builtins(getattr(found.state, name)) for name in found.state.__struct_fields__}
    return {"id": found.subject.partition("/")[2], "version": found.version, **fields}


def answer(value: Any, headers: Mapping[str, str] | None = None) -> flask.Response:
    return flask.Response(msgspec.json.encode(value), headers=dict(headers or {}), content_type="application/json")


def answer_one(found: Stored, **more: Any) -> flask.Response:
    """One state with its ETag."""
    return answer(plain(found) | more, etag(found.version))
