"""What the API, the command line and the papers ask: a commune's ratings as known at any moment.

A `query` is what `schemas.AsOfQuery` has loaded: `as_of`, or `positions` with `on`, or nothing, which means now.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from services.scoring.commands import must_be_up_to_date
from services.scoring.comparing import Compared, compare
from services.scoring.domain import course, flags, periods, refusals, sheet, table
from services.scoring.domain.flags import Flag
from services.scoring.domain.readers import may_read, may_read_opinion
from services.scoring.domain.standing import without_opinions
from services.scoring.recheck import Checked
from services.scoring.recheck import recheck as checked_again
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION, Known, Moment, known_at, known_now, moment_at, must_have_reached
from shared.eventlog.checkpoints import checkpoints, covering
from shared.events import VIETNAM, CheckpointSigned, RatingsPublished, decode, parse_time
from shared.projection import all_positions
from shared.web.auth import Principal

T = TypeVar("T")
Query = Mapping[str, Any]
NOW: Query = {"as_of": None, "positions": None, "on": None}


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """What was found, and the records that it was found in: asking by their positions gives the same bytes."""

    known: Known
    result: T


class Flagged(Answer[T], Generic[T], frozen=True):
    """The same of a sheet, with what stands beside it."""

    flags: list[Flag]


class RecordsStatus(msgspec.Struct, frozen=True):
    """Per log how far the records have come, how long it is, and why they stand still where they do."""

    positions: dict[str, int]
    heads: dict[str, int]
    parked: dict[str, str]


class Column(msgspec.Struct, frozen=True):
    """A figure that heads a column of a table."""

    name: str
    heading: str


class Years(msgspec.Struct, frozen=True):
    """Years, the latest first."""

    years: list[int]


class Recheck(msgspec.Struct, frozen=True):
    """`ok`: every proposal was computed again to the same bytes."""

    ok: bool
    checked: list[Checked]


def known(service: Scoring, commune: str, query: Query) -> Known:
    """The records that a query is about. Refuses `position-unknown`."""
    if query["positions"]:
        must_have_reached(service.logs, commune, query["positions"])
        return known_at(service.logs, commune, Moment(query["positions"], query["on"]))
    if query["as_of"]:
        return known_at(service.logs, commune, moment_at(service.logs, commune, query["as_of"]))
    return known_now(service.engine, service.logs, commune, service.today)


def published(service: Scoring, commune: str, year: int, query: Query) -> Known:
    """The records as they stood when a year's ratings were first published: the one moment that supervisors see of it,
    as two would differ by single people (ADR 0031). Refuses `published-only`, `not-published`."""
    if query["as_of"] or query["positions"] or query["on"]:
        raise refusals.PUBLISHED_ONLY()
    stream = map(decode, service.logs["scoring"].read_stream(commune, f"year/{year}"))
    first = next((each for each in stream if isinstance(each.data, RatingsPublished)), None)
    if first is None:
        raise refusals.NOT_PUBLISHED(year=year)
    if service.logs["tasks"].head(commune).time <= first.time:
        must_be_up_to_date(service, commune)  # else an event that is on its way may still belong before it
    moment = moment_at(service.logs, commune, first.time)
    return known_at(service.logs, commune, Moment(moment.positions | {"scoring": first.position}, moment.on))


def readable(service: Scoring, principal: Principal, commune: str, staff: str, query: Query) -> Known:
    """The same, for a sheet: its person, tracker, rater, the Office and inspectors read it.

    Refuses `staff-unknown`, `sheet-of-another`.
    """
    found = known(service, commune, query)
    if staff not in found.records.people:
        raise refusals.STAFF_UNKNOWN(staff=staff)
    if not may_read(service.post_today(commune, staff), staff, principal.staff, principal.roles):
        raise refusals.SHEET_OF_ANOTHER(staff=staff)
    return found


def reads_opinions(service: Scoring, principal: Principal, commune: str, staff: str) -> bool:
    """May the principal read what others said of the person?"""
    return may_read_opinion(service.post_today(commune, staff), staff, principal.staff, principal.roles)


# Sheets


def year_table(service: Scoring, commune: str, year: int, query: Query) -> Answer[table.Table]:
    """Everyone's level and figures in a year, and what exceeds the excellent quota."""
    found = known(service, commune, query)
    return Answer(found, table.table(found.records, year, on=found.on))


