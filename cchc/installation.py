"""One installation: its databases and services, opened as they are needed; the same objects run embedded or alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property

import flask
from sqlalchemy import Engine

from cchc.output import progress
from cchc.settings import SERVICES, Settings
from services.scoring import app as scoring_app
from services.scoring import worker as scoring_worker
from services.tasks import app as tasks_app
from services.tasks import worker as tasks_worker
from shared.eventlog import Log, open_database, utcnow
from shared.eventlog.checkpoints import CheckpointKey, PublicKeys, checkpoint_key, public_keys
from shared.eventlog.feed import FeedClient
from shared.eventlog.migrations import migrate
from shared.eventlog.relay import Relay
from shared.eventlog.replica import Replica
from shared.eventlog.signer import Signer
from shared.events import uuid7
from shared.web.auth import Verifier
from shared.web.keys import SigningKey, generate_key, load_key, mint
from shared.worker import Loop

REPLICATOR_LIFETIME = timedelta(hours=12)


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

    def engine(self, service: str) -> Engine:
        if service not in self._engines:
            self.settings.data.mkdir(parents=True, exist_ok=True)
            self._engines[service] = open_database(self.settings.databases[service])
        return self._engines[service]

    def migrate(self) -> None:
        """Bring every service's database to the schema of this release."""
        for service in SERVICES:
            migrate(self.engine(service), f"services.{service}")

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    # Services

    @cached_property
    def tasks(self) -> tasks_app.Tasks:
        return tasks_app.open_tasks(self.engine("tasks"), self.settings.evidence, clock=self.clock, new_id=self.new_id)

    @cached_property
    def scoring(self) -> scoring_app.Scoring:
        return scoring_app.open_scoring(
            self.engine("scoring"),
            None if self.settings.kafka else self.tasks.log,
            clock=self.clock,
            new_id=self.new_id,
            owner_heads=self.tasks_feed.heads if self.settings.kafka else None,
        )

    def own_log(self, service: str) -> Log:
        return {"tasks": lambda: self.tasks.log, "scoring": lambda: self.scoring.logs["scoring"]}[service]()

    def web(self, service: str) -> flask.Flask:
        build: Mapping[str, Callable[[], flask.Flask]] = {
            "tasks": lambda: tasks_app.create_web(self.tasks, self.verifier, origin=self.settings.origin),
            "scoring": lambda: scoring_app.create_web(self.scoring, self.verifier, origin=self.settings.origin),
        }
        return build[service]()

    def loops(self, service: str) -> dict[str, Loop]:
        """What runs in the background of a service; with Kafka also its relay and its replica's consumer."""
        signer = {"signer": self.signer(service).run}
        if service == "tasks":
            return tasks_worker.loops(self.tasks) | signer | self._relay(self.tasks.log)
        own = scoring_worker.loops(self.scoring, progress("Dựng lại"))
        return own | signer | self._relay(self.scoring.logs["scoring"]) | self._replica()

    def signer(self, service: str) -> Signer:
        """Signs a service's log; scoring signs at a decision also how far it holds the tasks log."""
        rests_on = [self.scoring.logs["tasks"]] if service == "scoring" else []
        return Signer(self.own_log(service), self.checkpoint_key, rests_on=rests_on, clock=self.clock)

    def _relay(self, log: Log) -> dict[str, Loop]:
        return {"relay": Relay(log, self.settings.kafka).run} if self.settings.kafka else {}

    def _replica(self) -> dict[str, Loop]:
        """Scoring takes over the tasks log from Kafka; what the topic lacks comes from the feed of tasks."""
        if not self.settings.kafka:
            return {}
        replica = Replica(
            self.scoring.logs["tasks"],
            self.settings.kafka,
            "cchc.scoring",
            fetch=self.tasks_feed.fetch,
            owner_heads=self.tasks_feed.heads,
        )
        return {"replica": replica.run}

    @cached_property
    def tasks_feed(self) -> FeedClient:
        """What the owner of the tasks log says of it to a replica."""
        return FeedClient(self.settings.urls["tasks"], self.replicator_token)

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

    def replicator_token(self) -> str:
        return mint(
            self.signing_key, sub="service/replicator", commune="*", roles=["replicator"], lifetime=REPLICATOR_LIFETIME
        )
