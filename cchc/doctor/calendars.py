"""The working calendars that the communes have published."""

from collections.abc import Iterator

from cchc.doctor.finding import Finding, not_applicable, ok, some, warning
from services.tasks import queries
from services.tasks.service import Tasks
from shared.events import VIETNAM

# A calendar of the next year is decided in the autumn, and deadlines reach into it from then on.
NEXT_YEAR_FROM_MONTH = 11


def published(tasks: Tasks) -> Iterator[Finding]:
    """Of every open commune: deadlines in working days are refused without the calendar of their year."""
    today = tasks.clock().astimezone(VIETNAM).date()
    years = [today.year, *([today.year + 1] if today.month >= NEXT_YEAR_FROM_MONTH else [])]
    missing: dict[int, list[str]] = {year: [] for year in years}
    open_communes = 0
    for commune in tasks.log.heads():
        opened = queries.one(tasks, commune, f"commune/{commune}")
        if opened is None or opened.state.closed_on is not None:
            continue
        open_communes += 1
        known = {calendar.state.year for calendar in queries.all_of(tasks, commune, "calendar")}
        for year in set(years) - known:
            missing[year].append(commune)
    if not open_communes:
        yield not_applicable("chưa mở xã nào")
        return
    for year, communes in missing.items():
        if communes:
            fix = f"cchc calendar publish TỆP-{year}.json --revision vn-{year}-r1 --commune {communes[0]}"
            yield warning(f"chưa công bố lịch làm việc {year}: {some(communes)}", fix)
    if not any(missing.values()):
        yield ok(f"{open_communes} xã có lịch {' và '.join(map(str, years))}")
