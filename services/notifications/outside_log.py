"""What the service keeps outside the log, so that it can be erased: people's addresses, endpoints of other systems,
the documents of slips. No event records a change of it: the journal does; of a slip, its event has the hash."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select

from services.notifications import tables
from services.notifications.channels.interface import Undeliverable
from services.notifications.channels.webhooks import new_secret
from services.notifications.domain import refusals
from shared import journal
from shared.eventlog import reading, writing
from shared.eventlog.database import leave_nothing, run
from shared.eventlog.spending import spend
from shared.events import format_time
from shared.journal import kinds

if TYPE_CHECKING:
    from services.notifications.service import Notifications

# The one channel whose addresses are kept here: e-mail goes to the address in the staff record.
WITH_ADDRESSES = "apprise"


# Addresses of people


def addresses(connection: Connection, commune: str, channel: str = WITH_ADDRESSES) -> dict[str, str]:
    """Where people are reached by a channel that has addresses of its own, by staff id."""
    c = tables.addresses.c
    rows = connection.execute(select(c.staff, c.address).where(c.commune == commune, c.channel == channel))
    return {row.staff: row.address for row in rows}


def address_of(service: "Notifications", commune: str, staff: str, channel: str) -> str | None:
    with reading(service.engine, commune) as connection:
        return connection.execute(
            select(tables.addresses.c.address).where(*_address(commune, staff, channel))
        ).scalar_one_or_none()


def save_address(service: "Notifications", commune: str, staff: str, channel: str, address: str) -> None:
    """Keep where a person is reached. Refuses `channel-without-addresses`."""
    if channel != WITH_ADDRESSES:
        raise refusals.CHANNEL_WITHOUT_ADDRESSES(channel=channel)
    with writing(service.engine, commune) as connection:
        run(connection, _SAVE_ADDRESS, (commune, staff, channel, address))
        journal.record(connection, commune, kinds.ADDRESS_SAVED, [f"staff/{staff}"], {"channel": channel})


_SAVE_ADDRESS = (
    "INSERT INTO addresses (commune, staff, channel, address) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (commune, staff, channel) DO UPDATE SET address = excluded.address"
)


def erase_address(service: "Notifications", commune: str, staff: str, channel: str) -> None:
    with writing(service.engine, commune) as connection:
        erased = connection.execute(delete(tables.addresses).where(*_address(commune, staff, channel)))
        if erased.rowcount:
            journal.record(connection, commune, kinds.ADDRESS_ERASED, [f"staff/{staff}"], {"channel": channel})
    leave_nothing(service.engine, ("addresses",))


def _address(commune: str, staff: str, channel: str) -> tuple[Any, ...]:
    c = tables.addresses.c
    return c.commune == commune, c.staff == staff, c.channel == channel


# Endpoints of other systems


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where another system takes reminders; `rules` empty means all of them. Times are RFC 3339 in UTC."""

    endpoint: str
    url: str
    secret: str
    rules: list[str]
    created_at: str
    disabled_at: str | None = None
    disabled_reason: str | None = None


_ENDPOINT = [column for column in tables.endpoints.c if column.name != "commune"]


def endpoints(connection: Connection, commune: str, *, disabled: bool = False) -> list[Endpoint]:
    """The webhook endpoints that take reminders; with `disabled` also those that no longer do."""
    c = tables.endpoints.c
    query = select(*_ENDPOINT).where(c.commune == commune).order_by(c.created_at, c.endpoint)
    if not disabled:
        query = query.where(c.disabled_at.is_(None))
    return [
        Endpoint(**{**row._mapping, "rules": msgspec.json.decode(row.rules, type=list[str])})
        for row in connection.execute(query)
    ]


