"""What every route needs: the service, a stream or 404, and a state as JSON."""

from typing import Any, TypeVar

import flask
import msgspec

from services.tasks import queries
from services.tasks.service import Tasks
from services.tasks.views import Stored
from shared.web import app
from shared.web.answers import as_json
from shared.web.conditional import etag
from shared.web.problems import Rejected

PREFIX = "/communes/<commune>"
Found = TypeVar("Found")


def service() -> Tasks:
    """The service that the app was made with."""
    handle: Tasks = app.service()
    return handle


def known(found: Found | None) -> Found:
    """What a query found. Raises Rejected 404 when it found nothing."""
    if found is None:
        raise Rejected("not-found")
    return found


def state_of(commune: str, subject: str) -> Stored:
    """A stream's state. Raises Rejected 404 when it has not begun."""
    return known(queries.one(service(), commune, subject))


def plain(stored: Stored) -> dict[str, Any]:
    """A state with its id and version; every field of it, also those that are left out where it is stored."""
    fields = {name: msgspec.to_builtins(getattr(stored.state, name)) for name in stored.state.__struct_fields__}
    return {"id": stored.subject.partition("/")[2], "version": stored.version, **fields}


def answer_one(stored: Stored, **more: Any) -> flask.Response:
    """One state with its ETag."""
    return as_json(plain(stored) | more, etag(stored.version))


def answer_all(commune: str, kind: str, name: str) -> flask.Response:
    """Every stream of a kind, as a list under `name`."""
    return as_json({name: [plain(stored) for stored in queries.all_of(service(), commune, kind)]})
