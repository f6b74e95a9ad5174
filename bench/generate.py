"""Deterministic logs of made-up communes: five years of whole task lives, chained and stored like recorded ones."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine

from services.scoring import migrations as scoring_migrations
from services.scoring.views import PROJECTION
from shared import events as e
from shared.eventlog import Log, open_database
from shared.eventlog.migrations import migrate
from shared.projection import Runner

Step = tuple[datetime, str, Any]  # recorded when, by which staff id, what

FIRST_DAY = datetime(2021, 1, 4, 1, tzinfo=UTC)
BEFORE = FIRST_DAY - timedelta(days=3)
YEARS = range(2021, 2026)
MINUTES = 5 * 365 * 24 * 60
STAFF = [f"p{number:02}" for number in range(1, 41)]
CHAIR, OFFICE, VILLAGE_HEADS = "p01", "p03", STAFF[30:]
SCORING_SHARE = 0.01  # what scoring itself records: settings, common criteria, unit results

VERBS = ["Rà soát", "Xây dựng", "Tổng hợp", "Triển khai", "Kiểm tra", "Cập nhật", "Niêm yết công khai", "Báo cáo"]
MATTERS = [
    "kế hoạch cải cách hành chính năm của Ủy ban nhân dân xã",
    "danh mục thủ tục hành chính thuộc thẩm quyền giải quyết của cấp xã",
    "tỷ lệ hồ sơ trực tuyến toàn trình và số hóa kết quả giải quyết",
    "công tác tiếp công dân, giải quyết đơn thư khiếu nại, tố cáo",
    "số liệu thu, chi ngân sách và giải ngân vốn đầu tư công",
    "hồ sơ địa chính, biến động đất đai trên địa bàn các thôn",
    "chế độ, chính sách cho người có công và hộ nghèo, cận nghèo",
    "sinh hoạt tổ công nghệ số cộng đồng và hướng dẫn dịch vụ công",
]
PRODUCTS = ["Báo cáo", "Kế hoạch", "Văn bản đã ban hành", "Danh sách", "Biên bản kiểm tra"]
NOTES = [
    "Đã gửi dự thảo xin ý kiến các bộ phận, đang chờ phản hồi",
    "Đã hoàn thành phần số liệu, còn phần đánh giá và kiến nghị",
    "Đang phối hợp với các thôn để thu thập đủ hồ sơ",
]
REASONS = [
    "Số liệu của các thôn gửi về chậm, cần thêm thời gian đối chiếu",
    "Nội dung chưa đúng mẫu, thiếu phụ lục kèm theo",
    "Phát sinh nhiệm vụ đột xuất theo yêu cầu của cấp trên",
]


def communes(number: int) -> list[str]:
    return [f"xa-{count:02}" for count in range(1, number + 1)]


def scoring_log(commune: str, size: int) -> list[bytes]:
    """The stored bytes of a commune's scoring log: exactly `size` events."""
    rng = Random(f"scoring {commune}")
    return sealed("scoring", commune, _in_time(_scoring_steps(rng), size), rng)


def tasks_log(commune: str, size: int, minutes: int = MINUTES) -> list[bytes]:
    """The stored bytes of a commune's tasks log: exactly `size` events, of tasks that begin within `minutes`."""
    rng = Random(f"tasks {commune}")
    return sealed("tasks", commune, _in_time(_tasks_steps(rng, commune, minutes), size), rng)


def open_tasks_log(commune: str, number: int, on: date) -> list[bytes]:
    """The stored bytes of a log with so many tasks that are open on a day, due from ten days before it to fifty after;
    p02 is the vice-chair whom the Office p03, which tracks everybody, answers to."""
    rng = Random(f"open {commune}")
    since = date(2021, 1, 1)
    steps = list(_organisation(commune, since))
    roles: dict[str, list[Any]] = {"p02": ["vice_chair"], OFFICE: ["office", "staff"]}
    for staff, has in roles.items():
        above = CHAIR if staff == "p02" else "p02"
        steps.append((BEFORE, OFFICE, e.StaffChanged(staff=staff, valid_from=since, roles=has, tracker=above)))
    for count in range(1, number + 1):
        due = on + timedelta(days=rng.randint(-10, 50))
        begin = datetime(due.year, due.month, due.day, 2, rng.randrange(60), tzinfo=UTC) - timedelta(
            days=rng.randint(max(20, (due - on).days + 1), 90)
        )
        task, (lead, *others) = _uuid(rng, begin), rng.sample(STAFF[3:], rng.randint(1, 3))
        steps += [
            (begin, CHAIR, _assigned(rng, task, count, lead, others, due)),
            (begin + timedelta(hours=3), lead, e.TaskAcknowledged(task=task, by=lead)),
            (
                begin + timedelta(hours=20),
                lead,
                e.ProgressNoted(task=task, by=lead, note=rng.choice(NOTES), percent=rng.randrange(100)),
            ),
        ]
    return sealed("tasks", commune, sorted(steps, key=lambda step: step[0]), rng)


