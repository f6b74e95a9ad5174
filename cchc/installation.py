"""One installation: its databases and services, opened as they are needed; the same objects run embedded or alone."""

import hashlib
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from wsgiref.types import WSGIApplication

import flask
from sqlalchemy import Connection, Engine

from cchc.channels import channels_of
from cchc.data_lock import lock
from cchc.output import progress
from cchc.settings import SERVICES, Settings
from services.notifications import app as notifications_app
from services.notifications import service as notifications_service
from services.notifications import views as notifications_views
from services.notifications import worker as notifications_worker
from services.notifications.channels.interface import Channels, Contact
from services.notifications.directory import Directory
from services.scoring import app as scoring_app
from services.scoring import service as scoring_service
from services.scoring import views as scoring_views
from services.scoring import worker as scoring_worker
from services.scoring.worker import SIGNED_AT_ONCE
from services.tasks import app as tasks_app
from services.tasks import personal
from services.tasks import service as tasks_service
from services.tasks import views as tasks_views
from services.tasks import worker as tasks_worker
from shared.background import Background
from shared.eventlog import Log, open_database, reading, utcnow
from shared.eventlog.checkpoints import CheckpointKey, PublicKeys, checkpoint_key, public_keys
from shared.eventlog.feed import FeedClient
from shared.eventlog.migrations import migrate
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.eventlog.signer import Signer
from shared.events import uuid7
from shared.leader import one_at_a_time
from shared.metrics import Measure
from shared.projection import Projection, Runner
from shared.web import sign_in
from shared.web.auth import Verifier
from shared.web.health import Checks
from shared.web.keys import SigningKey, generate_key, load_key, mint
from shared.worker import Loop, all_communes
from web.app import create_web
from web.client import Client, in_process, over_http

SERVICE_LIFETIME = timedelta(hours=12)

# What a service folds the logs that it holds into, and how it writes anew the tables that its own log comes to.
PROJECTIONS: Mapping[str, Projection[Any]] = {
    "scoring": scoring_views.PROJECTION,
    "notifications": notifications_views.PROJECTION,
}
OWN_TABLES: Mapping[str, Callable[[Connection, str, Log], int]] = {
    "tasks": tasks_views.rebuild,
    "notifications": notifications_views.rebuild,
}