def add_endpoint(service: "Notifications", commune: str, url: str, rules: Sequence[str]) -> Endpoint:
    """A new endpoint with its secret, which is shown this once. Refuses `endpoint-url`."""
    try:
        service.channels.check_webhook(url)
    except Undeliverable as error:
        raise refusals.ENDPOINT_URL(reason=error.reason) from error
    now = service.clock()
    endpoint = Endpoint(
        endpoint=service.log.new_id(now), url=url, secret=new_secret(), rules=list(rules), created_at=format_time(now)
    )
    with writing(service.engine, commune) as connection:
        connection.execute(
            insert(tables.endpoints).values(
                commune=commune,
                endpoint=endpoint.endpoint,
                url=url,
                secret=endpoint.secret,
                rules=msgspec.json.encode(endpoint.rules).decode(),
                created_at=endpoint.created_at,
            )
        )
        journal.record(connection, commune, kinds.ENDPOINT_ADDED, [f"endpoint/{endpoint.endpoint}"])
    return endpoint


def remove_endpoint(service: "Notifications", commune: str, endpoint: str) -> None:
    """Refuses `endpoint-unknown`."""
    _must_know(service, commune, endpoint)
    c = tables.endpoints.c
    with writing(service.engine, commune) as connection:
        connection.execute(delete(tables.endpoints).where(c.commune == commune, c.endpoint == endpoint))
        journal.record(connection, commune, kinds.ENDPOINT_REMOVED, [f"endpoint/{endpoint}"])
    leave_nothing(service.engine, ("endpoints",))


def enable_endpoint(service: "Notifications", commune: str, endpoint: str) -> None:
    """Use an endpoint again that was disabled because it answered 410. Refuses `endpoint-unknown`."""
    _must_know(service, commune, endpoint)
    c = tables.endpoints.c
    with writing(service.engine, commune) as connection:
        connection.execute(
            tables.endpoints.update()
            .where(c.commune == commune, c.endpoint == endpoint)
            .values(disabled_at=None, disabled_reason=None)
        )
        journal.record(connection, commune, kinds.ENDPOINT_ENABLED, [f"endpoint/{endpoint}"])


def _must_know(service: "Notifications", commune: str, endpoint: str) -> None:
    with reading(service.engine, commune) as connection:
        if endpoint not in {known.endpoint for known in endpoints(connection, commune, disabled=True)}:
            raise refusals.ENDPOINT_UNKNOWN(endpoint=endpoint)


# Documents of slips


class SlipFile(NamedTuple):
    """The document of a slip, and the staff ids of those whom it names: by these it is erased, as names change."""

    slip: str
    document: bytes
    people: frozenset[str]


def save_slips(connection: Connection, commune: str, files: Sequence[SlipFile]) -> None:
    """Raises Rejected (429): they are more than a day's files."""
    spend(files=sum(len(file.document) for file in files))
    rows = [
        {"commune": commune, "slip": slip, "body": document, "people": _marked(people)}
        for slip, document, people in files
    ]
    connection.execute(insert(tables.slip_files), rows)


def slips_naming(connection: Connection, commune: str, staff: str) -> list[str]:
    """The slips whose stored documents are known to name a person."""
    c = tables.slip_files.c
    rows = connection.execute(select(c.slip, c.people).where(c.commune == commune, c.people.is_not(None)))
    return [row.slip for row in rows if _marked((staff,)) in row.people]


def slips_of_earlier_releases(connection: Connection, commune: str) -> dict[str, bytes]:
    """The documents of which nobody kept whom they name, by the ids of their slips."""
    c = tables.slip_files.c
    rows = connection.execute(select(c.slip, c.body).where(c.commune == commune, c.people.is_(None)))
    return {row.slip: bytes(row.body) for row in rows}


def erase_slips(connection: Connection, commune: str, slips: Collection[str]) -> None:
    """Their hashes stay in the log, so that a printed one can still be checked."""
    c = tables.slip_files.c
    connection.execute(delete(tables.slip_files).where(c.commune == commune, c.slip.in_(slips)))
    journal.record(connection, commune, kinds.SLIPS_ERASED, [f"slip/{slip}" for slip in slips])


def _marked(people: Iterable[str]) -> str:
    return "".join(["|", *(f"{staff}|" for staff in sorted(people))])


def slip_document(connection: Connection, commune: str, slip: str) -> bytes | None:
    c = tables.slip_files.c
    body = connection.execute(select(c.body).where(c.commune == commune, c.slip == slip)).scalar()
    return None if body is None else bytes(body)