def _assigned(rng: Random, task: str, number: int, lead: str, others: list[str], due: date) -> e.TaskAssigned:
    return e.TaskAssigned(
        task=task,
        by=CHAIR,
        title=f"{rng.choice(VERBS)} {rng.choice(MATTERS)}",
        product=rng.choice(PRODUCTS),
        field=rng.randrange(8),
        lead=lead,
        collaborators=others,
        coefficient="1",
        origin="planned",
        due=_due(due),
        due_version=1,
        evidence_required=False,
        item=e.Item(sheet="Phụ lục 1", no=str(number)),
    )


def under_another_name(bodies: Sequence[bytes], name: str, other: str) -> Iterator[bytes]:
    """A commune's log as that of another commune, chained anew: many times faster than to make one up."""
    old, new = f'"commune":"{name}"'.encode(), f'"commune":"{other}"'.encode()
    was, previous = e.GENESIS_HASH, e.GENESIS_HASH
    for body in bodies:
        renamed = body.replace(old, new, 1).replace(was.encode(), previous.encode(), 1)
        yield renamed
        was, previous = e.event_hash(body), e.event_hash(renamed)


def log_file(events: int, number: int) -> str:
    """A database of scoring (SQLite) with the logs of `number` communes, `events` in all, and its records.

    Kept in the temporary directory; its name carries what it was made from, so that other code makes another file.
    """
    shared, migrations = Path(e.__file__).parents[1], Path(scoring_migrations.__file__).parent
    sources = [Path(__file__), shared / "eventlog/schema.py", *shared.glob("events/*.py"), *migrations.rglob("*.py")]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()[:12]
    path = Path(tempfile.gettempdir(), "cchc-bench", f"{events}-{number}-{digest}.db")
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob(f"{events}-{number}-*"):
            old.unlink()
        part = path.with_suffix(".part")
        _fill(part, events, number)
        part.rename(path)
    return str(path)


def _fill(path: Path, events: int, number: int) -> None:
    with open_service(f"sqlite:///{path}", "services.scoring") as engine:
        tasks, scoring = Log(engine, "tasks"), Log(engine, "scoring")
        for count, commune in enumerate(communes(number)):
            size = events // number + (count < events % number)
            of_scoring = int(size * SCORING_SHARE)
            take_over(tasks, commune, tasks_log(commune, size - of_scoring))
            take_over(scoring, commune, scoring_log(commune, of_scoring))
        Runner(engine, {"tasks": tasks, "scoring": scoring}, PROJECTION).rebuild()
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def take_over(log: Log, commune: str, bodies: Sequence[bytes]) -> None:
    for first in range(0, len(bodies), 5000):
        log.append_verbatim(commune, bodies[first : first + 5000])


@contextmanager
def open_service(url: str, service: str) -> Iterator[Engine]:
    """A service's database, migrated."""
    engine = open_database(url)
    try:
        migrate(engine, service)
        yield engine
    finally:
        engine.dispose()


def _in_time(steps: Iterator[Step], size: int) -> list[Step]:
    # A prefix of a log is a log: cutting the lives off at some moment leaves nothing impossible.
    taken = []
    for step in steps:
        taken.append(step)
        if len(taken) >= size * 1.05 + 100:
            break
    return sorted(taken, key=lambda step: step[0])[:size]


def sealed(source: str, commune: str, steps: Iterable[Step], rng: Random) -> list[bytes]:
    """Steps in the order of time as the stored bytes of a log."""
    versions: Counter[str] = Counter()
    previous = e.GENESIS_HASH
    bodies = []
    for position, (moment, actor, data) in enumerate(steps, 1):
        subject = e.subject_of(data, commune)
        versions[subject] += 1
        envelope = e.Envelope(
            specversion="1.0",
            id=e.uuid7(moment, rng.randbytes(10)),
            source=f"/{source}",
            type=e.type_name(data),
            subject=subject,
            time=e.format_time(moment),
            commune=commune,
            position=position,
            streamversion=versions[subject],
            actor=f"staff/{actor}",
            previoushash=previous,
            data=data,
        )
        bodies.append(e.encode(envelope))
        previous = e.event_hash(bodies[-1])
    return bodies


