"""The services of this product, a descriptor each: everything that names services is derived from this table."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import flask
import msgspec
from sqlalchemy import Connection, Engine

from cchc.doctor import calendars
from cchc.doctor.finding import Finding
from services.notifications import app as notifications_app
from services.notifications import views as notifications_views
from services.notifications import worker as notifications_worker
from services.notifications.channels.interface import Channels
from services.notifications.domain import refusals as notifications_refusals
from services.notifications.service import Notifications, open_notifications
from services.scoring import app as scoring_app
from services.scoring import views as scoring_views
from services.scoring import worker as scoring_worker
from services.scoring.domain import refusals as scoring_refusals
from services.scoring.service import Scoring, open_scoring
from services.tasks import app as tasks_app
from services.tasks import views as tasks_views
from services.tasks import worker as tasks_worker
from services.tasks.domain import refusals as tasks_refusals
from services.tasks.elsewhere import EraseElsewhere
from services.tasks.service import Tasks, open_tasks
from shared.eventlog import Head, Log
from shared.metrics import Sample
from shared.projection import Progress, Projection
from shared.refusal import Refusal, by_code
from shared.web.auth import Verifier
from shared.worker import IsOurs, Loop


class Handle(Protocol):
    """What every service's handle has."""

    @property
    def engine(self) -> Engine: ...
    @property
    def logs(self) -> Mapping[str, Log]:
        """The logs that the service works with by their source, its own among them."""

    @property
    def log(self) -> Log:
        """The service's own log."""


class Host(Protocol):
    """What an installation gives a service that is opened in it."""

    @property
    def clock(self) -> Callable[[], datetime]: ...
    @property
    def new_id(self) -> Callable[[datetime], str]: ...
    @property
    def verifier(self) -> Verifier: ...
    @property
    def origin(self) -> str | None:
        """scheme://host[:port] that browsers use, when a proxy stands in front."""

    @property
    def evidence(self) -> Path:
        """The folder of evidence files."""

    @property
    def uploads_kept(self) -> timedelta:
        """How long a file that was sent for a dry run is kept."""

    @property
    def erase_elsewhere(self) -> EraseElsewhere:
        """Erases what other services than tasks keep of a person."""

    @property
    def channels(self) -> Channels:
        """The last hops of reminders."""

    def engine(self, service: str) -> Engine: ...
    def sign_in(self) -> flask.Blueprint:
        """The routes that make a token of a one-time link's code."""

    def log_of(self, source: str) -> Log | None:
        """Another service's log, where this process can read it; None where a service keeps replicas."""

    def heads_of(self, source: str) -> Callable[[], Mapping[str, Head]] | None:
        """Asks the owner of a replica how long its log is; None where there are no replicas."""


H = TypeVar("H", bound=Handle)


class ServiceCheck(msgspec.Struct, Generic[H], frozen=True):
    """What the doctor looks at in one service, once its database is ready. `id` stays the same for programs."""

    id: str
    title: str
    look: Callable[[H], Iterable[Finding]]


