"""What the scoring service works with: its database, the logs it folds, its own."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

import msgspec
from sqlalchemy import Engine

from services.scoring.domain import refusals
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.views import PROJECTION
from shared.eventlog import Head, Log, reading, utcnow
from shared.events import VIETNAM, uuid7
from shared.projection import all_positions
from shared.web.positions import Reached

OwnerHeads = Callable[[], Mapping[str, Head]]


class Scoring(msgspec.Struct, frozen=True):
    """The handle of the service. `logs` holds the tasks log it folds (a replica, or embedded the owner's) and its own;
    `owner_heads` asks the owner of a replica how long it is."""

    engine: Engine
    logs: Mapping[str, Log]
    clock: Callable[[], datetime]
    owner_heads: OwnerHeads | None = None

    @property
    def log(self) -> Log:
        """The service's own log."""
        return self.logs["scoring"]

    @property
    def today(self) -> date:
        """Today in Vietnam."""
        return self.clock().astimezone(VIETNAM).date()

    def reached(self, source: str, commune: str) -> Reached:
        """How far the records have come in a log of a commune."""
        at = all_positions(self.engine, PROJECTION.name).get(commune, {}).get(source)
        return Reached(at.position, at.parked is not None) if at else Reached(0, False)

    def roles_in_force(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of a person's post today, as far as the tasks log is folded. Refuses `not-in-post`."""
        post = self.post_today(commune, staff)
        if post is None or not post.in_post:
            raise refusals.NOT_IN_POST(staff=staff)
        return frozenset(post.roles)

    def post_today(self, commune: str, staff: str) -> Post | None:
        """A person's post today, or the nearest to it; None when they were never appointed."""
        with reading(self.engine, commune) as connection:
            person = PROJECTION.one(connection, commune, "person", staff)
        return post_on(person, self.today) if person else None


def open_scoring(
    engine: Engine,
    tasks: Log | None = None,
    *,
    clock: Callable[[], datetime] = utcnow,
    new_id: Callable[[datetime], str] = uuid7,
    owner_heads: OwnerHeads | None = None,
) -> Scoring:
    """Scoring on a migrated database. Without the owner's `tasks` log it folds the replica in its own database."""
    tasks = tasks or Log(engine, "tasks")
    own = Log(engine, "scoring", clock=clock, new_id=new_id, knows=lambda commune: tasks.head(commune).position > 0)
    return Scoring(engine, {"tasks": tasks, "scoring": own}, clock, owner_heads)
