"""The handle of the notifications service: its database, the logs it folds, its own log, its channels."""

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random, SystemRandom

import msgspec
from sqlalchemy import Engine

from services.notifications import views
from services.notifications.channels.interface import Channels
from services.notifications.domain.people import posts_on
from services.notifications.views import PROJECTION, of_kinds
from shared.eventlog import Head, Log, reading, utcnow
from shared.events import format_time, local_day, uuid7
from shared.projection import all_positions
from shared.refusals import NOT_IN_POST
from shared.web.positions import Reached

OwnerHeads = Callable[[], Mapping[str, Head]]

CHANCE = SystemRandom()


class Notifications(msgspec.Struct, frozen=True):
    """What the service works with. `logs` holds the logs of tasks and scoring (replicas, or the owners' own when
    embedded) and its own; `channels` the last hops that this installation has and the directory of addresses;
    `owner_heads` asks the owners of replicas, by source, how long their logs are. `chance` makes workers differ."""

    engine: Engine
    logs: Mapping[str, Log]
    clock: Callable[[], datetime]
    channels: Channels
    owner_heads: Mapping[str, OwnerHeads] = {}
    chance: Random = CHANCE

    @property
    def log(self) -> Log:
        return self.logs["notifications"]

    def reached(self, source: str, commune: str) -> Reached:
        """How far the records have come in a log of a commune."""
        at = all_positions(self.engine, PROJECTION.name).get(commune, {}).get(source)
        return Reached(at.position, at.parked is not None) if at else Reached(0, False)

    def roles_in_force(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of the post a person is in today, as far as the tasks log is folded. Refuses `not-in-post`."""
        now = format_time(self.clock())
        with reading(self.engine, commune) as connection:
            post = posts_on(of_kinds(connection, commune, "person"), local_day(now), now).get(staff)
        if post is None:
            raise NOT_IN_POST(staff=staff)
        return frozenset(post.roles)


def open_notifications(
    engine: Engine,
    *,
    channels: Channels,
    tasks: Log | None = None,
    scoring: Log | None = None,
    owner_heads: Mapping[str, OwnerHeads] | None = None,
    clock: Callable[[], datetime] = utcnow,
    new_id: Callable[[datetime], str] = uuid7,
    chance: Random = CHANCE,
) -> Notifications:
    """The service on a migrated database. Without the owners' logs it folds the replicas in its own database."""
    tasks = tasks or Log(engine, "tasks")
    own = Log(
        engine,
        "notifications",
        clock=clock,
        new_id=new_id,
        on_append=views.on_append,
        knows=lambda commune: tasks.head(commune).position > 0,
    )
    logs = {"tasks": tasks, "scoring": scoring or Log(engine, "scoring"), "notifications": own}
    return Notifications(engine, logs, clock, channels, owner_heads or {}, chance)
