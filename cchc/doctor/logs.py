"""The logs: the clock against them, the ends of their chains, what stands still or is behind."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import text

from cchc.doctor.finding import Finding, failure, ok, some, warning
from cchc.installation import Installation
from cchc.progress import STOPS, Behind, LogProgress, Stopped, held_logs, own_log, progress_of_logs
from cchc.services import SERVICES, readers
from shared.eventlog import EMPTY, NO_COMMUNE, ChainBreak, Head, Log, reading
from shared.eventlog.chain import follow
from shared.eventlog.log import CLOCK_TOLERANCE
from shared.events import VIETNAM, event_hash, parse_time
from shared.journal import communes_of, wrong

# Two machines of one network agree to within this.
CLOCKS_APART = timedelta(seconds=10)

# How far back each chain is followed; `cchc verify` walks all of it.
TAIL = 20

# The same for journals.
JOURNAL_TAIL = 1000

# After so long without moving, something is down and not only slow.
STANDSTILL = timedelta(minutes=15)


def clock(installation: Installation) -> Iterator[Finding]:
    """Ours against the newest events, and against each database server's."""
    now = installation.clock()
    apart: dict[str, timedelta] = {}
    for service in SERVICES:
        newest = max((head.time for head in own_log(installation, service).heads().values()), default=None)
        if newest:
            apart[f"chậm hơn sự kiện cuối của nhật ký {service} ({newest})"] = parse_time(newest) - now
        engine = installation.engine(service)
        if engine.dialect.name == "postgresql":
            with reading(engine, NO_COMMUNE) as connection:
                theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            apart[f"lệch với máy chủ cơ sở dữ liệu {service}"] = abs(theirs - installation.clock())
    wrong = {what: length for what, length in apart.items() if length > CLOCKS_APART}
    for what, length in wrong.items():
        if length > CLOCK_TOLERANCE:
            yield failure(f"{what} {_span(length)}: lệnh bị từ chối", SET_CLOCK)
        else:
            yield warning(f"{what} {_span(length)}", SET_CLOCK)
    if not wrong:
        yield ok(f"{now.astimezone(VIETNAM):%H:%M:%S %d/%m/%Y} (UTC+7), không chậm hơn nhật ký")


SET_CLOCK = "timedatectl set-ntp true"


def chain_tails(installation: Installation) -> Iterator[Finding]:
    """The last events of every log and replica follow each other, and end where the head row says."""
    looked = 0
    broken = []
    for place, log in _logs(installation):
        for commune, head in log.heads().items():
            looked += 1
            if problem := _tail_problem(log, commune, head):
                broken.append(f"{place}/{commune}: {problem}")
    if broken:
        yield failure(some(broken), "cchc verify")
    else:
        yield ok(f"{looked} nhật ký, tối đa {TAIL} sự kiện cuối của mỗi nhật ký, khớp chuỗi (toàn bộ: cchc verify)")


def journals(installation: Installation) -> Iterator[Finding]:
    """The last rows of every journal follow each other."""
    looked = 0
    broken = []
    for service in SERVICES:
        engine = installation.engine(service)
        for commune in communes_of(engine):
            looked += 1
            if problem := wrong(engine, commune, last=JOURNAL_TAIL):
                broken.append(f"{service}/{commune}: {problem}")
    if broken:
        yield failure(some(broken), "cchc journal --verify")
    else:
        yield ok(
            f"{looked} sổ, tối đa {JOURNAL_TAIL} dòng cuối của mỗi sổ, nối tiếp nhau (toàn bộ: cchc journal --verify)"
        )


def _logs(installation: Installation) -> Iterator[tuple[str, Log]]:
    for service in SERVICES:
        yield service, own_log(installation, service)
    if installation.settings.kafka:
        for reader in readers():
            for source, log in held_logs(installation, reader).items():
                if source != reader:
                    yield f"bản sao {source} ở {reader}", log


def _tail_problem(log: Log, commune: str, head: Head) -> str | None:
    start = max(0, head.position - TAIL)
    begin = EMPTY
    if start:
        before = log.read(commune, start - 1, 1)
        if not before:
            return f"không còn sự kiện {start}"
        begin = Head(start, event_hash(before[0]), "")
    bodies = log.read(commune, start, head.position - start)
    try:
        reached = [begin, *(after for after, _, _ in follow(begin, bodies, log.source, commune))][-1]
    except ChainBreak as error:
        return f"sự kiện {error.position} {error.reason}"
    return None if reached == head else f"dòng cuối ghi {head.position}, nhật ký kết thúc ở {reached.position}"


def stopped(installation: Installation) -> Iterator[Finding]:
    """Parked projections and broken replicas: none of them goes on without help."""
    by_kind: dict[tuple[str, str], list[tuple[LogProgress, Stopped]]] = defaultdict(list)
    for log in progress_of_logs(installation):
        for stop in log.stops:
            by_kind[stop.what, stop.reader].append((log, stop))
    for (what, reader), stops in by_kind.items():
        state, fix = STOPS[what]
        where = [f"{log.service}/{log.commune} ở sự kiện {stop.position}: {stop.reason}" for log, stop in stops]
        yield failure(f"{reader} {state}: {some(where)}", fix.format(reader=reader, commune=stops[0][0].commune))
    if not by_kind:
        yield ok("không xã nào đang dừng")


def unpublished(installation: Installation) -> Iterator[Finding]:
    """What the relays have not sent to the broker."""
    late = list(_late(installation, lambda behind: behind.reader is None))
    yield from late or [ok("mọi sự kiện đã phát")]


def unread(installation: Installation) -> Iterator[Finding]:
    """What the services that fold a log have not received or not folded."""
    late = list(_late(installation, lambda behind: behind.reader is not None))
    yield from late or [ok(f"{', '.join(readers())} không chậm")]


def _late(installation: Installation, wanted: Callable[[Behind], bool]) -> Iterator[Finding]:
    now = installation.clock()
    late: dict[tuple[str, str], list[tuple[str, Behind]]] = defaultdict(list)
    for log in progress_of_logs(installation):
        for behind in log.late(now):
            if wanted(behind):
                late[behind.what, log.service].append((log.commune, behind))
    for (_, service), cases in late.items():
        state, fix = cases[0][1].words(service)
        oldest = min(parse_time(behind.since) for _, behind in cases)
        events = sum(behind.events for _, behind in cases)
        finding = failure if now - oldest > STANDSTILL else warning
        since = f"{oldest.astimezone(VIETNAM):%H:%M %d/%m/%Y}"
        communes = some(commune for commune, _ in cases)
        yield finding(f"{state} {events} sự kiện của {service}, từ {since}: {communes}", fix)


def _span(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes} phút {seconds} giây" if minutes else f"{seconds} giây"
