"""From a request's body to a command and back: what all routes of commands share."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import flask
import msgspec

from services.tasks.api.request import service
from services.tasks.commands import execute
from services.tasks.domain import decisions
from services.tasks.domain.context import Command
from services.tasks.domain.streams import kind_of
from services.tasks.schemas import Recorded
from shared.eventlog import Appended, StaleVersion, Transaction
from shared.web.auth import action, principal
from shared.web.conditional import etag, if_match
from shared.web.idempotency import idempotency_key
from shared.web.openapi import ETAG, IF_MATCH, KEY, POSITION
from shared.web.positions import recorded_at
from shared.web.problems import Rejected
from shared.web.schema import Blueprint, Schema


class Change(NamedTuple):
    """A route that only records a command: the ids in its address and the fields of its body are the command's.

    `makes` names the id that the service gives, `operation` the route when another one has the same command.
    """

    rule: str
    command: type[Command]
    body: type[Schema]
    summary: str
    method: str = "POST"
    makes: str | None = None
    operation: str | None = None


def add(blueprint: Blueprint, changes: Collection[Change]) -> None:
    """Give a blueprint the routes of a table."""
    for change in changes:
        _route(blueprint, change)


def _route(blueprint: Blueprint, change: Change) -> None:
    def view(body: dict[str, Any], commune: str, **ids: Any) -> Any:
        if change.makes:
            ids[change.makes] = service().new_id()
        return record(commune, command_of(change.command, body, **ids), new=bool(change.makes))

    view.__doc__ = change.summary
    view.__name__ = change.operation or change.command.__name__
    decorated = action(decisions.HANDLERS[change.command].action)(view)
    decorated = blueprint.answers(201 if change.makes else 200, Recorded, headers=[ETAG, POSITION])(decorated)
    decorated = blueprint.takes(*([KEY] if change.makes else [KEY, IF_MATCH]))(decorated)
    decorated = blueprint.arguments(change.body)(decorated)
    blueprint.route(change.rule, methods=[change.method])(decorated)


def command_of(command: type[Command], body: Mapping[str, Any], **more: Any) -> Any:
    """A command of what a schema has checked."""
    return msgspec.convert({**body, **more}, command)


def record(
    commune: str,
    command: Command,
    *,
    new: bool = False,
    outside_log: Callable[[Transaction], None] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Execute a command and answer where it was recorded.

    A stream that has begun is changed only with If-Match: Rejected `if-match-required` (428), or StaleVersion (412).
    """
    based_on = "If-Match" in flask.request.headers
    expected = None if new else if_match() if based_on else 0
    try:
        done = execute(
            service(),
            principal(),
            command,
            commune=commune,
            if_match=expected,
            key=idempotency_key(),
            outside_log=outside_log,
        )
    except StaleVersion:
        if based_on:
            raise
        raise Rejected("if-match-required") from None
    return answered(done, decisions.HANDLERS[type(command)].stream.subject(command, commune))


def answered(done: Appended, subject: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer of a command; a repeated one names the stream that the first made."""
    kind = kind_of(subject)
    if subject not in done.versions:
        subject = next((one for one in done.versions if kind_of(one) == kind), subject)
    version = done.versions.get(subject, 0)
    body = {
        "commune": done.commune,
        "position": done.position,
        "id": subject.partition("/")[2],
        "version": version,
        "versions": done.versions,
    }
    return body, {**etag(version), **recorded_at("tasks", done.commune, done.position)}
