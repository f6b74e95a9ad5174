"""A service of a few lines, for a test: who comes to the Office, and that it answers the next moment.

`python -m tests.support.visits …` is `cchc …` on an installation that has it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar

import flask
import msgspec
from marshmallow import fields
from sqlalchemy import Column, Engine, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from cchc.doctor.finding import Finding, ok, warning
from cchc.services import SERVICES, Host, Service, ServiceCheck
from shared.eventlog import Appended, Key, Log, reading
from shared.eventlog.log import Decision, Transaction
from shared.events import Data, Envelope
from shared.events.catalogue import event
from shared.projection import Progress, Runner
from shared.projection.records import RecordsProjection
from shared.records import Fold, Records
from shared.refusal import Refusal
from shared.web.answers import as_json
from shared.web.app import create_app
from shared.web.app import service as handle_of
from shared.web.auth import Principal, action
from shared.web.changes import Change, add
from shared.web.feed import FEED_ACTIONS, feed_blueprint
from shared.web.schema import Blueprint, Schema
from shared.web.status import status_blueprint
from shared.worker import IsOurs, Loop

# Events


@event("visit.recorded", source="visits", subject="visit/{visit}")
class VisitRecorded(Data):
    visit: str
    about: str


@event("visit.answered", source="visits", subject="visit/{visit}")
class VisitAnswered(Data):
    visit: str


# The domain

ALREADY_RECORDED = Refusal("visit-known", "Lượt tiếp đã ghi", "Lượt tiếp {visit} đã được ghi trước đó.")


class RecordVisit(msgspec.Struct, frozen=True):
    visit: str
    about: str


class Visit(msgspec.Struct):
    about: str
    answered: bool = False


class Visits(Records):
    KINDS: ClassVar[Mapping[str, type[msgspec.Struct]]] = {"visit": Visit}


def _recorded(records: Visits, _: Envelope, data: VisitRecorded) -> tuple[str, str]:
    records.by_kind["visit"][data.visit] = Visit(data.about)
    return "visit", data.visit


def _answered(records: Visits, _: Envelope, data: VisitAnswered) -> tuple[str, str]:
    records.by_kind["visit"][data.visit].answered = True
    return "visit", data.visit


TABLE = Table(
    "records",
    MetaData(),
    Column("commune", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
)
FOLD = Fold[Visits]({VisitRecorded: _recorded, VisitAnswered: _answered}, declines=())
PROJECTION = RecordsProjection(TABLE, Visits, FOLD.evolve, fold_version=1, sources=("visits",))


# The service


class Office(msgspec.Struct, frozen=True):
    engine: Engine
    logs: Mapping[str, Log]
    clock: Callable[[], datetime]

    @property
    def log(self) -> Log:
        return self.logs["visits"]

    def visits(self, commune: str) -> Mapping[str, Visit]:
        with reading(self.engine, commune) as connection:
            return PROJECTION.read(connection, commune).by_kind["visit"]


def open_office(host: Host) -> Office:
    engine, tasks = host.engine("visits"), host.log_of("tasks")
    own = Log(
        engine,
        "visits",
        clock=host.clock,
        new_id=host.new_id,
        knows=lambda commune: tasks is None or tasks.head(commune).position > 0,
    )
    return Office(engine, {"visits": own}, host.clock)


def execute(
    office: Office,
    principal: Principal,
    command: RecordVisit,
    /,
    *,
    commune: str,
    if_match: int | None = None,
    key: Key | None = None,
) -> Appended:
    def decide(tx: Transaction) -> Decision:
        if tx.version(f"visit/{command.visit}"):
            raise ALREADY_RECORDED(visit=command.visit)
        return Decision([VisitRecorded(command.visit, command.about)])

    return office.log.append(commune, decide, actor=principal.actor, key=key)


class VisitBody(Schema):
    about = fields.String(required=True)


class RecordedAnswer(Schema):
    commune = fields.String()
    position = fields.Integer()


blueprint = Blueprint("visits", __name__, url_prefix="/communes/<commune>", description="Tiếp dân")
add(
    blueprint,
    [Change("/visits/<visit>", RecordVisit, VisitBody, "Record a visit.", "visit.record", method="PUT")],
    execute,
    answer=RecordedAnswer,
)


@blueprint.route("/visits")
@action("visit.read")
def visits(commune: str) -> flask.Response:
    """Every visit."""
    office: Office = handle_of()
    return as_json(office.visits(commune))


def create_web(office: Office, host: Host) -> flask.Flask:
    clerks = frozenset({"admin", "office"})
    return create_app(
        "visits",
        blueprints=[blueprint, feed_blueprint(office.log), status_blueprint(office.log)],
        actions={"visit.record": clerks, "visit.read": clerks, **FEED_ACTIONS},
        verifier=host.verifier,
        service=office,
        checks={"database": office.log.heads},
        refusals=[ALREADY_RECORDED],
        origin=host.origin,
    )


def loops(office: Office, progress: Progress | None, mine: IsOurs) -> dict[str, Loop]:
    runner = Runner(office.engine, office.logs, PROJECTION, mine)
    return {"records": lambda stop: runner.run(stop, progress)}


def answering(office: Office) -> dict[str, Loop]:
    """Every visit is answered as soon as it is folded."""

    def answer(stop: threading.Event) -> None:
        while not stop.wait(0.05):
            for commune in office.log.heads():
                waiting = [visit for visit, record in office.visits(commune).items() if not record.answered]
                for visit in waiting:
                    office.log.append(commune, partial(_answer, visit), actor="service/visits")

    return {"answering": answer}


def _answer(visit: str, tx: Transaction) -> Decision:
    return Decision([VisitAnswered(visit)] if tx.version(f"visit/{visit}") == 1 else [])


def answered(office: Office) -> Iterator[Finding]:
    waiting = [
        f"{commune}/{name}"
        for commune in office.log.heads()
        for name, visit in office.visits(commune).items()
        if not visit.answered
    ]
    if waiting:
        yield warning(f"chờ trả lời: {', '.join(waiting)}", "cchc work visits")
    else:
        yield ok("đã trả lời mọi lượt tiếp")


VISITS = Service(
    name="visits",
    user=10017,
    package="tests.support.visits",
    open=open_office,
    web=create_web,
    records=PROJECTION,
    loops=loops,
    alone=answering,
    checks=[ServiceCheck("visits", "Tiếp dân", answered)],
)


def add_to_the_product() -> None:
    """The one place that is touched."""
    SERVICES[VISITS.name] = VISITS
