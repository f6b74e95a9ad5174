"""The commands of reminding: authorise, read, decide, append to the service's own log."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, delete, select

from services.notifications import tables
from services.notifications.domain.audience import Concerned, Roll
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.policy import URGE, validate
from services.notifications.domain.standing import standing
from services.notifications.reminders import Endpoint, addresses, endpoints, occurrence, policies, preferences
from services.notifications.views import of_tasks, require_person
from shared.eventlog import Appended, Decision, Key, StaleVersion, Transaction, reading, writing
from shared.eventlog.database import run
from shared.events import (
    PolicyPublished,
    PreferencesChanged,
    ReminderAcknowledged,
    ReminderQueued,
    ReminderSentByHand,
    Span,
    format_time,
)
from shared.refusal import Refused

if TYPE_CHECKING:
    from services.notifications.service import Notifications

URGERS = frozenset({"chair", "vice_chair", "office"})


class Asking(msgspec.Struct, frozen=True):
    """Who acts: `actor` types it, `staff` is who they are in the commune (None: an operator), with their roles."""

    actor: str
    staff: str | None
    roles: frozenset[str]

    def person(self) -> str:
        """Refuses `staff-only`: only somebody in post can do this."""
        if self.staff is None:
            raise Refused("staff-only")
        return self.staff


class Urging(msgspec.Struct, frozen=True, kw_only=True):
    tasks: Sequence[str]
    note: str | None = None


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    channels: dict[str, bool]
    digest: bool = False
    quiet: list[Span] | None = None


def acknowledge(
    service: "Notifications", commune: str, asking: Asking, reminder: str, key: Key | None = None
) -> Appended:
    """The recipient has seen it. Again it changes nothing. Refuses `reminder-unknown`, `reminder-of-another`."""
    person = asking.person()

    def decide(tx: Transaction) -> Decision:
        found = occurrence(tx.connection, commune, reminder)
        if found is None:
            raise Refused("reminder-unknown", reminder=reminder)
        if found.recipient != person:
            raise Refused("reminder-of-another")
        if found.acknowledged_at:
            return Decision([])
        return Decision([ReminderAcknowledged(reminder=reminder, by=person)])

    return service.log.append(commune, decide, actor=asking.actor, key=key)


def sent_by_hand(
    service: "Notifications", commune: str, asking: Asking, reminder: str, key: Key | None = None
) -> Appended:
    """The Office told the person itself after all attempts. Refuses `reminder-unknown`, `reminder-not-failed`."""

    def decide(tx: Transaction) -> Decision:
        found = occurrence(tx.connection, commune, reminder)
        if found is None:
            raise Refused("reminder-unknown", reminder=reminder)
        if found.state != "failed":
            raise Refused("reminder-not-failed", reminder=reminder)
        return Decision([ReminderSentByHand(reminder=reminder, at=tx.time, by=asking.person())])

    return service.log.append(commune, decide, actor=asking.actor, key=key)


def urge(service: "Notifications", commune: str, asking: Asking, urging: Urging, key: Key | None = None) -> Appended:
    """Remind the leads of these tasks now, with a note; once for each task, person, channel and day.

    The result tells for each task what was done: `queued`, `urged_today`, or why not (`unknown`, the status of a task
    that is not open).
    """
    by = asking.person()
    wanted_tasks = list(dict.fromkeys(urging.tasks))

    def decide(tx: Transaction) -> Decision:
        known = of_tasks(tx.connection, commune, wanted_tasks)
        roll = Roll(known, tx.today, tx.time)
        chosen = preferences(tx.connection, commune)
        reachable = frozenset(addresses(tx.connection, commune, "apprise"))
        outcome: dict[str, str] = {}
        events: list[ReminderQueued] = []
        for task in wanted_tasks:
            record = known.tasks.get(task)
            now = standing(record, tx.time) if record else None
            if record is None or now is None:
                outcome[task] = "unknown"
                continue
            if now.status != "open":
                outcome[task] = now.status
                continue
            queued = [
                each
                for recipient in roll.recipients(["lead"], Concerned(lead=record.lead))
                for channel in _channels(service, chosen.get(recipient), recipient in reachable)
                if not _is_queued(tx.connection, commune, each := _urged(task, tx.today, recipient, channel, tx.time))
            ]
            outcome[task] = "queued" if queued else "urged_today"
            events += [_queue(commune, each, now.due_version, by, urging.note) for each in queued]
        return Decision(events, [{"task": task, "outcome": told} for task, told in outcome.items()])

    return service.log.append(commune, decide, actor=asking.actor, key=key)


def _channels(service: "Notifications", chosen: PreferencesChanged | None, reachable: bool) -> list[str]:
    off = {name for name, wanted in chosen.channels.items() if not wanted} if chosen else set()
    offered = [name for name in ("email", "apprise") if name in service.channels.names and name not in off]
    return ["inbox", *(name for name in offered if name != "apprise" or reachable)]


def _urged(task: str, on: date, recipient: str, channel: str, at: str) -> Wanted:
    return Wanted(
        about=f"task/{task}",
        rule=URGE,
        run_on=on,
        recipient=recipient,
        channel=channel,  # type: ignore[arg-type]
        urgency="immediate",
        wanted_at=at,
    )


def _is_queued(connection: Connection, commune: str, wanted: Wanted) -> bool:
    return occurrence(connection, commune, wanted.id(commune)) is not None


def _queue(commune: str, each: Wanted, due_version: int, by: str, note: str | None) -> ReminderQueued:
    return ReminderQueued(
        reminder=each.id(commune),
        about=each.about,
        rule=each.rule,
        run_on=each.run_on,
        recipient=each.recipient,
        channel=each.channel,
        urgency=each.urgency,
        due_version=due_version,
        by=by,
        note=note,
    )


# Policy and preferences


def publish_policy(
    service: "Notifications",
    commune: str,
    asking: Asking,
    policy: PolicyPublished,
    *,
    version: int,
    key: Key | None = None,
) -> Appended:
    """A revision of the policy, from now on. `version` is that of the policy stream it is based on: 412 when stale."""
    revised = msgspec.structs.replace(policy, by=asking.person())

    def decide(tx: Transaction) -> Decision:
        if tx.version("policy") != version:
            raise StaleVersion("policy", version, tx.version("policy"))
        validate(revised, [each.policy for _, each in policies(tx.connection, commune)])
        return Decision([revised])

    return service.log.append(commune, decide, actor=asking.actor, key=key)


def change_preferences(
    service: "Notifications", commune: str, asking: Asking, staff: str, chosen: Preferences, key: Key | None = None
) -> Appended:
    """What a person wants; by themselves or by the Office. Refuses `preferences-of-another`, `staff-unknown`,
    `channel-unknown`, `inbox-stays`."""
    by = asking.person()
    if staff != by and "office" not in asking.roles:
        raise Refused("preferences-of-another")
    for channel, wanted in chosen.channels.items():
        if channel not in ("inbox", "email", "apprise"):
            raise Refused("channel-unknown", channel=channel)
        if channel == "inbox" and not wanted:
            raise Refused("inbox-stays")

    def decide(tx: Transaction) -> Decision:
        require_person(tx.connection, commune, staff)
        changed = PreferencesChanged(
            staff=staff, channels=chosen.channels, digest=chosen.digest, quiet=chosen.quiet, by=by
        )
        return Decision([changed])

    return service.log.append(commune, decide, actor=asking.actor, key=key)


# Beside the log: addresses of people, endpoints of other systems


def save_address(service: "Notifications", commune: str, asking: Asking, channel: str, address: str) -> None:
    """Where somebody is reached by a channel that has addresses of its own. Refuses `channel-without-addresses`."""
    if channel != "apprise":
        raise Refused("channel-without-addresses", channel=channel)
    row = (commune, asking.person(), channel, address)
    with writing(service.engine, commune) as connection:
        run(connection, _SAVE_ADDRESS, row)


_SAVE_ADDRESS = (
    "INSERT INTO addresses (commune, staff, channel, address) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (commune, staff, channel) DO UPDATE SET address = excluded.address"
)


def erase_address(service: "Notifications", commune: str, asking: Asking, channel: str) -> None:
    c = tables.addresses.c
    mine = (c.commune == commune, c.staff == asking.person(), c.channel == channel)
    with writing(service.engine, commune) as connection:
        connection.execute(delete(tables.addresses).where(*mine))


def add_endpoint(
    service: "Notifications", commune: str, url: str, rules: Sequence[str], new_secret: Callable[[], str]
) -> Endpoint:
    """A new endpoint for webhooks, with its secret, which is told this once."""
    now = service.clock()
    endpoint = Endpoint(
        endpoint=service.log.new_id(now), url=url, secret=new_secret(), rules=list(rules), created_at=format_time(now)
    )
    with writing(service.engine, commune) as connection:
        connection.execute(
            tables.endpoints.insert().values(
                commune=commune,
                endpoint=endpoint.endpoint,
                url=url,
                secret=endpoint.secret,
                rules=msgspec.json.encode(endpoint.rules).decode(),
                created_at=endpoint.created_at,
            )
        )
    return endpoint


def remove_endpoint(service: "Notifications", commune: str, endpoint: str) -> None:
    """Refuses `endpoint-unknown`."""
    _must_know(service, commune, endpoint)
    c = tables.endpoints.c
    with writing(service.engine, commune) as connection:
        connection.execute(delete(tables.endpoints).where(c.commune == commune, c.endpoint == endpoint))


def enable_endpoint(service: "Notifications", commune: str, endpoint: str) -> None:
    """Take it into use again after it was disabled (410). Refuses `endpoint-unknown`."""
    _must_know(service, commune, endpoint)
    c = tables.endpoints.c
    with writing(service.engine, commune) as connection:
        connection.execute(
            tables.endpoints.update()
            .where(c.commune == commune, c.endpoint == endpoint)
            .values(disabled_at=None, disabled_reason=None)
        )


def _must_know(service: "Notifications", commune: str, endpoint: str) -> None:
    with reading(service.engine, commune) as connection:
        if endpoint not in {each.endpoint for each in endpoints(connection, commune, disabled=True)}:
            raise Refused("endpoint-unknown", endpoint=endpoint)


def address_of(service: "Notifications", commune: str, staff: str, channel: str) -> str | None:
    c = tables.addresses.c
    mine = (c.commune == commune, c.staff == staff, c.channel == channel)
    with reading(service.engine, commune) as connection:
        return connection.execute(select(c.address).where(*mine)).scalar_one_or_none()
