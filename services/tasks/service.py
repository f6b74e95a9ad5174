"""The handle of the tasks service: its database, its log with the states of its streams, its evidence folder."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine

from services.tasks import views
from services.tasks.domain import refusals
from services.tasks.domain.context import canonical
from services.tasks.elsewhere import EraseElsewhere, nowhere
from shared.eventlog import Log, utcnow
from shared.eventlog.database import read_together
from shared.events import format_time, local_day, uuid7


class Neighbours(NamedTuple):
    """A commune's staff, units, directives and calendars as of the event that last changed one of them."""

    position: int
    states: Mapping[str, Any]


class Tasks(msgspec.Struct, frozen=True):
    """What the tasks service works with.

    `logs` holds its own log only; `evidence` is the folder of files by hash; `neighbours` remembers, by commune, what
    changes seldom and every decision looks at. `erase_elsewhere` erases what other services keep of a person; an
    upload is kept for `uploads_kept` after it was last looked at.
    """

    engine: Engine
    logs: Mapping[str, Log]
    evidence: Path
    clock: Callable[[], datetime]
    erase_elsewhere: EraseElsewhere = nowhere
    uploads_kept: timedelta = timedelta(days=1)
    neighbours: dict[str, Neighbours] = msgspec.field(default_factory=dict)

    @property
    def log(self) -> Log:
        return self.logs["tasks"]

    @property
    def today(self) -> date:
        """The day in Vietnam."""
        return local_day(format_time(self.clock()))

    def new_id(self) -> str:
        return self.log.new_id(self.clock())

    def roles_of(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of the post a person is in today; none when in no post."""
        [rows] = read_together(self.engine, commune, *views.reads(commune, {f"staff/{canonical(staff)}"}))
        post = next((stored.state.post_on(self.today) for stored in views.decoded(rows)), None)
        return frozenset(post.roles if post else ())

    def roles_in_force(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of the post a person is in today. Refuses: in no post."""
        roles = self.roles_of(commune, staff)
        if not roles:
            raise refusals.NOT_IN_POST(staff=staff)
        return roles


def open_tasks(
    engine: Engine,
    evidence: Path,
    *,
    clock: Callable[[], datetime] = utcnow,
    new_id: Callable[[datetime], str] = uuid7,
    erase_elsewhere: EraseElsewhere = nowhere,
    uploads_kept: timedelta = timedelta(days=1),
) -> Tasks:
    """The service on a migrated database."""
    log = Log(engine, "tasks", clock=clock, new_id=new_id, on_append=views.apply)
    return Tasks(engine, {"tasks": log}, evidence, clock, erase_elsewhere, uploads_kept)
