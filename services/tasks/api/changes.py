"""Command routes of the tasks service: rows of a table, and what answers an executed command."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from services.tasks.commands import execute
from services.tasks.domain.context import Command
from services.tasks.domain.decisions import HANDLERS
from services.tasks.domain.streams import kind_of
from services.tasks.schemas import Recorded
from shared.eventlog import Appended, Transaction
from shared.web import changes
from shared.web.changes import Change
from shared.web.conditional import etag
from shared.web.positions import recorded_at
from shared.web.schema import Blueprint, Schema

Answer = tuple[dict[str, Any], dict[str, str]]


def change(
    rule: str,
    command: type[Command],
    body: type[Schema],
    summary: str,
    method: str = "POST",
    *,
    makes: str | None = None,
    operation: str | None = None,
) -> Change:
    """A row: a stream that has begun is changed only with If-Match. `makes` and `operation` are those of Change."""
    action = HANDLERS[command].action
    return Change(rule, command, body, summary, action, method, makes, versioned="begun", operation=operation)


def add(blueprint: Blueprint, rows: Collection[Change]) -> None:
    """Give a blueprint the routes of a table. The commands authorise themselves, in the transaction that they write."""
    changes.add(blueprint, rows, execute, answer=Recorded, answered=answered, authorised_by_command=True)


def record(
    commune: str,
    command: Command,
    *,
    new: bool = False,
    outside_log: Callable[[Transaction], None] | None = None,
) -> Answer:
    """Execute a command and answer where it was recorded.

    A stream that has begun is changed only with If-Match: Rejected `if-match-required` (428), or StaleVersion (412).
    """
    run = partial(execute, outside_log=outside_log)
    return changes.record(commune, command, run, versioned="no" if new else "begun", answered=answered)


def answered(done: Appended, command: Command) -> Answer:
    """Where a command was recorded; a repeated request names the stream that the first one made."""
    return recorded(done, HANDLERS[type(command)].stream.kind)


def recorded(done: Appended, kind: str, otherwise: str = "") -> Answer:
    """The stream of this kind that a command concerned, with its version; `otherwise` when nothing was recorded."""
    # The answer that an earlier release stored for a repeated request does not name the stream.
    named = done.result or next((subject for subject in done.versions if kind_of(subject) == kind), otherwise)
    subject: str = named if done.versions or not otherwise else otherwise
    version = done.versions.get(subject, 0)
    body = {
        "commune": done.commune,
        "position": done.position,
        "id": subject.partition("/")[2],
        "version": version,
        "versions": done.versions,
    }
    return body, {**etag(version), **recorded_at("tasks", done.commune, done.position)}
