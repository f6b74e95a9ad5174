"""Random histories of a commune, its people, its mail server and its worker: what holds of every reminder."""

import shutil
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notifications.channels.interface import Message, Permanent, Temporary
from services.notifications.outbox import LEASE
from services.notifications.reactors import Reminding
from shared.eventlog import Decision, open_database
from shared.eventlog.verify import verify_log
from shared.events import (
    VIETNAM,
    Data,
    PreferencesChanged,
    ReminderDelivered,
    ReminderFailed,
    ReminderQueued,
    ReminderSent,
    ReminderSuppressed,
    Span,
    decode,
    parse_time,
)
from tests.support import histories as h
from tests.support.histories import COMMUNE
from tests.support.logs import migrated, sqlite_url
from tests.support.reminding import TET, World

TASKS = ("t1", "t2", "t3")
LEADS = {"t1": "p07", "t2": "p08", "t3": "p02"}


class Killed(BaseException):
    """The worker ends here, as by kill -9: nothing of it is recorded."""


class Mail:
    """A channel that looks at what it is given, and answers as the history wants."""

    def __init__(self, life: "Life") -> None:
        self.life = life
        self.answers: list[str] = []
        self.taken: Counter[str] = Counter()
        self.kills = 0
        self.wrong: list[str] = []
        self.messages: dict[str, set[str]] = defaultdict(set)

    def send(self, message: Message) -> None:
        # Whatever a channel raises is a failed attempt: what is wrong is asserted at the end.
        self.wrong += self.life.quiet_at(self.life.world.now, message.recipient)
        for item in message.items:
            self.messages[item.reminder].add(message.message)
            if item.about.startswith("task/") and not self.life.open.get(item.about.removeprefix("task/")):
                self.wrong.append(f"{item.about} is not open any more")
        answer = self.answers.pop() if self.answers else "taken"
        if answer == "later":
            raise Temporary("later")
        if answer == "never":
            raise Permanent("never")
        self.taken[message.message] += 1
        if answer == "killed":
            self.kills += 1
            raise Killed


class Life:
    """A commune whose days are drawn; around Tết, so that there are days off."""

    def __init__(self, engine: Any) -> None:
        self.mail = Mail(self)
        self.world = World(engine, "2024-01-22 08:00", email=self.mail).open()
        self.open: dict[str, bool] = {}
        self.status: dict[str, str] = {}
        self.version: dict[str, int] = {}
        self.quiet: dict[str, list[Span]] = {}

    def quiet_at(self, now: datetime, recipient: str) -> list[str]:
        """Why nothing may go to somebody now."""
        local = now.astimezone(VIETNAM)
        at = f"{local:%H:%M}"
        own = any(span.from_ <= at < span.to for span in self.quiet.get(recipient, []))
        open_now = "07:30" <= at < "11:30" or "13:00" <= at < "17:00"
        working = local.weekday() < 5 and local.date() not in TET
        return [] if working and open_now and not own else [f"{local} is quiet for {recipient}"]

    # What happens

    def act(self, what: str, task: str, days: int) -> None:
        """One act, where the task stands so that it can be done; else nothing."""
        event = self._event(what, task, self.world.now.astimezone(VIETNAM).date() + timedelta(days))
        if event is not None:
            self.world.record(event)

    def _event(self, what: str, task: str, due: date) -> Data | None:
        status = self.status.get(task, "new")
        today = self.world.now.astimezone(VIETNAM).date()
        if what == "assign" and status == "new":
            self._became(task, "open")
            self.version[task] = 1
            return h.assigned(task, due=due, lead=LEADS[task])
        if what == "report" and status in ("open", "asked"):
            self._became(task, "reported")
            return h.reported(task, today)
        if what == "return" and status == "reported":
            self._became(task, "open")
            return h.returned(task, max(due, today), self._next(task))
        if what == "complete" and status == "reported":
            self._became(task, "completed")
            return h.completed(task, today)
        if what == "reopen" and status == "completed":
            self._became(task, "open")
            return h.reopened(task, max(due, today), self._next(task))
        if what == "cancel" and status in ("open", "asked", "reported"):
            self._became(task, "cancelled")
            return h.cancelled(task)
        if what == "ask" and status == "open":
            self._became(task, "asked")
            return h.asked(task, due)
        if what == "grant" and status == "asked":
            self._became(task, "open")
            return h.granted(task, max(due, today), self._next(task))
        if what == "refuse" and status == "asked":
            self._became(task, "open")
            return h.refused(task)
        return None

    def _became(self, task: str, status: str) -> None:
        self.status[task] = status
        self.open[task] = status in ("open", "asked")

    def _next(self, task: str) -> int:
        self.version[task] += 1
        return self.version[task]

    def prefer(self, staff: str, digest: bool, quiet: bool) -> None:
        spans = [Span(from_="13:00", to="15:00")] if quiet else []
        self.quiet[staff] = spans
        chosen = PreferencesChanged(staff=staff, channels={}, digest=digest, by=staff, quiet=spans)
        self.world.notifications.log.append(COMMUNE, lambda _: Decision([chosen]), actor=f"staff/{staff}")

    # Who looks

    def look(self) -> None:
        try:
            self.world.look()
        except Killed:
            self.restart()

    def restart(self) -> None:
        self.world.reminding = Reminding(self.world.notifications)

    def end(self) -> None:
        """All tasks end, the mail server takes everything, and some weeks pass."""
        self.mail.answers.clear()
        for task in TASKS:
            for what in ("report", "complete"):
                self.act(what, task, 0)
        for _ in range(15):
            self.world.now = (self.world.now + timedelta(days=1)).astimezone(VIETNAM).replace(hour=16, minute=0)
            self.look()


