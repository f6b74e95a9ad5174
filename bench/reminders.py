"""Issue 5's speed: a commune-year of reminding rebuilt, a province's morning evaluated, e-mail from queue to sent.

A province is 300 communes with 334 open tasks each, whose reminders of the two months before are recorded. "Evaluated"
reads each commune's records and occurrences and works out what the morning wants; nothing is written.

From queue to sent counts what `Reminding` does with reminders that are queued: claim, check that each is still wanted,
put into words, hand over to SMTP, record. The sink is aiosmtpd in a process of its own; the baselines send e-mail of
the same size to it, over a connection for each as ours does or over one for all, and record nothing.
"""

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from random import Random
from smtplib import SMTP
from typing import Any

import msgspec
from sqlalchemy import Engine, func, select

from bench import generate
from bench.measure import MEBIBYTE, in_child, in_turn, peak_memory, show
from bench.servers import Servers
from services.notifications import tables, views
from services.notifications.channels.email import Email, Server
from services.notifications.channels.interface import Channel, Channels, Contact
from services.notifications.domain.calendars import calendars_at
from services.notifications.domain.occurrence import Wanted
from services.notifications.domain.plan import View, plan
from services.notifications.domain.policy import default_policy
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.queries import view_at
from services.notifications.reactors import Reminding
from services.notifications.service import Notifications, open_notifications
from services.notifications.views import PROJECTION, running
from shared.eventlog import Decision, Log, reading, writing
from shared.events import (
    VIETNAM,
    PolicyPublished,
    ReminderDelivered,
    ReminderQueued,
    ReminderSent,
    ReminderSuppressed,
    format_time,
)
from shared.projection import Runner, replay
from tests.support.servers import free_port
from tests.support.waiting import until

YEAR = generate.FIRST_DAY.year
COMMUNE_YEAR = 10_000  # events of tasks
TASKS_BEGIN = 300 * 24 * 60  # minutes of the year within which tasks are given
MORNING = date(YEAR, 6, 15)
RULE_TIMES = ("07:30", "08:00")
HISTORY_DAYS = 60
OPEN_TASKS = 334  # of a commune
SIZES = {False: (30, 90, 300), True: (3, 9)}  # quick → communes of provinces
MAILS = {False: 2_000, True: 200}
TEMPLATES = 4  # communes that are made up; the others are these under other names
ROUNDS = {False: 5, True: 1}


def run(quick: bool, _: Servers) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _commune_year(str(Path(folder, "year.db")), ROUNDS[quick])
        _province(str(Path(folder, "province.db")), SIZES[quick])
        _mail(folder, MAILS[quick], ROUNDS[quick])


def at(day: date, clock: str) -> str:
    """A time of day in Vietnam as events have it."""
    return format_time(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=VIETNAM).astimezone(UTC))


# What a commune was reminded of, as the planner would have had it


def own_log(commune: str, records: Records, days: Iterable[date]) -> list[bytes]:
    """The own log of a commune that was reminded at the rules' times of these days."""
    rng = Random(f"notifications {commune}")
    return generate.sealed("notifications", commune, _own_steps(commune, records, days), rng)


def _own_steps(commune: str, records: Records, days: Iterable[date]) -> Iterator[generate.Step]:
    first = generate.FIRST_DAY
    yield first, generate.OFFICE, default_policy()
    seen: set[Any] = set()
    view = View(
        records=records,
        policies=[(format_time(first), default_policy())],
        preferences={},
        channels=frozenset({"inbox", "email"}),
        endpoints=[],
        addresses=frozenset(),
        seen=seen,
    )
    since = format_time(first)
    for day in days:
        for clock in RULE_TIMES:
            now = at(day, clock)
            moment = datetime.fromisoformat(now)
            wanted, _ = plan(view, now, since)
            for each in wanted:
                yield moment, generate.OFFICE, _queued(commune, each)
            for each in wanted:
                yield moment, generate.OFFICE, _ended(each, each.id(commune), now)
            seen |= {(each.about, each.rule, each.due_version, each.recipient, each.channel) for each in wanted}
            since = now


_QUEUED = [field for field in ReminderQueued.__struct_fields__ if field != "reminder"]


def _queued(commune: str, wanted: Wanted) -> ReminderQueued:
    return ReminderQueued(reminder=wanted.id(commune), **{name: getattr(wanted, name) for name in _QUEUED})


def _ended(wanted: Wanted, reminder: str, now: str) -> Any:
    if wanted.suppressed:
        return ReminderSuppressed(reminder=reminder, at=now, reason=wanted.suppressed)
    if wanted.channel == "inbox":
        return ReminderDelivered(reminder=reminder, at=now)
    return ReminderSent(reminder=reminder, message=f"{reminder}@cchc", at=now, attempt=1)


