"""What is read of reminding: occurrences, the policy and its revisions, preferences, where to reach people; the view
that planning looks at. All of it is of one commune."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from services.notifications import tables
from services.notifications.domain.occurrence import Occurrence, State
from services.notifications.domain.plan import Rung, View
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import Records
from services.notifications.views import running
from shared.eventlog import snapshot
from shared.events import PolicyPublished, PreferencesChanged

if TYPE_CHECKING:
    from services.notifications.service import Notifications

# Before every recorded time.
EVER = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where another system takes reminders; `rules` empty means all of them. Times are RFC 3339 in UTC."""

    endpoint: str
    url: str
    secret: str
    rules: list[str]
    created_at: str
    disabled_at: str | None = None
    disabled_reason: str | None = None


OCCURRENCE = [column for column in tables.occurrences.c if column.name != "commune"]


def occurrences(
    connection: Connection,
    commune: str,
    *,
    states: Collection[State] = (),
    about: str | None = None,
    recipient: str | None = None,
    channel: str | None = None,
    rule: str | None = None,
    unread: bool = False,
    first: date | None = None,
    last: date | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[Occurrence]:
    """Reminders by (queued_at, reminder); those left out of account are not asked about. `first` and `last` bound
    run_on, `after` is the (queued_at, reminder) of the last one of the page before."""
    c = tables.occurrences.c
    query = select(*OCCURRENCE).where(c.commune == commune).order_by(c.queued_at, c.reminder).limit(limit)
    for column, value in ((c.about, about), (c.recipient, recipient), (c.channel, channel), (c.rule, rule)):
        if value is not None:
            query = query.where(column == value)
    if unread:
        query = query.where(c.acknowledged_at.is_(None))
    if states:
        query = query.where(c.state.in_(states))
    if first is not None:
        query = query.where(c.run_on >= first.isoformat())
    if last is not None:
        query = query.where(c.run_on <= last.isoformat())
    if after is not None:
        query = query.where((c.queued_at > after[0]) | ((c.queued_at == after[0]) & (c.reminder > after[1])))
    return [occurrence_of(row._mapping) for row in connection.execute(query)]


def occurrence(connection: Connection, commune: str, reminder: str) -> Occurrence | None:
    """One reminder by its id."""
    c = tables.occurrences.c
    row = connection.execute(select(*OCCURRENCE).where(c.commune == commune, c.reminder == reminder)).one_or_none()
    return occurrence_of(row._mapping) if row else None


def occurrence_of(row: RowMapping | Mapping[str, Any]) -> Occurrence:
    """A reminder from its row."""
    return Occurrence(**{**row, "run_on": date.fromisoformat(row["run_on"])})


def rungs_queued(connection: Connection, commune: str, at: str | None = None) -> set[Rung]:
    """What was queued (by a time): it is never wanted again."""
    c = tables.occurrences.c
    query = select(c.about, c.rule, c.due_version, c.recipient, c.channel).where(c.commune == commune)
    if at is not None:
        query = query.where(c.queued_at <= at)
    return {tuple(row) for row in connection.execute(query)}


def policies(connection: Connection, commune: str, at: str | None = None) -> list[tuple[str, PolicyPublished]]:
    """The revisions of the policy (by a time) with the time of each, the first one first."""
    c = tables.policies.c
    query = select(c.time, c.body).where(c.commune == commune).order_by(c.position)
    if at is not None:
        query = query.where(c.time <= at)
    return [(row.time, _POLICY.decode(row.body)) for row in connection.execute(query)]


def policy_in_force(revisions: Sequence[tuple[str, PolicyPublished]], at: str) -> PolicyPublished:
    """The last revision by a time; before the first the default one, which is what the first will be."""
    return next((policy for time, policy in reversed(revisions) if time <= at), None) or default_policy()


def preferences(connection: Connection, commune: str, at: str | None = None) -> dict[str, PreferencesChanged]:
    """What people last chose (by a time), by staff id."""
    c = tables.preferences.c
    query = select(c.staff, c.body).where(c.commune == commune).order_by(c.position)
    if at is not None:
        query = query.where(c.time <= at)
    return {row.staff: _PREFERENCES.decode(row.body) for row in connection.execute(query)}


_POLICY = msgspec.json.Decoder(PolicyPublished)
_PREFERENCES = msgspec.json.Decoder(PreferencesChanged)


def addresses(connection: Connection, commune: str, channel: str) -> dict[str, str]:
    """Where people are reached by a channel that has addresses of its own, by staff id."""
    c = tables.addresses.c
    rows = connection.execute(select(c.staff, c.address).where(c.commune == commune, c.channel == channel))
    return {row.staff: row.address for row in rows}


def endpoints(connection: Connection, commune: str, *, disabled: bool = False) -> list[Endpoint]:
    """The webhook endpoints that take reminders; with `disabled` also those that do so no more."""
    c = tables.endpoints.c
    query = select(*_ENDPOINT).where(c.commune == commune).order_by(c.created_at, c.endpoint)
    if not disabled:
        query = query.where(c.disabled_at.is_(None))
    return [
        Endpoint(**{**row._mapping, "rules": msgspec.json.decode(row.rules, type=list[str])})
        for row in connection.execute(query)
    ]


_ENDPOINT = [column for column in tables.endpoints.c if column.name != "commune"]


def view_at(
    notifications: "Notifications", commune: str, at: str, *, since: str = EVER, queued_later: bool = False
) -> View:
    """What is known of a commune for planning at a time (RFC 3339 in UTC): its records without the tasks that had come
    to their end by `since`, and of its own log what was recorded by `at`. `queued_later`: what was queued after `at`
    counts as queued too, as it does for whoever plans live."""
    with snapshot(notifications.engine, commune) as connection:
        records: Records = running(connection, commune, since)
        return View(
            records=records,
            policies=policies(connection, commune, at),
            preferences=preferences(connection, commune, at),
            channels=notifications.channels.names,
            endpoints=[(endpoint.endpoint, endpoint.rules) for endpoint in endpoints(connection, commune)],
            addresses=frozenset(addresses(connection, commune, "apprise")),
            seen=rungs_queued(connection, commune, None if queued_later else at),
        )