def _scoring_steps(rng: Random) -> Iterator[Step]:
    """Again and again the criteria of every person and the result of every unit, as a year brings them."""
    at = FIRST_DAY
    while True:
        for year in YEARS:
            yield at, OFFICE, e.SettingsChosen(year=year, settings={}, by=CHAIR, reason="Theo quy chế của xã")
            for staff in STAFF:
                at += timedelta(minutes=3)
                items: dict[str, Any] = {f"k{number}": rng.choice(["tot", "tot", "dap_ung"]) for number in range(1, 5)}
                yield at, staff, e.CommonAssessed(staff=staff, year=year, items=items, stage="self", by=staff)
                yield at, CHAIR, e.CommonAssessed(staff=staff, year=year, items=items, stage="confirmed", by=CHAIR)
            for unit in range(1, 6):
                figures = e.UnitFigures(
                    targets=20, completed=19, on_time_quality=18, exceeded=4, units=0, units_hoan_thanh=0, units_tot=0
                )
                yield at, OFFICE, e.UnitResultRecorded(unit=f"bp-{unit}", year=year, figures=figures, by=CHAIR)


def _organisation(commune: str, since: date) -> Iterator[Step]:
    yield BEFORE, OFFICE, e.CommuneOpened(name=commune.upper(), code="20878", valid_from=since)
    for unit in range(1, 6):
        yield BEFORE, OFFICE, e.UnitDefined(unit=f"bp-{unit}", kind="department", valid_from=since, head=STAFF[unit])
    for number, staff in enumerate(STAFF):
        yield BEFORE, OFFICE, _appointed(number, staff, since)
    for year in YEARS:
        yield BEFORE, OFFICE, _calendar(year)


def _tasks_steps(rng: Random, commune: str, minutes: int) -> Iterator[Step]:
    first, since = BEFORE, date(2021, 1, 1)
    yield from _organisation(commune, since)
    directives = [_uuid(rng, first) for _ in range(10)]
    for number, directive in enumerate(directives, 1):
        yield (
            first,
            OFFICE,
            e.DirectiveIssued(
                directive=directive,
                number=f"{number:02}/CT-UBND",
                issued_on=since,
                title=f"Về việc {rng.choice(MATTERS)}",
            ),
        )
    templates = [_uuid(rng, first) for _ in range(20)]
    for template in templates:
        yield first, OFFICE, _template(rng, template, rng.choice(directives), since)
    number = 0
    while True:
        number += 1
        begin = FIRST_DAY + timedelta(minutes=rng.randrange(minutes), milliseconds=rng.randrange(60_000))
        yield from _life(rng, begin, rng.choice(directives), rng.choice(templates), number)
        if number % 40 == 0:
            yield begin, OFFICE, _absence(rng, begin)


def _appointed(number: int, staff: str, since: date) -> e.StaffAppointed:
    chair, village = staff == CHAIR, staff in VILLAGE_HEADS
    return e.StaffAppointed(
        staff=staff,
        category="can_bo" if number < 2 else "truong_thon" if village else "cong_chuc",
        roles=["chair"] if chair else ["village_head"] if village else ["staff"],
        post="Chủ tịch UBND xã" if chair else "Trưởng thôn" if village else "Công chức chuyên môn",
        unit=f"bp-{number % 5 + 1}",
        leader=chair,
        valid_from=since,
        tracker=None if chair else OFFICE,
    )


def _calendar(year: int) -> e.CalendarPublished:
    days = [(1, 1), (4, 30), (5, 1), (9, 1), (9, 2)]
    off = [e.DayOff(date=date(year, *day), name="Ngày nghỉ lễ", legal_basis="BLLĐ 2019 Đ112") for day in days]
    return e.CalendarPublished(calendar=f"vn-{year}-r1", year=year, days_off=off, working_weekends=[], by=OFFICE)


def _template(rng: Random, template: str, directive: str, since: date) -> e.TemplateSet:
    return e.TemplateSet(
        template=template,
        by=OFFICE,
        title=f"{rng.choice(VERBS)} {rng.choice(MATTERS)}",
        product=rng.choice(PRODUCTS),
        field=rng.randrange(8),
        lead=rng.choice(STAFF),
        collaborators=[],
        coefficient="1",
        evidence_required=False,
        recurrence=e.Recurrence(every="month", day=25),
        due_text="Trước ngày 25 hằng tháng",
        valid_from=since,
        directive=directive,
    )


def _absence(rng: Random, at: datetime) -> e.AbsenceRecorded:
    day = at.date()
    return e.AbsenceRecorded(
        staff=rng.choice(STAFF), absence=_uuid(rng, at), kind="insured", from_=day, to=day + timedelta(days=2)
    )


