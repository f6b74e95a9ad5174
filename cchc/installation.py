"""One installation: its databases and services, opened as they are needed; the same objects run embedded or alone."""

import hashlib
import logging
import os
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cchc.channels import channels_of
from cchc.data_lock import lock
from cchc.personal_data import keep_no_statistics
from cchc.services import NOTIFICATIONS, SCORING, SERVICES, TASKS, H, Service, readers
from cchc.settings import SIGN_IN, Settings
from services.notifications.channels.interface import Channels, Contact
from services.notifications.directory import Directory
from services.notifications.erasure import erase_person
from services.notifications.service import Notifications
from services.scoring.domain import rules
from services.scoring.service import Scoring
from services.tasks import personal
from services.tasks.elsewhere import Erased, EraseElsewhere
from services.tasks.elsewhere import over_http as erase_over_http
from services.tasks.service import Tasks
from shared.background import Background
from shared.budgets import Budgets, spend_from
from shared.eventlog import EVERY_COMMUNE, Busy, Head, Log, open_database, reading, utcnow, writing
from shared.eventlog.broker import Broker
from shared.eventlog.checkpoints import CheckpointKey, PublicKeys, checkpoint_key, public_keys
from shared.eventlog.feed import Feed, FeedClient
from shared.eventlog.kafka import KafkaBroker
from shared.eventlog.migrations import migrate, revisions
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.eventlog.signer import Signer
from shared.events import uuid7
from shared.journal import kinds, note, note_first
from shared.leader import Leader
from shared.lease import Lease
from shared.metrics import Measure
from shared.projection import Progress, Runner
from shared.said import said_of
from shared.web import sign_in
from shared.web.auth import Verifier
from shared.web.health import Checks
from shared.web.keys import SigningKey, load_key, mint, own_key
from shared.worker import MACHINE, Loop, Machine, all_communes
from web.app import create_web
from web.client import Client, in_process, over_http

logger = logging.getLogger(__name__)

SERVICE_LIFETIME = timedelta(hours=12)

# What is under way → what shows how far it has come.
ShowProgress = Callable[[str], Progress]


