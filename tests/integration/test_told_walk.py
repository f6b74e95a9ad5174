"""Every command of every service that can be typed in another's name, typed so, is told to that person (G19); and what
a person's rating rests on, recorded by another, is told to them.

The names of all commands stand here: in TYPED with what records them, or in NOBODYS with the reason why nobody else is
spoken for. A new command fails until it has its place. Whose rating an event touches stands in touching.py.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.notifications import commands as of_notifications
from services.notifications.app import create_web
from services.notifications.channels.interface import Message
from services.notifications.domain.acts import concerns_anybody, span_of
from services.notifications.domain.records import Records
from services.notifications.domain.rules import AT_ONCE
from services.notifications.domain.rules import TYPED as RULE
from services.notifications.domain.touching import DECLINED, TOUCHES, touched
from services.notifications.views import of_acts
from services.scoring.domain import decisions as of_scoring
from services.tasks.domain import decisions as of_tasks
from shared import events as ev
from shared.eventlog import reading
from shared.events import CATALOGUE, Envelope, decode
from shared.events.authors import authors, typed_for
from shared.web.auth import Verifier
from shared.web.keys import generate_key, mint
from tests.integration.test_own_record import ME, OWN
from tests.integration.test_who_acts import OFFICE, REQUESTS
from tests.support.histories import COMMUNE, appointed, assigned
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import World
from tests.support.tasks_web import OPERATOR, Commune
from tests.support.year_2026 import Year2026

COMMANDS = {
    "tasks": {command.__name__ for command in of_tasks.HANDLERS},
    "scoring": {command.__name__ for command in of_scoring.HANDLERS},
    "notifications": {command.__name__ for command in of_notifications.HANDLERS},
}
# What a command typed in another's name records.
TYPED: dict[str, dict[str, type]] = {
    "tasks": {
        "ChooseCommuneSettings": ev.CommuneSettingsChosen,
        "PublishCalendar": ev.CalendarPublished,
        "AssignTask": ev.TaskAssigned,
        "CorrectTask": ev.TaskCorrected,
        "CorrectCoefficient": ev.CoefficientCorrected,
        "HandBackTask": ev.TaskHandedBack,
        "CancelTask": ev.TaskCancelled,
        "ConfirmDue": ev.DueConfirmed,
        "RequestExtension": ev.ExtensionRequested,
        "GrantExtension": ev.ExtensionGranted,
        "RefuseExtension": ev.ExtensionRefused,
        "AcknowledgeTask": ev.TaskAcknowledged,
        "NoteProgress": ev.ProgressNoted,
        "ReportResult": ev.ResultReported,
        "ReturnResult": ev.ResultReturned,
        "AcceptResult": ev.TaskCompleted,
        "ReopenTask": ev.TaskReopened,
        "ConfirmObjectiveCause": ev.ObjectiveCauseConfirmed,
        "SettleDraft": ev.DraftSettled,
        "SetTemplate": ev.TemplateSet,
        "EndTemplate": ev.TemplateEnded,
        "ConfirmImport": ev.ImportConfirmed,
    },
    "scoring": {
        "ChooseSettings": ev.SettingsChosen,
        "AssessCommon": ev.CommonAssessed,
        "RecordUnitResult": ev.UnitResultRecorded,
        "ChooseRuleSet": ev.RuleSetChosen,
        "AssessPeriod": ev.CommonAssessed,
        "RecordLeaderCriteria": ev.LeaderCriteriaRecorded,
        "ReceivePeriodResult": ev.PeriodResultReceived,
        "ClosePeriod": ev.PeriodClosed,
        "ReopenPeriod": ev.PeriodReopened,
        "Propose": ev.RatingProposed,
        "ProposeOne": ev.RatingProposed,
        "AssessOneself": ev.SelfAssessed,
        "Decide": ev.RatingDecided,
        "FileAppeal": ev.RatingAppealed,
        "ResolveAppeal": ev.AppealResolved,
        "ReRate": ev.ReRated,
    },
    "notifications": {"ChangePreferences": ev.PreferencesChanged, "IssueSlips": ev.UrgingSlipIssued},
}
NO_AUTHOR = "Its event names no author but the actor"
TYPIST = "Its event names the person who typed it, whom the command cannot choose"
NOBODYS: dict[str, dict[str, str]] = {
    "tasks": {
        "OpenCommune": NO_AUTHOR,
        "RenameCommune": NO_AUTHOR,
        "CloseCommune": NO_AUTHOR,
        "DefineUnit": NO_AUTHOR,
        "AppointStaff": NO_AUTHOR,
        "ChangeStaff": NO_AUTHOR,
        "EndAppointment": NO_AUTHOR,
        "RecordAbsence": NO_AUTHOR,
        "RecordDiscipline": NO_AUTHOR,
        "WithdrawDiscipline": NO_AUTHOR,
        "IssueDirective": NO_AUTHOR,
        "AmendDirective": NO_AUTHOR,
        "WithdrawDirective": NO_AUTHOR,
        "DraftTask": NO_AUTHOR,
        "Together": "Each command in it is looked at by its own event",
    },
    "scoring": {
        "RecordMeeting": "The word of a meeting, by numbers",
        "RecordOpinion": "The word of a body outside: told as such",
        "Notify": NO_AUTHOR,
        "Publish": NO_AUTHOR,
    },
    "notifications": {
        "AcknowledgeReminder": TYPIST,
        "RecordSentByHand": TYPIST,
        "UrgeTasks": TYPIST,
        "PublishPolicy": TYPIST,
    },
}


@pytest.mark.parametrize("service", COMMANDS)
def test_every_command_has_its_place(service: str) -> None:
    assert COMMANDS[service] == TYPED[service].keys() | NOBODYS[service].keys()
    assert not TYPED[service].keys() & NOBODYS[service].keys()


def fields_of(data: type) -> Iterator[str]:
    return (field.name for field in msgspec.structs.fields(data))


def test_every_event_that_names_an_author_is_one_that_a_command_here_records() -> None:
    """The events of the commands that nobody else is spoken for by name nobody, or the typist."""
    named = {of.data for of in CATALOGUE if {"by", "verified_by", "signed_by"} & {*fields_of(of.data)}}
    typed = {data for events in TYPED.values() for data in events.values()}
    # DueRecomputed follows from a calendar; the others name their typist.
    typists = {ev.PolicyPublished, ev.ReminderQueued, ev.ReminderSentByHand, ev.ReminderAcknowledged}
    assert named - typed == {ev.DueRecomputed, *typists}


class Kept:
    """A channel that keeps what it takes over."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)