class Service(msgspec.Struct, Generic[H], frozen=True, kw_only=True):
    """One service, as the composition, the command line and the deployment know it.

    name            its source in the event catalogue, its database, its part of addresses: /api/v1/NAME
    open            its handle, on a migrated database
    web             its web app
    signs_in        its web processes sign people in: they read the one-time links and make tokens
    user            user id of its web container; that of its background container is the next one
    records         what it folds logs into; the logs of other services among them are its replicas when deployed
    rebuild_own     rewrites the tables that follow from its own log; returns how many events were read
    loops           its background loops; several processes share the communes
    alone           the loops that one process runs, whichever one it is
    signed_at_once  event types of its log after which a checkpoint is signed without waiting for the day's end
    rests_on        the logs that such events were decided on: the checkpoint then also covers how far they are held
    measure         further figures for /metrics, from its own log
    checks          what the doctor looks at
    refusals        every refusal that it may raise
    package         the Python package with its folder `migrations`; by default services.NAME
    """

    name: str
    open: Callable[[Host], H]
    web: Callable[[H, Host], flask.Flask]
    user: int
    signs_in: bool = False
    records: Projection[Any] | None = None
    rebuild_own: Callable[[Connection, str, Log], int] | None = None
    loops: Callable[[H, Progress | None, IsOurs], Mapping[str, Loop]] = lambda _, __, ___: {}
    alone: Callable[[H], Mapping[str, Loop]] = lambda _: {}
    signed_at_once: frozenset[str] = frozenset()
    rests_on: tuple[str, ...] = ()
    measure: Callable[[Log], Iterable[Sample]] | None = None
    checks: Sequence[ServiceCheck[H]] = ()
    refusals: Collection[Refusal] = ()
    package: str = ""

    @property
    def refusals_by_code(self) -> Mapping[str, Refusal]:
        return by_code(self.refusals)

    @property
    def migrations(self) -> str:
        """The package to migrate its database with."""
        return self.package or f"services.{self.name}"

    @property
    def replicas(self) -> tuple[str, ...]:
        """The services whose logs it folds: deployed, it keeps a replica of each."""
        return tuple(source for source in self.records.sources if source != self.name) if self.records else ()


def _open_tasks(host: Host) -> Tasks:
    return open_tasks(
        host.engine("tasks"),
        host.evidence,
        clock=host.clock,
        new_id=host.new_id,
        erase_elsewhere=host.erase_elsewhere,
        uploads_kept=host.uploads_kept,
    )


TASKS = Service(
    name="tasks",
    refusals=tasks_refusals.ALL,
    user=10011,
    open=_open_tasks,
    signs_in=True,
    web=lambda tasks, host: tasks_app.create_web(tasks, host.verifier, origin=host.origin, sign_in=host.sign_in()),
    rebuild_own=tasks_views.rebuild,
    alone=tasks_worker.loops,
    checks=[ServiceCheck("calendars", "Lịch làm việc", calendars.published)],
)


def _open_scoring(host: Host) -> Scoring:
    return open_scoring(
        host.engine("scoring"),
        host.log_of("tasks"),
        clock=host.clock,
        new_id=host.new_id,
        owner_heads=host.heads_of("tasks"),
    )


SCORING = Service(
    name="scoring",
    refusals=scoring_refusals.ALL,
    user=10013,
    open=_open_scoring,
    web=lambda scoring, host: scoring_app.create_web(scoring, host.verifier, origin=host.origin),
    records=scoring_views.PROJECTION,
    loops=scoring_worker.loops,
    signed_at_once=scoring_worker.SIGNED_AT_ONCE,
    rests_on=("tasks",),
)


def _open_notifications(host: Host) -> Notifications:
    return open_notifications(
        host.engine("notifications"),
        channels=host.channels,
        tasks=host.log_of("tasks"),
        scoring=host.log_of("scoring"),
        owner_heads={source: ask for source in ("tasks", "scoring") if (ask := host.heads_of(source))},
        clock=host.clock,
        new_id=host.new_id,
    )


NOTIFICATIONS = Service(
    name="notifications",
    refusals=notifications_refusals.ALL,
    user=10015,
    open=_open_notifications,
    web=lambda notifications, host: notifications_app.create_web(notifications, host.verifier, origin=host.origin),
    records=notifications_views.PROJECTION,
    rebuild_own=notifications_views.rebuild,
    loops=notifications_worker.loops,
    measure=notifications_views.measure,
)

# By name, those whose logs are folded before those that fold them. Handles differ, so what they are is known only to
# the descriptor itself.
SERVICES: dict[str, Service[Any]] = {service.name: service for service in (TASKS, SCORING, NOTIFICATIONS)}


def readers() -> dict[str, Projection[Any]]:
    """The services that fold logs, with what they fold them into."""
    return {name: service.records for name, service in SERVICES.items() if service.records}
