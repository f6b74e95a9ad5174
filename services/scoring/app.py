"""The scoring service put together: its database, the logs it folds, its web app."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import flask
import msgspec
from sqlalchemy import Engine

from services.scoring.access import ACTIONS
from services.scoring.api import blueprints
from services.scoring.commands import OwnerHeads
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.texts import STATUSES, TEXTS
from services.scoring.views import PROJECTION, one
from shared.eventlog import Log, reading, utcnow
from shared.events import VIETNAM, uuid7
from shared.projection import all_positions
from shared.refusal import Refused
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.positions import Reached, after_waiting
from shared.web.status import status_blueprint


class Scoring(msgspec.Struct, frozen=True):
    """What scoring works with. `logs` holds the tasks log it folds (a replica, or embedded the owner's) and its own;
    `owner_heads` asks the owner of a replica how long it is."""

    engine: Engine
    logs: Mapping[str, Log]
    clock: Callable[[], datetime]
    owner_heads: OwnerHeads | None = None

    def reached(self, source: str, commune: str) -> Reached:
        """How far the records have come in a log of a commune."""
        at = all_positions(self.engine, PROJECTION.name).get(commune, {}).get(source)
        return Reached(at.position, at.parked is not None) if at else Reached(0, False)

    def roles_in_force(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of the post a person is in today, as far as the tasks log is folded. Refuses: in no post."""
        post = self.post_today(commune, staff)
        if post is None or not post.in_post:
            raise Refused("not-in-post", staff=staff)
        return frozenset(post.roles)

    def post_today(self, commune: str, staff: str) -> Post | None:
        """The post a person is in today, or the nearest to it; None for nobody that was ever appointed."""
        with reading(self.engine, commune) as connection:
            person = one(connection, commune, "person", staff)
        return post_on(person, self.clock().astimezone(VIETNAM).date()) if person else None


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


def create_web(scoring: Scoring, verifier: Verifier, *, origin: str | None = None) -> flask.Flask:
    positions = partial(all_positions, scoring.engine, PROJECTION.name)
    return create_app(
        "scoring",
        blueprints=[
            *blueprints(),
            feed_blueprint(scoring.logs["scoring"]),
            status_blueprint(scoring.logs["scoring"], positions),
        ],
        actions=ACTIONS,
        verifier=verifier,
        service=scoring,
        roles_in_force=after_waiting(scoring.reached, scoring.roles_in_force),
        checks={"database": scoring.logs["scoring"].heads},
        texts=TEXTS,
        statuses=STATUSES,
        origin=origin,
    )