class Watch:
    """Notifications with replicas of the logs of a test, which it looks at on demand."""

    def __init__(self, world: World, channel: Kept) -> None:
        self.world = world
        self.channel = channel

    def take(self, source: str, bodies: list[bytes]) -> None:
        self.world.notifications.logs[source].append_verbatim(COMMUNE, bodies)
        self.world.now = max(self.world.now, ev.parse_time(decode(bodies[-1]).time)) + timedelta(seconds=1)
        self.world.look()

    def told(self, envelope: Envelope, rules: Collection[str] = (RULE,)) -> dict[str, set[str]]:
        """By person, the channels by which a notice of an event has reached them: by default of one in their name."""
        told: dict[str, set[str]] = {}
        for each in (each for rule in rules for each in self.world.occurrences(rule=rule)):
            span = span_of(each.about)
            assert span is not None
            if f"/{span.source}" == envelope.source and span.first <= envelope.position <= span.last:
                assert each.state in ("delivered", "sent"), (each.state, each.reason)
                told.setdefault(each.recipient, set()).add(each.channel)
        return told

    def must_have_told(self, envelopes: list[Envelope]) -> None:
        """Everybody in whose name somebody else typed, and nobody else."""
        for envelope in envelopes:
            if typed_for(envelope):
                both = {person: {"inbox", "email"} for person in typed_for(envelope)}
                assert self.told(envelope).items() >= both.items(), envelope
        told = {person for envelope in envelopes for person in self.told(envelope)}
        assert told == {person for envelope in envelopes for person in typed_for(envelope)}


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with migrated(sqlite_url(Path(tmp_path_factory.mktemp("watch")), "own"), "services.notifications") as engine:
        channel = Kept()
        yield Watch(World(engine, "2024-01-01 08:00", email=channel), channel)


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[Commune]:
    commune = Commune(Path(tmp_path_factory.mktemp("typed")))
    commune.open()
    commune.enter_roster()
    watch.take("tasks", [*commune.tasks.log.read_all(COMMUNE)])
    yield commune
    commune.engine.dispose()