def _working_days(records: Records, first: date, last: date) -> Iterator[date]:
    calendars = calendars_at(records, at(last, "23:59"))
    days = (first + timedelta(count) for count in range((last - first).days + 1))
    return (day for day in days if calendars.is_working(day))


def _folded(engine: Engine, commune: str) -> Records:
    logs = {source: Log(engine, source) for source in PROJECTION.sources}
    return replay(PROJECTION, logs, commune, {source: log.head(commune).position for source, log in logs.items()})


# A commune-year


def _commune_year(path: str, rounds: int) -> None:
    events = in_child("bench.reminders:fill_year", path)
    [took] = in_turn(rounds, lambda: float(in_child("bench.reminders:rebuild_year", path)))
    what = f"a commune-year rebuilt, {COMMUNE_YEAR:,} events of tasks, {events - COMMUNE_YEAR:,} own"
    show(what, f"{took * 1000:,.0f} ms", f"{events / took:,.0f} events/s", None, "< 1 s", took < 1)


def fill_year(path: str) -> int:
    """One commune with a year of tasks and of reminders; returns how many events there are."""
    commune = "xa-0000"
    with generate.open_service(f"sqlite:///{path}", "services.notifications") as engine:
        generate.take_over(Log(engine, "tasks"), commune, generate.tasks_log(commune, COMMUNE_YEAR, TASKS_BEGIN))
        records = _folded(engine, commune)
        days = _working_days(records, date(YEAR, 1, 5), date(YEAR, 12, 30))
        bodies = own_log(commune, records, days)
        generate.take_over(Log(engine, "notifications"), commune, bodies)
        return COMMUNE_YEAR + len(bodies)


def rebuild_year(path: str) -> float:
    """Seconds to fold the logs of a commune anew into records and occurrences, and to commit them."""
    with generate.open_service(f"sqlite:///{path}", "services.notifications") as engine:
        runner = Runner(engine, {source: Log(engine, source) for source in PROJECTION.sources}, PROJECTION)
        begin = time.perf_counter()
        runner.rebuild(["xa-0000"])
        with writing(engine, "xa-0000") as connection:
            views.rebuild(connection, "xa-0000", Log(engine, "notifications"))
        return time.perf_counter() - begin


# A province's morning


def _province(path: str, sizes: tuple[int, ...]) -> None:
    in_child("bench.reminders:fill_province", path, sizes[-1])
    rates = []
    for number in sizes:
        took, wanted, peak = in_child("bench.reminders:evaluate", path, number)
        tasks = number * OPEN_TASKS
        rates.append(tasks / took)
        show(f"one morning, {tasks:,} open tasks, {number} communes", f"{took:.1f} s",
             f"{wanted:,} wanted, peak {peak / MEBIBYTE:,.0f} MiB", None, "< 20 s" if tasks >= 100_000 else "",
             took < 20)  # fmt: skip
    ratio = rates[-1] / rates[0]
    show("  tasks a second, the largest beside the smallest", f"{rates[-1]:,.0f}/s", f"{rates[0]:,.0f}/s", ratio,
         "≥ 0.7 × (linear)", ratio >= 0.7)  # fmt: skip


def fill_province(path: str, number: int) -> None:
    """A database of notifications with the records and past reminders of so many communes."""
    with generate.open_service(f"sqlite:///{path}", "services.notifications") as engine:
        tasks, own = Log(engine, "tasks"), Log(engine, "notifications")
        made: list[tuple[str, list[bytes], list[bytes]]] = []
        for count in range(number):
            commune = f"xa-{count:04}"
            if count < TEMPLATES:
                generate.take_over(tasks, commune, bodies := generate.open_tasks_log(commune, OPEN_TASKS, MORNING))
                records = _folded(engine, commune)
                first, last = MORNING - timedelta(HISTORY_DAYS), MORNING - timedelta(1)
                made.append((commune, bodies, own_log(commune, records, _working_days(records, first, last))))
            name, of_tasks, of_own = made[count % TEMPLATES]
            if count >= TEMPLATES:
                generate.take_over(tasks, commune, list(generate.under_another_name(of_tasks, name, commune)))
            generate.take_over(own, commune, list(generate.under_another_name(of_own, name, commune)))
            with writing(engine, commune) as connection:
                views.rebuild(connection, commune, own)
        Runner(engine, {"tasks": tasks, "scoring": Log(engine, "scoring")}, PROJECTION).rebuild()
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def evaluate(path: str, number: int) -> tuple[float, int, int]:
    """Seconds to work out what a morning wants in so many communes, how much that is, and the peak of memory."""
    now, since = at(MORNING, "07:30"), at(MORNING - timedelta(1), "17:00")
    with generate.open_service(f"sqlite:///{path}", "services.notifications") as engine:
        notifications = _service(engine, now, {"email": _email(9)})
        begin, count = time.perf_counter(), 0
        for commune in (f"xa-{each:04}" for each in range(number)):
            wanted, problems = plan(view_at(notifications, commune, now, since=since), now, since)
            if problems:
                raise RuntimeError(f"{commune}: {problems[0]}")
            count += len(wanted)
        return time.perf_counter() - begin, count, peak_memory()