class Installation:
    """`clock` and `new_id` are real ones but for the demo, which lives its scripted year."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utcnow,
        new_id: Callable[[datetime], str] = uuid7,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.new_id = new_id
        self._engines: dict[str, Engine] = {}
        self._leave: Callable[[], object] | None = None

    def engine(self, service: str) -> Engine:
        """Raises DataInUse while a restore goes on."""
        return self._open(service, self.settings.databases[service])

    def _open(self, name: str, url: str) -> Engine:
        if self._leave is None:
            self._leave = weakref.finalize(self, os.close, lock(self.settings.data))
        if name not in self._engines:
            self._engines[name] = open_database(url)
        return self._engines[name]

    def migrate(self) -> None:
        """Bring every service's database to the schema of this release."""
        for service in SERVICES:
            migrate(self.owner(service), f"services.{service}")
        sign_in.metadata.create_all(self.engine("sign_in"))

    def owner(self, service: str) -> Engine:
        """With the role that owns the tables; where none is named apart, that is the one of every day."""
        url = self.settings.owners[service]
        if url == self.settings.databases[service]:
            return self.engine(service)
        return self._open(f"{service} owner", url)

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        if self._leave:
            self._leave()
            self._leave = None

    # Services

    @cached_property
    def tasks(self) -> tasks_service.Tasks:
        return tasks_service.open_tasks(
            self.engine("tasks"), self.settings.evidence, clock=self.clock, new_id=self.new_id
        )

    @cached_property
    def scoring(self) -> scoring_service.Scoring:
        return scoring_service.open_scoring(
            self.engine("scoring"),
            None if self.settings.kafka else self.tasks.log,
            clock=self.clock,
            new_id=self.new_id,
            owner_heads=self.feed("tasks").heads if self.settings.kafka else None,
        )

    @cached_property
    def notifications(self) -> notifications_service.Notifications:
        embedded = not self.settings.kafka
        return notifications_service.open_notifications(
            self.engine("notifications"),
            channels=self.channels,
            tasks=self.tasks.log if embedded else None,
            scoring=self.scoring.logs["scoring"] if embedded else None,
            owner_heads={} if embedded else {source: self.feed(source).heads for source in ("tasks", "scoring")},
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def channels(self) -> Channels:
        """The last hops of this installation, and where addresses are read."""
        directory: Callable[[str], Mapping[str, Contact]] = self._contacts
        if self.settings.kafka:
            directory = Directory(self.settings.urls["tasks"], lambda: self._service_token("messenger"))
        return channels_of(self.settings, self.engine("notifications"), directory, self.clock, self.link_secret)

    def _contacts(self, commune: str) -> dict[str, Contact]:
        with reading(self.tasks.engine, commune) as connection:
            found = personal.people_of(connection, commune)
        return {staff: Contact(staff, person.name, person.email) for staff, person in found.items()}

    def logs(self, service: str) -> Mapping[str, Log]:
        """The logs that a service works with, its own among them."""
        held: Mapping[str, Callable[[], Mapping[str, Log]]] = {
            "tasks": lambda: self.tasks.logs,
            "scoring": lambda: self.scoring.logs,
            "notifications": lambda: self.notifications.logs,
        }
        return held[service]()

    def own_log(self, service: str) -> Log:
        return self.logs(service)[service]

    def replicas(self, service: str) -> list[Log]:
        """The logs of others that a service keeps a copy of; embedded it reads theirs."""
        if not self.settings.kafka:
            return []
        return [log for source, log in self.logs(service).items() if source != service]

    def folds(self, service: str) -> Runner:
        """What keeps a service's records up with the logs that it folds: of those in PROJECTIONS."""
        return Runner(self.engine(service), self.logs(service), PROJECTIONS[service])

    def web(self, service: str) -> flask.Flask:
        build: Mapping[str, Callable[[], flask.Flask]] = {
            "tasks": lambda: tasks_app.create_web(
                self.tasks, self.verifier, origin=self.settings.origin, sign_in=self.sign_in()
            ),
            "scoring": lambda: scoring_app.create_web(self.scoring, self.verifier, origin=self.settings.origin),
            "notifications": lambda: notifications_app.create_web(
                self.notifications, self.verifier, origin=self.settings.origin
            ),
        }
        return build[service]()

    def sign_in(self) -> flask.Blueprint:
        """The API that makes a token of a one-time link's code."""
        engine = self.engine("sign_in")
        sign_in.metadata.create_all(engine)
        return sign_in.sign_in_blueprint(engine, lambda: self.signing_key)

    def screens(
        self,
        apps: Mapping[str, WSGIApplication] | None = None,
        *,
        alive: Checks | None = None,
        measures: Sequence[Measure] = (),
    ) -> flask.Flask:
        """The web app of the screens: it asks the services' `apps` in this process, without them over HTTP."""
        if apps is None:
            clients = {service: Client(service, over_http(self.settings.urls[service])) for service in SERVICES}
        else:
            clients = {service: Client(service, in_process(app, f"/api/v1/{service}")) for service, app in apps.items()}
        return create_web(
            clients, self.verifier, origin=self.settings.origin, clock=self.clock, alive=alive, measures=measures
        )

    def background(self, service: str) -> Background:
        """What runs beside a service's web processes; with Kafka also its relay and the consumers of its replicas.

        Several processes of a service share the communes as the group shares the partitions of the tasks topic; what
        is about the own log alone, one of them does.
        """
        replicas, relay = self._replicas(service), self._relay(service)
        mine = replicas["tasks"].mine if replicas else all_communes
        shared: Mapping[str, Callable[[], dict[str, Loop]]] = {
            "tasks": dict,
            "scoring": lambda: scoring_worker.loops(self.scoring, progress("Dựng lại"), mine),
            "notifications": lambda: notifications_worker.loops(self.notifications, progress("Dựng lại"), mine),
        }
        alone: dict[str, Loop] = {"signer": self.signer(service).run}
        if relay:
            alone["relay"] = relay.run
        if service == "tasks":
            alone |= tasks_worker.loops(self.tasks)
        leading = {"alone": one_at_a_time(self.engine(service), f"cchc work {service}", alone)}
        taking_over = {f"replica.{source}": replica.run for source, replica in replicas.items()}
        return Background(
            service,
            self.own_log(service),
            shared[service]() | leading | taking_over,
            folds=self.folds(service) if service in PROJECTIONS else None,
            relay=relay,
            replicas=[*replicas.values()],
            further=partial(notifications_views.measure, self.own_log(service)) if service == "notifications" else None,
        )

    def signer(self, service: str) -> Signer:
        """Signs a service's log; scoring signs at a decision also how far it holds the tasks log."""
        rests_on = [self.scoring.logs["tasks"]] if service == "scoring" else []
        at_once = SIGNED_AT_ONCE if service == "scoring" else ()
        return Signer(self.own_log(service), self.checkpoint_key, rests_on=rests_on, at_once=at_once, clock=self.clock)

    def _relay(self, service: str) -> Relay | None:
        return Relay(self.own_log(service), self.settings.kafka) if self.settings.kafka else None

    def _replicas(self, service: str) -> dict[str, Replica]:
        """A service takes over the logs that it folds from Kafka; what a topic lacks comes from its owner's feed."""
        kafka = self.settings.kafka
        if not kafka:
            return {}
        return {log.source: self._replica(log, kafka, service) for log in self.replicas(service)}

    def _replica(self, log: Log, kafka: str, service: str) -> Replica:
        feed = self.feed(log.source)
        return Replica(log, kafka, f"cchc.{service}", fetch=feed.fetch, owner_heads=feed.heads)

    def feed(self, source: str) -> FeedClient:
        """What the owner of a log says of it to a replica."""
        return FeedClient(self.settings.urls[source], self.replicator_token)

    # Keys

    @cached_property
    def verifier(self) -> Verifier:
        return Verifier(self.settings.keys)

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key that tokens are minted with, made at the first run."""
        private = self.settings.private_key
        if private.exists():
            return load_key(private)
        private.parent.mkdir(parents=True, exist_ok=True)
        return generate_key(private, private.parent / "public.json")

    @cached_property
    def checkpoint_key(self) -> CheckpointKey:
        """The key that logs are signed with, made at the first run."""
        return checkpoint_key(self.settings.checkpoint_key, self.settings.checkpoint_keys)

    def public_checkpoint_keys(self) -> PublicKeys:
        """The keys that checkpoints are checked against, old ones included."""
        return public_keys(self.settings.checkpoint_keys)

    @property
    def link_secret(self) -> bytes:
        """What signs the addresses in messages: whoever serves the pages has the same key."""
        return hashlib.sha256(b"cchc-link-v1" + self.signing_key.private.private_bytes_raw()).digest()

    def replicator_token(self) -> str:
        return self._service_token("replicator")

    def _service_token(self, role: str) -> str:
        return mint(self.signing_key, sub=f"service/{role}", commune="*", roles=[role], lifetime=SERVICE_LIFETIME)