def _life(rng: Random, begin: datetime, directive: str, template: str, number: int) -> Iterator[Step]:
    """One task from its assignment to its end, or to where it lies open."""
    task = _uuid(rng, begin)
    lead, *others = rng.sample(STAFF[3:], rng.randint(1, 3))
    version, due = 1, _due(begin.date() + timedelta(days=rng.randint(5, 60)))
    repeated = rng.random() < 0.3
    yield (
        begin,
        CHAIR,
        e.TaskAssigned(
            task=task,
            by=CHAIR,
            title=f"{rng.choice(VERBS)} {rng.choice(MATTERS)}",
            product=rng.choice(PRODUCTS),
            field=rng.randrange(8),
            lead=lead,
            collaborators=others,
            coefficient=rng.choice(["1", "1", "1.5", "2"]),
            origin="planned" if rng.random() < 0.8 else "ad_hoc",
            due=due,
            due_version=version,
            evidence_required=rng.random() < 0.5,
            directive=directive,
            item=None if repeated else e.Item(sheet="Phụ lục 1", no=str(number)),
            template=template if repeated else None,
        ),
    )

    at = begin

    def later(hours: int) -> datetime:
        nonlocal at
        at += timedelta(hours=rng.randrange(hours), minutes=rng.randrange(60), milliseconds=rng.randrange(60_000))
        return at

    if rng.random() < 0.95:
        yield later(30), lead, e.TaskAcknowledged(task=task, by=lead)
    if rng.random() < 0.03:
        yield later(10), OFFICE, e.TaskCorrected(task=task, by=OFFICE, reason="Sửa lỗi chính tả", product="Báo cáo")
    for percent in range(30, 30 + 25 * rng.randrange(4), 25):
        yield later(100), lead, e.ProgressNoted(task=task, by=lead, note=rng.choice(NOTES), percent=percent)
    if rng.random() < 0.2:
        due = _due(at.date() + timedelta(days=20))
        reason = rng.choice(REASONS)
        yield later(50), lead, e.ExtensionRequested(task=task, by=lead, reason=reason, proposed_due=due)
        if rng.random() < 0.8:
            version += 1
            yield (
                later(20),
                CHAIR,
                e.ExtensionGranted(task=task, by=CHAIR, late=False, reason=reason, due=due, due_version=version),
            )
        else:
            yield later(20), CHAIR, e.ExtensionRefused(task=task, by=CHAIR, late=False, reason=reason)
    if rng.random() < 0.02:
        yield later(20), lead, e.TaskHandedBack(task=task, by=lead, kind="unable", reason=rng.choice(REASONS))
        return
    if rng.random() < 0.02:
        yield later(20), CHAIR, e.TaskCancelled(task=task, by=CHAIR, reason=rng.choice(REASONS))
        return
    yield later(300), lead, _reported(rng, task, lead, at)
    while rng.random() < 0.12:
        version += 1
        due = _due(at.date() + timedelta(days=10))
        yield (
            later(40),
            CHAIR,
            e.ResultReturned(
                task=task, by=CHAIR, reason=rng.choice(REASONS), quality_failure=False, due=due, due_version=version
            ),
        )
        yield later(100), lead, _reported(rng, task, lead, at)
    reported = at
    if rng.random() < 0.03:
        yield (
            later(40),
            CHAIR,
            e.ObjectiveCauseConfirmed(
                task=task, of="lateness", reason=rng.choice(REASONS), by=CHAIR, due_version=version
            ),
        )
    exceeded = None
    if rng.random() < 0.1:
        exceeded = e.Exceeded(kind="early", reason="Hoàn thành trước hạn 5 ngày", confirmed_by=CHAIR)
    yield (
        later(60),
        CHAIR,
        e.TaskCompleted(
            task=task, verified_by=CHAIR, on=e.local_day(e.format_time(reported)), quality="met", exceeded=exceeded
        ),
    )
    if rng.random() < 0.01:
        due = _due(at.date() + timedelta(days=15))
        yield (
            later(200),
            CHAIR,
            e.TaskReopened(
                task=task, by=CHAIR, reason=rng.choice(REASONS), quality_failure=True, due=due, due_version=version + 1
            ),
        )


def _reported(rng: Random, task: str, lead: str, at: datetime) -> e.ResultReported:
    evidence = []
    if rng.random() < 0.6:
        sha256 = rng.randbytes(32).hex()
        evidence = [e.Evidence(sha256=sha256, size=rng.randrange(10**6), media_type="application/pdf")]
    day = e.local_day(e.format_time(at))
    summary = "Đã hoàn thành theo yêu cầu, gửi kèm sản phẩm để xem xét, nghiệm thu"
    return e.ResultReported(task=task, by=lead, on=day, summary=summary, evidence=evidence)


def _due(day: date) -> e.Due:
    return e.Due(text=f"Trước ngày {day:%d/%m/%Y}", date=day)


def _uuid(rng: Random, at: datetime) -> str:
    return e.uuid7(at, rng.randbytes(10))