def _service(engine: Engine, now: str, last_hops: dict[str, Channel]) -> Notifications:
    moment = datetime.fromisoformat(now)
    return open_notifications(engine, channels=Channels(last_hops, _directory), clock=lambda: moment)


def _directory(_: str) -> dict[str, Contact]:
    return {staff: Contact(staff, f"Người {staff}", f"{staff}@xa.example") for staff in generate.STAFF}


def _email(port: int) -> Email:
    return Email(Server("127.0.0.1", port), Address("UBND xã", "vanphong", "cchc.example"), _directory)


# From queue to sent


def _mail(folder: str, number: int, rounds: int) -> None:
    paths = iter(str(Path(folder, f"mail-{count}.db")) for count in range(rounds))
    with _sink() as port:
        ours, one_each, one_for_all = in_turn(
            rounds,
            lambda: float(in_child("bench.reminders:send_queued", next(paths), port, number)),
            lambda: float(in_child("bench.reminders:send_bare", port, number, True)),
            lambda: float(in_child("bench.reminders:send_bare", port, number, False)),
        )
    bare = {"bare smtplib": one_each, "bare smtplib, one connection": one_for_all}
    for name, rate in bare.items():
        show(f"from queue to sent by SMTP, {number:,} messages", f"{ours:,.0f} messages/s", f"{name} {rate:,.0f}/s",
             ours / rate)  # fmt: skip


@contextmanager
def _sink() -> Iterator[int]:
    """The port of a mail server in a process of its own that takes everything and keeps nothing."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        until(lambda: _answers(port), deadline=30, what="the mail server answers")
        yield port
    finally:
        process.terminate()
        process.join()


def _serve(port: int) -> None:
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    Controller(Sink(), hostname="127.0.0.1", port=port).start()
    threading.Event().wait()


def _answers(port: int) -> bool:
    try:
        with SMTP("127.0.0.1", port, timeout=5):
            return True
    except OSError:
        return False


def send_queued(path: str, port: int, number: int) -> float:
    """Messages a second, from reminders that the Office queued one for each open task to all of them sent."""
    commune, now = "xa-0000", at(MORNING, "09:00")
    with generate.open_service(f"sqlite:///{path}", "services.notifications") as engine:
        generate.take_over(Log(engine, "tasks"), commune, generate.open_tasks_log(commune, number, MORNING))
        Runner(engine, {source: Log(engine, source) for source in PROJECTION.sources}, PROJECTION).rebuild()
        notifications = _service(engine, now, {"email": _email(port)})
        reminding = Reminding(notifications)
        with reading(engine, commune) as connection:
            urgings = [_urged(commune, task) for task in running(connection, commune, now).tasks.values()]
        notifications.log.append(commune, lambda _: Decision([_silent(), *urgings]), actor="staff/p03")
        begin = time.perf_counter()
        while reminding.step():
            pass
        took = time.perf_counter() - begin
        with reading(engine, commune) as connection:
            query = select(func.count()).where(tables.occurrences.c.state == "sent")
            sent = connection.execute(query).scalar_one()
        if sent != number:
            raise RuntimeError(f"{sent} of {number} messages were sent")
        return number / took


def _silent() -> PolicyPublished:
    """Asks for nothing by itself: what is measured is what was queued."""
    return msgspec.structs.replace(default_policy(), policy="bench", rules=[])


def _urged(commune: str, task: TaskRecord) -> ReminderQueued:
    urging = Wanted(
        about=f"task/{task.task}",
        rule="urge",
        run_on=MORNING,
        recipient=task.lead,
        channel="email",
        urgency="immediate",
        wanted_at=at(MORNING, "09:00"),
        due_version=1,
        by=generate.OFFICE,
    )
    return _queued(commune, urging)


def send_bare(port: int, number: int, one_each: bool) -> float:
    """Messages a second of a loop that sends an e-mail of the same size; nothing is looked up or recorded."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "vanphong@cchc.example", "p07@xa.example", "Nhắc việc"
    message.set_content("Đề nghị báo cáo kết quả thực hiện nhiệm vụ.\n" * 60)
    begin = time.perf_counter()
    if one_each:
        for _ in range(number):
            with SMTP("127.0.0.1", port) as session:
                session.send_message(message)
    else:
        with SMTP("127.0.0.1", port) as session:
            for _ in range(number):
                session.send_message(message)
    return number / (time.perf_counter() - begin)
