"""Command routes as tables: each row is a route that takes a body, executes one command and answers where it stands."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import flask
import msgspec

from shared.eventlog import Appended, Key, Log, StaleVersion
from shared.web.app import service
from shared.web.auth import Principal, action, principal
from shared.web.conditional import if_match
from shared.web.idempotency import idempotency_key
from shared.web.positions import recorded_at
from shared.web.problems import Rejected
from shared.web.schema import Blueprint, Schema

C = TypeVar("C", bound=msgspec.Struct)
Body = dict[str, Any]
Versioned = Literal["no", "begun", "always"]


class Handle(Protocol):
    """What a service hands its views: its own log, and its clock."""

    @property
    def log(self) -> Log: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...


class Execute(Protocol):
    """How every service takes a command. `if_match` is the version of the command's stream that it is based on."""

    def __call__(
        self,
        service: Any,
        principal: Principal,
        command: Any,
        /,
        *,
        commune: str,
        if_match: int | None = None,
        key: Key | None = None,
    ) -> Appended: ...


class Answered(Protocol):
    """The body and the headers that answer an executed command."""

    def __call__(self, done: Appended, command: Any, /) -> tuple[Body, dict[str, str]]: ...


class Change(NamedTuple):
    """A route that only executes a command: the ids in its address and the fields of its body are the command's.

    rule       the address behind the blueprint's prefix
    command    its name, in lowerCamel, is the operation's id
    summary    what it does, in one sentence
    action     the row of the role × action table
    makes      the id that the service gives to what the command creates
    answer     the schema of the answer, when it is not the table's
    versioned  does it need If-Match: `no`; for a stream that has `begun`; `always`
    status     of the answer, when it is not 201 for what `makes` and 200 otherwise
    """

    rule: str
    command: type[msgspec.Struct]
    body: type[Schema]
    summary: str
    action: str
    method: str = "POST"
    makes: str | None = None
    answer: type[Schema] | None = None
    versioned: Versioned = "no"
    status: int | None = None


def answered(done: Appended, _: object) -> tuple[Body, dict[str, str]]:
    """Where the command was recorded, and what it found out."""
    body: Body = {"commune": done.commune, "position": done.position}
    if done.result is not None:
        body["result"] = done.result
    handle: Handle = service()
    return body, recorded_at(handle.log.source, done.commune, done.position)


def add(
    blueprint: Blueprint,
    changes: Collection[Change],
    execute: Execute,
    *,
    answer: type[Schema],
    answered: Answered = answered,
) -> None:
    """Give a blueprint the routes of a table. `answer` is the schema of what `answered` makes."""
    for change in changes:
        _route(blueprint, change, execute, answer, answered)


def _route(blueprint: Blueprint, change: Change, execute: Execute, answer: type[Schema], answered: Answered) -> None:
    def view(body: Body, commune: str, **ids: Any) -> Any:
        if change.makes:
            ids[change.makes] = new_id()
        command = command_of(change.command, body, **ids)
        versioned: Versioned = "no" if change.makes else change.versioned
        return record(commune, command, execute, versioned=versioned, answered=answered)

    view.__doc__ = change.summary
    view.__name__ = operation_id(change.command)
    describe(view, change)
    decorated = action(change.action)(view)
    decorated = blueprint.response(_status(change), change.answer or answer)(decorated)
    decorated = blueprint.arguments(change.body)(decorated)
    blueprint.route(change.rule, methods=[change.method])(decorated)


def _status(change: Change) -> int:
    return change.status or (201 if change.makes else 200)


def record(
    commune: str,
    command: msgspec.Struct,
    execute: Execute,
    *,
    versioned: Versioned = "no",
    answered: Answered = answered,
) -> tuple[Body, dict[str, str]]:
    """Execute a command for the person who asks, and answer where it was recorded.

    Raises what `execute` raises; Rejected `if-match-required` (428) when the version is missing that must be named.
    """
    based_on = "If-Match" in flask.request.headers
    expected = None if versioned == "no" else if_match() if based_on or versioned == "always" else 0
    try:
        done = execute(service(), principal(), command, commune=commune, if_match=expected, key=idempotency_key())
    except StaleVersion:
        if based_on:
            raise
        raise Rejected("if-match-required") from None
    return answered(done, command)


def command_of(command: type[C], body: Mapping[str, Any], **more: Any) -> C:
    """A command of what a schema has checked."""
    return msgspec.convert({**body, **more}, command)


def new_id() -> str:
    """An id for what a command creates."""
    handle: Handle = service()
    return handle.log.new_id(handle.clock())


def operation_id(command: type[msgspec.Struct]) -> str:
    """`AssignTask` → `assignTask`: what a generated client calls the operation."""
    return command.__name__[0].lower() + command.__name__[1:]


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 200 printable ASCII characters; a request repeated with its key has one effect and one answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the version that the change is based on",
    "schema": {"type": "string"},
}
ETAG = {"description": "The version of what was changed", "schema": {"type": "string"}}
POSITION = {
    "description": "Where the command was recorded, as Cchc-Wait-For takes it",
    "schema": {"type": "string"},
}


def describe(view: Callable[..., Any], change: Change) -> None:
    """Put into the OpenAPI description what the decorators do not know: the operation's id, and the headers."""
    versioned = change.versioned != "no" and not change.makes
    parameters: list[dict[str, Any]] = [IDEMPOTENCY_KEY]
    if versioned:
        parameters.append({**IF_MATCH, "required": change.versioned == "always"})
    headers = {"Cchc-Position": POSITION} | ({"ETag": ETAG} if change.versioned != "no" else {})
    view.__dict__["_apidoc"] = {
        "manual_doc": {
            "operationId": operation_id(change.command),
            "parameters": parameters,
            "responses": {_status(change): {"headers": headers}},
        }
    }
