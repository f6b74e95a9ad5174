"""The logs: the clock against them, the ends of their chains, what stands still or is behind, calendars."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import text

from cchc.doctor.examination import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.progress import BEHIND, READERS, STOPS, Behind, Standing, Stopped, held_logs, own_log, standings
from cchc.settings import SERVICES
from services.tasks import views
from services.tasks.domain.calendars import CalendarYear
from shared.eventlog import EMPTY, NO_COMMUNE, ChainBreak, Head, Log, reading
from shared.eventlog.chain import follow
from shared.eventlog.log import CLOCK_TOLERANCE
from shared.events import VIETNAM, event_hash, parse_time

# Two machines of one network agree to within this.
CLOCKS_APART = timedelta(seconds=10)

# How far back each chain is followed; `cchc verify` walks all of it.
TAIL = 20

# After so long without moving, something is down and not only slow.
STANDSTILL = timedelta(minutes=15)

# A calendar of the next year is decided in the autumn, and deadlines reach into it from then on.
NEXT_YEAR_FROM_MONTH = 11

NAMED = 5


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
        yield failure(_some(broken), "cchc verify")
    else:
        yield ok(f"{TAIL} sự kiện cuối của {looked} nhật ký khớp chuỗi (toàn bộ: cchc verify)")


def _logs(installation: Installation) -> Iterator[tuple[str, Log]]:
    for service in SERVICES:
        yield service, own_log(installation, service)
    if installation.settings.kafka:
        for reader in READERS:
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
    """Parked projections and broken replicas: nothing of them goes on by itself."""
    by_kind: dict[tuple[str, str], list[tuple[Standing, Stopped]]] = defaultdict(list)
    for each in standings(installation):
        for stop in each.stops:
            by_kind[stop.what, stop.reader].append((each, stop))
    for (what, reader), here in by_kind.items():
        said, fix = STOPS[what]
        where = [f"{each.service}/{each.commune} ở sự kiện {stop.position}: {stop.reason}" for each, stop in here]
        yield failure(f"{reader} {said}: {_some(where)}", fix.format(reader=reader, commune=here[0][0].commune))
    if not by_kind:
        yield ok("không xã nào đang dừng")


def unpublished(installation: Installation) -> Iterator[Finding]:
    """What the relays have not sent to the broker."""
    found = list(_late(installation, ["published"]))
    yield from found or [ok("mọi sự kiện đã phát")]


def unread(installation: Installation) -> Iterator[Finding]:
    """What those who fold a log have not received or not folded."""
    found = list(_late(installation, [key for keys in READERS.values() for key in keys]))
    yield from found or [ok(f"{', '.join(READERS)} không chậm")]


def _late(installation: Installation, keys: Sequence[str]) -> Iterator[Finding]:
    now = installation.clock()
    late: dict[tuple[str, str], list[tuple[str, Behind]]] = defaultdict(list)
    for each in standings(installation):
        for behind in each.late(now):
            if behind.what in keys:
                late[behind.what, each.service].append((each.commune, behind))
    for (what, service), here in late.items():
        said, fix = BEHIND[what]
        oldest = min(parse_time(behind.since) for _, behind in here)
        events = sum(behind.events for _, behind in here)
        found = failure if now - oldest > STANDSTILL else warning
        since = f"{oldest.astimezone(VIETNAM):%H:%M %d/%m/%Y}"
        communes = _some(commune for commune, _ in here)
        yield found(f"{said} {events} sự kiện của {service}, từ {since}: {communes}", fix.format(service=service))


def calendars(installation: Installation) -> Iterator[Finding]:
    """Of every open commune: deadlines in working days are refused without the calendar of their year."""
    today = installation.clock().astimezone(VIETNAM).date()
    years = [today.year, *([today.year + 1] if today.month >= NEXT_YEAR_FROM_MONTH else [])]
    missing: dict[int, list[str]] = {year: [] for year in years}
    engine = installation.engine("tasks")
    looked = 0
    for commune in own_log(installation, "tasks").heads():
        with reading(engine, commune) as connection:
            opened = views.one(connection, commune, f"commune/{commune}")
            published: Iterable[CalendarYear] = [each.state for each in views.all_of(connection, commune, "calendar")]
        if opened is None or opened.state.closed_on is not None:
            continue
        looked += 1
        for year in set(years) - {each.year for each in published}:
            missing[year].append(commune)
    if not looked:
        yield not_applicable("chưa mở xã nào")
        return
    for year, communes in missing.items():
        if communes:
            fix = f"cchc calendar publish TỆP-{year}.json --revision vn-{year}-r1 --commune {communes[0]}"
            yield warning(f"chưa công bố lịch làm việc {year}: {_some(communes)}", fix)
    if not any(missing.values()):
        yield ok(f"{looked} xã có lịch {' và '.join(map(str, years))}")


def _some(names: Iterable[str]) -> str:
    known = list(names)
    rest = len(known) - NAMED
    return "; ".join(known[:NAMED]) + (f" và {rest} xã nữa" if rest > 0 else "")


def _span(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes} phút {seconds} giây" if minutes else f"{seconds} giây"
