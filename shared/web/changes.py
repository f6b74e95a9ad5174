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
from shared.web.openapi import ETAG, IF_MATCH, KEY, POSITION
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
    command    its name, in lowerCamel, is the operation's id: `AssignTask` → `assignTask`
    summary    what it does, in one sentence
    action     the row of the role × action table
    makes      the id that the service gives to what the command creates
    answer     the schema of the answer, when it is not the table's
    versioned  does it need If-Match: `no`; for a stream that has `begun`; `always`
    status     of the answer, when it is not 201 for what `makes` and 200 otherwise
    operation  the name of the operation, for a command that has two routes
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
    operation: str | None = None


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
    authorised_by_command: bool = False,
) -> None:
    """Give a blueprint the routes of a table. `answer` is the schema of what `answered` makes.

    `authorised_by_command`: `execute` looks up the roles of today's post itself, in the transaction that it writes.
    """
    for change in changes:
        view = _view(change, execute, answered)
        decorated = action(change.action, by_command=authorised_by_command)(view)
        decorated = blueprint.answers(_status(change), change.answer or answer, headers=_headers(change))(decorated)
        decorated = blueprint.takes(*_takes(change))(decorated)
        decorated = blueprint.arguments(change.body)(decorated)
        blueprint.route(change.rule, methods=[change.method])(decorated)


def _view(change: Change, execute: Execute, answered: Answered) -> Callable[..., Any]:
    def view(body: Body, commune: str, **ids: Any) -> Any:
        if change.makes:
            ids[change.makes] = new_id()
        command = command_of(change.command, body, **ids)
        versioned: Versioned = "no" if change.makes else change.versioned
        return record(commune, command, execute, versioned=versioned, answered=answered)

    view.__dict__["cchc_command"] = change.command
    view.__doc__ = change.summary
    view.__name__ = change.operation or change.command.__name__
    return view


def _takes(change: Change) -> list[str]:
    return [KEY] if change.versioned == "no" or change.makes else [KEY, IF_MATCH]


def _headers(change: Change) -> list[str]:
    return [POSITION] if change.versioned == "no" else [POSITION, ETAG]


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
