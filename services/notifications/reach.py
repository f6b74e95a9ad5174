"""How far everything is that reminding rests on: a commune whose records are behind waits, or its reminders would be
wrong."""

import logging
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, Table, func, select

from services.notifications import tables
from services.notifications.domain.records import Closed, Records
from services.notifications.service import Notifications
from services.notifications.views import PROJECTION
from shared.eventlog import EMPTY, EVERY_COMMUNE, reading
from shared.eventlog.feed import FeedError
from shared.events import local_day
from shared.projection import all_positions

logger = logging.getLogger(__name__)


class Basis(msgspec.Struct, frozen=True):
    """What a plan rests on besides the time: how far the records are by source, and the positions of the last policy
    and the last preferences."""

    records: dict[str, int]
    policy: int
    preferences: int


class Reach(msgspec.Struct, frozen=True):
    """What delivering rests on; `own` is the head of the service's log."""

    basis: Basis
    own: int


def replicas_are_filled(service: Notifications) -> bool:
    """Have the replicas come as far as their owners are now? A new one knows of assignments before it knows of the
    results, and would remind of tasks that were done long ago."""
    for source, owner_heads in service.owner_heads.items():
        try:
            ends = owner_heads()
        except FeedError as error:
            logger.warning("reminding waits for the owner of %s: %s", source, error)
            return False
        replica = service.logs[source]
        here, broken = replica.heads(), replica.broken()  # a broken one takes nothing more and waits for a person
        behind = {commune for commune, end in ends.items() if here.get(commune, EMPTY).position < end.position}
        if not broken.keys() >= behind:
            return False
    return True


def caught_up(service: Notifications, is_ours: Callable[[str], bool]) -> dict[str, Reach]:
    """Our communes whose records are as far as the logs here, with what they rest on."""
    heads = {source: service.logs[source].heads() for source in PROJECTION.sources}
    own = service.log.heads()
    reached = all_positions(service.engine, PROJECTION.name)
    with reading(service.engine, EVERY_COMMUNE) as connection:
        policies = _last_positions(connection, tables.policies)
        preferences = _last_positions(connection, tables.preferences)
    communes = {}
    for commune in filter(is_ours, heads["tasks"]):
        at = reached.get(commune, {})
        ready = all(
            source in at
            and at[source].fold_version == PROJECTION.fold_version
            and at[source].position >= ends.get(commune, EMPTY).position
            for source, ends in heads.items()
        )
        if ready:
            records = {source: position.position for source, position in at.items()}
            basis = Basis(records, policies.get(commune, 0), preferences.get(commune, 0))
            communes[commune] = Reach(basis, own.get(commune, EMPTY).position)
    return communes


def _last_positions(connection: Connection, table: Table) -> dict[str, int]:
    rows = connection.execute(select(table.c.commune, func.max(table.c.position)).group_by(table.c.commune))
    return {row[0]: row[1] for row in rows}


def is_closed(records: Records, at: str) -> bool:
    """Is the commune's last day over?"""
    record = records.get("commune", records.commune)
    closings = [moment.data.on for moment in record.moments if isinstance(moment, Closed)] if record else []
    return any(on < local_day(at) for on in closings)