@pytest.mark.parametrize("name", TYPED["tasks"])
def test_a_command_of_tasks_typed_by_the_office(commune: Commune, watch: Watch, name: str) -> None:
    request = REQUESTS[name](commune)
    before = commune.position
    answer = request.sent(commune, OFFICE, named=True)
    assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    watch.take("tasks", [*commune.tasks.log.read_all(COMMUNE)])
    recorded = [decode(body) for body in commune.tasks.log.read_all(COMMUNE, before)]
    assert {type(each.data) for each in recorded if typed_for(each)} >= {TYPED["tasks"][name]}
    assert {person for each in recorded for person in typed_for(each)} == {request.by}
    watch.must_have_told(recorded)
    texts = [
        item.text for message in watch.channel.messages if message.recipient == request.by for item in message.items
    ]
    assert any(text.startswith("Ghi thay: ") for text in texts)


class TypedYear(Year2026):
    """The year of 2026, all of it typed by p14 that p14 may type; a second person of the Office, p16, does in
    name what p14 does in the year as lived."""

    def begin(self) -> None:
        super().begin()
        self.record("1/1/2026", appointed("p16", roles=["office"], rated=False))

    def as_(self, who: str) -> dict[str, str]:
        return self.auth("staff/p16", "office") if who == "p16" else super().as_(who)

    def send(self, who: str, path: str, body: dict[str, Any]) -> Any:
        if body.get("by") == "p14" and "common" not in path:
            body = body | {"by": "p16"}
        # What concerns everybody who is rated is typed by p16, who is not.
        for typist in ("p14", "p16", who):
            answer = super().send(typist, path, body)
            if answer.status_code == 201:
                break
        return answer


@pytest.fixture(scope="module")
def typed_year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watch, list[Envelope]]]:
    year = TypedYear(Path(tmp_path_factory.mktemp("year")))
    year.live()
    year.on("6/1/2027")
    chosen = {"settings": {"decision_by": "12-20"}, "by": "p01", "reason": "Theo công văn của tỉnh"}
    year.done("p01", f"{year_path(2026)}/settings", chosen)
    bodies = {source: [*year.scoring.logs[source].read_all(COMMUNE)] for source in ("tasks", "scoring")}
    year.scoring.engine.dispose()
    with migrated(sqlite_url(Path(tmp_path_factory.mktemp("told")), "own"), "services.notifications") as engine:
        watch = Watch(World(engine, "2026-01-01 10:00", email=Kept()), Kept())
        # The people of the first day, then the watch, then everything else.
        first = next(
            number for number, body in enumerate(bodies["tasks"]) if isinstance(decode(body).data, ev.TaskAssigned)
        )
        watch.take("tasks", bodies["tasks"][:first])
        watch.take("tasks", bodies["tasks"])
        watch.take("scoring", bodies["scoring"])
        yield watch, [decode(body) for body in bodies["scoring"]]


def year_path(year: int) -> str:
    return f"/api/v1/scoring/communes/{COMMUNE}/years/{year}"