def table_columns(of: table.Table) -> list[Column]:
    """The figures that head the columns of a table, as the rule sets in it describe themselves."""
    return [Column(figure.name, figure.on_paper) for figure in table.columns(of.rows)]


def years(service: Scoring, commune: str) -> Years:
    """The years since the commune's log began, the latest first."""
    bodies = service.logs["tasks"].read(commune, 0, 1)
    if not bodies:
        return Years([])
    first = parse_time(decode(bodies[0]).time).astimezone(VIETNAM).year
    return Years(list(range(service.today.year, first - 1, -1)))


def person_sheet(
    service: Scoring, principal: Principal, commune: str, year: int, staff: str, query: Query
) -> Flagged[sheet.Sheet]:
    """A person's sheet, with its flags. Refuses what `readable` refuses."""
    found = readable(service, principal, commune, staff, query)
    of_person = sheet.sheet(found.records, year, staff, on=found.on)
    opinions = reads_opinions(service, principal, commune, staff)
    return Flagged(found, of_person, flags.flags(found.records, of_person, opinions=opinions))


def explanation(
    service: Scoring, principal: Principal, commune: str, year: int, staff: str, figure: str, query: Query
) -> Flagged[sheet.Explanation]:
    """One figure of a sheet, unfolded to its tasks and events, with the flags of these. Refuses `figure-unknown`, and
    as `person_sheet`."""
    found = person_sheet(service, principal, commune, year, staff, query)
    explained = sheet.explain(found.result, figure)
    return Flagged(found.known, explained, flags.flags_of(found.flags, explained.behind))


def checkpoints_over(service: Scoring, commune: str, of: Known) -> list[CheckpointSigned]:
    """The signed checkpoints that cover the positions of an answer."""
    return covering(checkpoints(service.logs.values(), commune), of.inputs)


# The procedure


def year_course(service: Scoring, commune: str, year: int, query: Query) -> Answer[course.Course]:
    """How far the procedure of a year has come."""
    found = known(service, commune, query)
    return Answer(found, course.course_of(found.records, year, found.on))


def person_course(
    service: Scoring, principal: Principal, commune: str, year: int, staff: str, query: Query
) -> Answer[course.PersonCourse]:
    """How far a person's year has come, without what others said where the principal may not read it."""
    found = readable(service, principal, commune, staff, query)
    of_person = course.person_course(found.records, year, staff, found.on)
    if not reads_opinions(service, principal, commune, staff):
        of_person = msgspec.structs.replace(of_person, standing=without_opinions(of_person.standing))
    return Answer(found, of_person)


def period_table(service: Scoring, commune: str, period: str, query: Query) -> Answer[periods.PeriodTable]:
    """Everyone's period. Refuses `period-unknown`, `period-kind`."""
    found = known(service, commune, query)
    return Answer(found, periods.table(found.records, periods.tracked(found.records, period), found.on))


# Checking


def differences(service: Scoring, principal: Principal, commune: str, year: int, staff: str, query: Query) -> Compared:
    """What changed a person's sheet between `first` and `last` of the query (`schemas.DifferencesQuery`).

    Refuses `position-unknown`, `moments-reversed`, and what `readable` refuses.
    """
    readable(service, principal, commune, staff, NOW)
    return compare(service.logs, commune, year, staff, query, service.clock())


def recheck(
    service: Scoring, commune: str, year: int, query: Query, *, staff: str | None = None, every: bool = False
) -> Answer[Recheck]:
    """Compute the year's decided ratings again from their pins (with `every`, all proposals)."""
    found = known(service, commune, query)
    checked = checked_again(service.logs, commune, found.records, year, staff=staff, every=every)
    return Answer(found, Recheck(all(proposal.ok for proposal in checked), checked))


def status(service: Scoring, commune: str) -> RecordsStatus:
    """How far the records of a commune have come."""
    reached = all_positions(service.engine, PROJECTION.name).get(commune, {})
    return RecordsStatus(
        positions={source: at.position for source, at in reached.items()},
        heads={source: log.head(commune).position for source, log in service.logs.items()},
        parked={source: at.parked for source, at in reached.items() if at.parked},
    )