class Installation:
    """Only the demo passes its own `clock` and `new_id`, to live its scripted year, and only a simulation its own
    `machine`."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utcnow,
        new_id: Callable[[datetime], str] = uuid7,
        machine: Machine = MACHINE,
    ) -> None:
        self.settings = settings
        rules.use(settings.rule_sets)
        self.clock = clock
        self.new_id = new_id
        self.machine = machine
        self._engines: dict[str, Engine] = {}
        self._handles: dict[str, Any] = {}
        self._leave: Callable[[], object] | None = None
        self._keys_noted: set[tuple[str, str]] = set()

    def engine(self, service: str) -> Engine:
        """The database of a service, with the role of every day. Raises DataInUse while a restore goes on."""
        return self._open(service, self.settings.databases[service])

    def _open(self, name: str, url: str) -> Engine:
        if self._leave is None:
            self._leave = weakref.finalize(self, os.close, lock(self.settings.data))
        if name not in self._engines:
            self._engines[name] = open_database(url)
        return self._engines[name]

    def migrate(self) -> None:
        """Bring every service's database to the schema of this release."""
        for name, service in SERVICES.items():
            owner = self.owner(name)
            before, _ = revisions(owner, service.migrations)
            migrate(owner, service.migrations)
            if owner.dialect.name == "postgresql":
                with writing(owner, EVERY_COMMUNE) as connection:
                    keep_no_statistics(connection)
            after, _ = revisions(owner, service.migrations)
            if after != before:
                note(owner, EVERY_COMMUNE, kinds.SCHEMA_MIGRATED, [f"schema/{revision}" for revision in sorted(after)])
        _ = self.sign_in_codes

    def owner(self, service: str) -> Engine:
        """With the role that owns the tables; unless the settings name one, that is the role of every day."""
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

    def handle(self, service: Service[H]) -> H:
        """A service's handle, opened when it is first asked for."""
        if service.name not in self._handles:
            self._handles[service.name] = service.open(self)
        handle: H = self._handles[service.name]
        return handle

    @property
    def tasks(self) -> Tasks:
        return self.handle(TASKS)

    @property
    def scoring(self) -> Scoring:
        return self.handle(SCORING)

    @property
    def notifications(self) -> Notifications:
        return self.handle(NOTIFICATIONS)

    def logs(self, service: str) -> Mapping[str, Log]:
        """The logs that a service works with, its own among them."""
        logs: Mapping[str, Log] = self.handle(SERVICES[service]).logs
        return logs

    def own_log(self, service: str) -> Log:
        return self.logs(service)[service]

    def replicas(self, service: str) -> list[Log]:
        """The logs of others that a service keeps a copy of; embedded it reads theirs."""
        if not self.settings.kafka:
            return []
        return [log for source, log in self.logs(service).items() if source != service]

    def folds(self, service: str) -> Runner:
        """What keeps a service's records up with the logs that it folds: of a service in `readers()`."""
        return Runner(self.engine(service), self.logs(service), readers()[service])

    def web(self, service: str) -> flask.Flask:
        descriptor = SERVICES[service]
        return descriptor.web(self.handle(descriptor), self)

    def served(self, service: str) -> flask.Flask:
        """The web app as clients reach it: what each may change has a budget."""
        app = self.web(service)
        spend_from(app, Budgets(self.engine(service), self.settings.allowances()))
        return app

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

    # What services are opened with (cchc.services.Host)

    @property
    def origin(self) -> str | None:
        return self.settings.origin

    @property
    def evidence(self) -> Path:
        return self.settings.evidence

    @property
    def uploads_kept(self) -> timedelta:
        return self.settings.uploads_kept

    @property
    def erase_elsewhere(self) -> EraseElsewhere:
        return (
            erase_over_http(self.settings.urls["notifications"]) if self.settings.kafka else self.erase_in_notifications
        )

    def erase_in_notifications(self, commune: str, staff: str, name: str | None) -> Erased:
        """In this process, which reads that service's database."""
        return Erased(*erase_person(self.notifications, commune, staff, name))

    def log_of(self, source: str) -> Log | None:
        return None if self.settings.kafka else self.own_log(source)

    def heads_of(self, source: str) -> Callable[[], Mapping[str, Head]] | None:
        return self.feed(source).heads if self.settings.kafka else None

    def sign_in(self) -> flask.Blueprint:
        """The API that makes a token of a one-time link's code."""
        return sign_in.sign_in_blueprint(self.sign_in_codes, self.minting_key, self.access_journal)

    @property
    def access_journal(self) -> Engine:
        """The database whose journal says who may come in and what concerns the whole installation: that of the service
        that signs people in, which has migrations, grants and a backup."""
        return self.engine(next(service.name for service in SERVICES.values() if service.signs_in))

    def sign_in_code(self, *, sub: str, commune: str, roles: Collection[str]) -> str:
        """A one-time code for this person. Its row comes first: a code that nobody knows of must not be."""
        engine = self.sign_in_codes
        note(self.access_journal, commune, kinds.SIGN_IN_ISSUED, [sub], {"roles": " ".join(sorted(roles))})
        return sign_in.issue_code(engine, sub=sub, commune=commune, roles=roles)

    @property
    def sign_in_codes(self) -> Engine:
        """The database of one-time links, with its table."""
        engine = self.engine(SIGN_IN)
        sign_in.make_table(engine)
        return engine

    @cached_property
    def channels(self) -> Channels:
        """The last hops of this installation, and where addresses are read."""
        directory: Callable[[str], Mapping[str, Contact]] = self._contacts
        if self.settings.kafka:
            directory = Directory(self.settings.urls["tasks"], lambda: self._service_token("messenger"))
        return channels_of(self.settings, self.engine("notifications"), directory, self.clock, self.link_secret)

    def _contacts(self, commune: str) -> dict[str, Contact]:
        with reading(self.tasks.engine, commune) as connection:
            people = personal.people_of(connection, commune)
        return {staff: Contact(staff, person.name, person.email) for staff, person in people.items()}

    # What runs in the background

    def background(self, service: str, progress: ShowProgress | None = None) -> Background:
        """What runs beside a service's web processes; with Kafka also its relay and the consumers of its replicas.

        Several processes of a service share the communes as the group shares the partitions of the first topic; loops
        that concern its own log alone run in one of them. `progress` makes what shows a rebuild.
        """
        descriptor = SERVICES[service]
        handle = self.handle(descriptor)
        replicas, relay = self._replicas(service), self._relay(service)
        is_ours = next(iter(replicas.values())).is_ours if replicas else all_communes
        # The relay by itself: who cannot reach the broker can still do the rest.
        alone = {"signer": self.signer(service).run, **descriptor.alone(handle)}
        leaders = [self._leader(service, "alone", alone)]
        if relay:
            loops = {"relay": relay.run}
            leaders.append(self._leader(service, "relay", loops, stalled=relay.stalled, unable=relay.unable))
        return Background(
            service,
            handle.log,
            {
                **descriptor.loops(handle, progress("Dựng lại") if progress else None, is_ours),
                **{leader.name: leader.run for leader in leaders},
                **{f"replica.{source}": replica.run for source, replica in replicas.items()},
            },
            folds=self.folds(service) if service in readers() else None,
            leaders=leaders,
            relay=relay,
            replicas=[*replicas.values()],
            further=partial(descriptor.measure, handle.log) if descriptor.measure else None,
        )

    def _leader(self, service: str, name: str, loops: Mapping[str, Loop], **options: Any) -> Leader:
        return Leader(name, self.lease(service, name), loops, machine=self.machine, **options)

    def lease(self, service: str, name: str) -> Lease | None:
        """What lets one of several processes lead; None on SQLite, where there is one process."""
        engine = self.engine(service)
        return Lease(engine, name) if engine.dialect.name == "postgresql" else None

    def signer(self, service: str) -> Signer:
        """Signs a service's log, and with it how far it holds the logs that its decisions rest on."""
        descriptor, logs = SERVICES[service], self.logs(service)
        return Signer(
            logs[service],
            self.signing_log(service),
            rests_on=[logs[source] for source in descriptor.rests_on],
            at_once=descriptor.signed_at_once,
            clock=self.clock,
        )

    @property
    def broker(self) -> Broker | None:
        return KafkaBroker(self.settings.kafka) if self.settings.kafka else None

    def _relay(self, service: str) -> Relay | None:
        return Relay(self.own_log(service), self.broker, machine=self.machine) if self.broker else None

    def _replicas(self, service: str) -> dict[str, Replica]:
        """A service takes over the logs that it folds from Kafka; what a topic lacks comes from its owner's feed."""
        broker = self.broker
        return {log.source: self._replica(log, broker, service) for log in self.replicas(service)} if broker else {}

    def _replica(self, log: Log, broker: Broker, service: str) -> Replica:
        feed = self.feed(log.source)
        group = f"cchc.{service}"
        return Replica(log, broker, group, fetch=feed.fetch, owner_heads=feed.heads, machine=self.machine)

    def feed(self, source: str) -> Feed:
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
        if self.settings.keys_are_elsewhere and private.exists():
            return load_key(private)
        return own_key(private, private.with_name("public.json"))

    def minting_key(self) -> SigningKey:
        """The signing key, for tokens of people: the first use of each key has a row, however it came to be."""
        self._note_key(self.access_journal, self.signing_key.kid, "tokens")
        return self.signing_key

    def signing_log(self, service: str) -> CheckpointKey:
        """The checkpoint key, to sign a service's log with: likewise."""
        self._note_key(self.engine(service), self.checkpoint_key.id, "checkpoints")
        return self.checkpoint_key

    def _note_key(self, engine: Engine, key: str, use: str) -> None:
        """What cannot be written now does not keep a log from being signed: the next start tries again."""
        if (str(engine.url), key) in self._keys_noted:
            return
        try:
            note_first(engine, EVERY_COMMUNE, kinds.KEY_USED, [f"key/{key}"], {"for": use})
        except (SQLAlchemyError, Busy) as error:
            logger.warning("the use of key %s is not in the journal: %s", key, said_of(error))
            return
        self._keys_noted.add((str(engine.url), key))

    @cached_property
    def checkpoint_key(self) -> CheckpointKey:
        """The key that logs are signed with, made at the first run."""
        return checkpoint_key(self.settings.checkpoint_key, self.settings.checkpoint_keys)

    def public_checkpoint_keys(self) -> PublicKeys:
        """The keys that checkpoints are checked against, old ones included."""
        return public_keys(self.settings.checkpoint_keys)

    @property
    def link_secret(self) -> bytes:
        """What signs the addresses in messages; notifications checks them with the same key."""
        return hashlib.sha256(b"cchc-link-v1" + self.signing_key.private.private_bytes_raw()).digest()

    def replicator_token(self) -> str:
        return self._service_token("replicator")

    def _service_token(self, role: str) -> str:
        return mint(self.signing_key, sub=f"service/{role}", commune="*", roles=[role], lifetime=SERVICE_LIFETIME)