def test_every_command_of_scoring_typed_by_the_office(typed_year: tuple[Watch, list[Envelope]]) -> None:
    watch, recorded = typed_year
    kinds = {type(each.data) for each in recorded if typed_for(each)}
    assert kinds == {*TYPED["scoring"].values()}
    stages = {
        (type(each.data), each.data.period is None) for each in recorded if isinstance(each.data, ev.CommonAssessed)
    }
    assert len(stages) == 2  # of a year (AssessCommon) and of a period (AssessPeriod)
    for each in recorded:
        if typed_for(each):
            told = watch.told(each)
            assert told.keys() >= typed_for(each), each
    nobodys = [each for each in recorded if not concerns_anybody(each)]
    assert nobodys and not any(watch.told(each) for each in nobodys)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/preferences/p07", {"channels": {}, "digest": True}),
        ("POST", "/slips", {"tasks": ["t1"], "signed_by": "p01"}),
    ],
    ids=TYPED["notifications"],
)
def test_a_command_of_notifications_typed_by_the_office(tmp_path: Path, method: str, path: str, body: Any) -> None:
    key = generate_key(tmp_path / "private.pem", tmp_path / "public.json")
    token = mint(key, sub="staff/p14", commune=COMMUNE, roles=["office"], lifetime=timedelta(hours=1))
    with migrated(sqlite_url(tmp_path, "own"), "services.notifications") as engine:
        world = World(engine, "2024-06-03 08:00", email=Kept()).open()
        world.record(assigned("t1", due="4/6"))
        world.to("2024-06-07 09:00")
        client = create_web(world.notifications, Verifier(str(tmp_path / "public.json"))).test_client()
        url = f"/api/v1/notifications/communes/{COMMUNE}{path}"
        before = world.notifications.log.head(COMMUNE).position
        answer = client.open(url, method=method, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        # Told in the same transaction, before any worker looks.
        recorded = [decode(bytes_) for bytes_ in world.notifications.log.read_all(COMMUNE, before)]
        queued = {each.data.recipient for each in recorded if isinstance(each.data, ev.ReminderQueued)}
        said = [each for each in recorded if typed_for(each)]
        assert queued == {person for each in said for person in authors(each.data) - {"p14"}} != set()
        world.look()
        Watch(world, Kept()).must_have_told(said)


# What a rating rests on


# An appointment says all of a post at once, so it comes after each change.
@pytest.mark.parametrize("name", sorted(OWN, key="AppointStaff".__eq__))
def test_what_somebody_else_records_of_a_persons_rating_reaches_that_person(
    commune: Commune, watch: Watch, name: str
) -> None:
    """Each command about one person, typed by the Office, else sent by the first who may: ME is told, or it is
    declined."""
    request = OWN[name](commune)
    before = commune.position
    sender: tuple[tuple[Any, bool], ...] = ((OFFICE, bool(request.by)), ("p01", False), (OPERATOR, False))
    answers = (request.sent(commune, who, named=named) for who, named in sender)
    assert any(answer.status_code in (200, 201) for answer in answers)
    watch.take("tasks", [*commune.tasks.log.read_all(COMMUNE)])
    recorded = [decode(body) for body in commune.tasks.log.read_all(COMMUNE, before)]
    told = {person for each in recorded for person in watch.told(each, AT_ONCE)}
    untold = {
        "ChangeStaff post": "The words of a post",
        "AssignTask": "Given today, due in time",
        "SettleDraft": "The task that it becomes is given today",
        "SetTemplate": "It begins today",
        "EndTemplate": DECLINED[ev.TemplateEnded],
        "AcceptResult": DECLINED[ev.TaskCompleted],
        "CorrectTask as collaborator": "The lead's rating rests on a task",
    }
    assert (ME in told) is (name not in untold)


def test_the_whole_year_of_scoring_reaches_whom_it_touches(typed_year: tuple[Watch, list[Envelope]]) -> None:
    watch, recorded = typed_year
    records = reading_records(watch)
    touching = [each for each in recorded if type(each.data) in TOUCHES]
    assert {type(each.data) for each in touching} >= {ev.MeetingRecorded, ev.PeriodClosed, ev.SettingsChosen}
    for each in touching:
        others = touched(records, each) - {each.actor.removeprefix("staff/")}
        assert watch.told(each, AT_ONCE).keys() >= others, each


def reading_records(watch: Watch) -> Records:
    with reading(watch.world.engine, COMMUNE) as connection:
        return of_acts(connection, COMMUNE, ())
