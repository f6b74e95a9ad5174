"""What every route needs: the service, a stream or 404, and its state as an answer."""

from typing import Any, TypeVar

import msgspec

from services.tasks import answers, queries
from services.tasks.service import Tasks
from services.tasks.views import Stored
from shared.web import app
from shared.web.conditional import etag
from shared.web.problems import Rejected

PREFIX = "/communes/<commune>"
Found = TypeVar("Found")
Versioned = tuple[msgspec.Struct, dict[str, str]]


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


def answer_one(answer: type[msgspec.Struct], stored: Stored, **more: Any) -> Versioned:
    """One state with its ETag."""
    return answers.state(answer, stored, **more), etag(stored.version)


def answer_all(commune: str, kind: str, answer: type[msgspec.Struct], listed: type[msgspec.Struct]) -> msgspec.Struct:
    """Every stream of a kind, each as an `answer`, in the only field of `listed`."""
    [name] = listed.__struct_fields__
    return listed(**{name: [answers.state(answer, stored) for stored in queries.all_of(service(), commune, kind)]})
