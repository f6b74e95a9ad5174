"""The tasks service put together: its database, its log with the states beside it, its evidence folder, its web app."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import flask
import msgspec
from sqlalchemy import Engine

from services.tasks import views
from services.tasks.api import blueprints
from services.tasks.domain.access import ACTIONS
from services.tasks.domain.context import canonical
from services.tasks.reactors import open_recurring
from services.tasks.texts import STATUSES, TEXTS
from shared.eventlog import Log, utcnow
from shared.eventlog.database import read_together
from shared.events import format_time, local_day, uuid7
from shared.refusal import Refused
from shared.web.app import create_app
from shared.web.auth import Verifier
from shared.web.feed import feed_blueprint
from shared.web.status import status_blueprint


class Tasks(msgspec.Struct, frozen=True):
    """What the tasks service works with. `evidence` is the folder of files by hash."""

    engine: Engine
    log: Log
    evidence: Path
    clock: Callable[[], datetime]

    def roles_of(self, commune: str, staff: str) -> frozenset[str]:
        """The roles of the post a person is in today; none when in no post."""
        [rows] = read_together(self.engine, commune, *views.reads(commune, {f"staff/{canonical(staff)}"}))
        today = local_day(format_time(self.clock()))
        post = next((found.state.post_on(today) for found in views.decoded(rows)), None)
        return frozenset(post.roles if post else ())

    def roles_in_force(self, commune: str, staff: str) -> frozenset[str]:
        """Refuses: in no post today."""
        roles = self.roles_of(commune, staff)
        if not roles:
            raise Refused("holds-no-post", staff=staff)
        return roles

    def react(self) -> None:
        """What the service does by itself, once: recurring tasks whose period has begun are opened."""
        for commune in self.log.heads():
            open_recurring(self.log, commune)


def open_tasks(
    engine: Engine,
    evidence: Path,
    *,
    clock: Callable[[], datetime] = utcnow,
    new_id: Callable[[datetime], str] = uuid7,
) -> Tasks:
    """The service on a migrated database."""
    log = Log(engine, "tasks", clock=clock, new_id=new_id, on_append=views.apply)
    return Tasks(engine, log, evidence, clock)


def create_web(
    tasks: Tasks, verifier: Verifier, *, origin: str | None = None, sign_in: flask.Blueprint | None = None
) -> flask.Flask:
    """`sign_in` is the API that makes tokens; it stands here until there is a service of accounts."""
    others: list[flask.Blueprint] = [feed_blueprint(tasks.log), status_blueprint(tasks.log)]
    if sign_in:
        others.append(sign_in)
    return create_app(
        "tasks",
        blueprints=[*blueprints(), *others],
        actions=ACTIONS,
        verifier=verifier,
        service=tasks,
        roles_in_force=tasks.roles_in_force,
        checks={"database": tasks.log.heads},
        texts=TEXTS,
        statuses=STATUSES,
        origin=origin,
    )