acts = st.tuples(
    st.sampled_from(["assign", "report", "return", "complete", "reopen", "cancel", "ask", "grant", "refuse"]),
    st.sampled_from(TASKS),
    st.integers(-3, 14),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("act"), acts),
        st.tuples(st.just("act"), st.tuples(st.just("assign"), st.sampled_from(TASKS), st.integers(0, 10))),
        st.tuples(st.just("pass"), st.sampled_from([10, 50, 180, 330, 930, 1440, 4320])),
        st.tuples(st.just("pass and look"), st.sampled_from([1, 10, 50, 180, 330, 930, 1440, 4320])),
        st.tuples(st.just("pass and look"), st.sampled_from([10, 930, 1440])),
        st.tuples(st.just("answers"), st.lists(st.sampled_from(["later", "never", "killed", "taken"]), max_size=4)),
        st.tuples(st.just("prefer"), st.tuples(st.sampled_from(["p07", "p02", "p14"]), st.booleans(), st.booleans())),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=40,
    max_size=80,
)


def live(life: Life, drawn: list[tuple[str, Any]]) -> None:
    for days, task in enumerate(TASKS, 3):
        life.act("assign", task, days)
    for what, of in drawn:
        if what == "act":
            life.act(*of)
        elif what in ("pass", "pass and look"):
            life.world.now += timedelta(minutes=of)
            if what == "pass and look":
                life.look()
        elif what == "answers":
            life.mail.answers = of
        elif what == "prefer":
            life.prefer(*of)
        else:
            life.restart()
    life.world.now += LEASE
    life.end()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was migrated, to be copied."""
    folder = tmp_path_factory.mktemp("reminding")
    with migrated(sqlite_url(folder, "empty"), "services.notifications") as engine, engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "empty.db"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=steps)
def test_every_reminder_of_a_random_history(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("life")
    shutil.copy(empty, folder / "own.db")
    engine = open_database(sqlite_url(folder, "own"))
    try:
        life = Life(engine)
        live(life, drawn)
        must_hold(life)
    finally:
        engine.dispose()
        shutil.rmtree(folder)


def must_hold(life: Life) -> None:
    wrong = life.mail.wrong
    queued: Counter[str] = Counter()
    rungs: Counter[tuple[Any, ...]] = Counter()
    final: dict[str, list[Data]] = defaultdict(list)
    for envelope in map(decode, life.world.notifications.log.read_all(COMMUNE)):
        data = envelope.data
        if isinstance(data, ReminderQueued):
            queued[data.reminder] += 1
            rungs[data.about, data.rule, data.due_version, data.recipient, data.channel] += 1
        elif isinstance(data, ReminderSent | ReminderDelivered | ReminderSuppressed | ReminderFailed):
            if isinstance(data, ReminderFailed) and not data.final:
                continue
            final[data.reminder].append(data)
        if isinstance(data, ReminderDelivered | ReminderSent):
            # Personal hours may have changed since: those were looked at when it was sent.
            wrong += life.quiet_at(parse_time(envelope.time), "the commune")

    assert wrong == []
    assert set(queued.values()) <= {1}, "an occurrence is queued once"
    assert set(rungs.values()) <= {1}, "a rung is told once"
    assert {reminder: len(ends) for reminder, ends in final.items()} == dict.fromkeys(queued, 1), "one final state each"
    assert all(len(messages) == 1 for messages in life.mail.messages.values()), "a reminder is in one message"
    doubles = sum(count - 1 for count in life.mail.taken.values())
    assert doubles <= life.mail.kills, "twice only after a crash between acceptance and record"
    states = {each.reminder: each.state for each in life.world.occurrences()}
    sent = {data.message for ends in final.values() for data in ends if isinstance(data, ReminderSent)}
    assert sent <= set(life.mail.taken), "what is recorded as sent was taken over"
    assert "queued" not in states.values()
    assert verify_log(life.world.notifications.log) == []
