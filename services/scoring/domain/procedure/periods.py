"""The periods of a year: what people record for them, and closing and reopening them (NĐ 335/2025 Đ17, Đ19)."""

import re
from collections.abc import Collection
from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from services.scoring.domain import periods, refusals, rules
from services.scoring.domain.concerns import (
    a_keeper_or_the_chair,
    must_not_be_for_the_sender_alone,
    the_chair_or_above,
)
from services.scoring.domain.context import (
    Command,
    Decision,
    ProcedureContext,
    must_be_documented,
    must_have_document,
    must_have_reason,
    must_rate,
    must_track_or_rate,
    rater_of,
)
from services.scoring.domain.procedure.steps import must_keep_or_lead, post_of, text_or_none
from services.scoring.domain.rules.description import Criteria
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.rules.facts.periods import closings
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.sheet import sheet
from shared import events
from shared.calendar import Period
from shared.calendar import periods as periods_between
from shared.events.values import EXTERNAL


class AssessPeriod(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    items: dict[str, str]
    stage: Literal["self", "confirmed"]
    by: str
    document_number: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def assess_period(context: ProcedureContext, command: AssessPeriod) -> Decision:
    """The common criteria of a person's period (NĐ 335/2025, Mẫu 01): by oneself, then confirmed by the tracker or the
    rater. Points are exact decimals."""
    post_of(context, command.staff)
    _, criteria = _open_period(context, command.year, command.period, command.staff)
    most = {criterion.name: criterion.limit for criterion in criteria.period}
    if not command.items or not command.items.keys() <= most.keys():
        raise refusals.PERIOD_CRITERIA(expected=", ".join(most))
    for name, points in command.items.items():
        if not _number(points) <= most[name]:
            raise refusals.POINTS_OUT_OF_RANGE(item=name, points=points, most=_decimal(most[name]))
    context.must_act_for(command.by, about={command.staff})
    if command.stage == "confirmed":
        must_track_or_rate(context, command.staff, command.by)
        must_be_documented(context, command.by, command.document_number, command.document_date, command.document_sha256)
    elif command.by != command.staff:
        raise refusals.SELF_ASSESSMENT_BY_ANOTHER(staff=command.staff)
    return Decision([events.CommonAssessed(**msgspec.structs.asdict(command))])


class RecordLeaderCriteria(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    d: Literal[50, 100]
    dd: Literal[50, 100]
    e: Literal[50, 100]
    reasons: dict[str, str]
    by: str
    document_number: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def record_leader_criteria(context: ProcedureContext, command: RecordLeaderCriteria) -> Decision:
    """d, đ and e of a leader's period (NĐ 335/2025 Đ17), each with its reason, by the rater."""
    post_of(context, command.staff)
    period, criteria = _open_period(context, command.year, command.period, command.staff)
    then = post_on(context.records.people[command.staff], min(period.end, context.today))
    if then is None or not then.leader:
        raise refusals.NOT_A_LEADER(staff=command.staff)
    context.must_act_for(command.by, about={command.staff})
    must_rate(context, command.staff, command.by)
    must_be_documented(context, command.by, command.document_number, command.document_date, command.document_sha256)
    reasons = {name: reason.strip() for name, reason in command.reasons.items()}
    if not criteria.leader or reasons.keys() != set(criteria.leader) or not all(reasons.values()):
        raise refusals.LEADER_REASONS(expected=", ".join(criteria.leader))
    return Decision([events.LeaderCriteriaRecorded(**msgspec.structs.asdict(command) | {"reasons": reasons})])


class ReceivePeriodResult(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    score: str
    from_: str
    by: str
    document: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def receive_period_result(context: ProcedureContext, command: ReceivePeriodResult) -> Decision:
    """A transferred person's score at the former agency (NĐ 335/2025 Đ19), recorded with its document by the Office, or
    by a leader for the Office's own. Refuses a period that the person began here (`period-begun-here`): its tracker
    scores it."""
    post_of(context, command.staff)
    period = _period_of_year(context, command.year, command.period)
    context.must_act_for(command.by)
    context.must_be_in_post(command.by)
    if not context.keeps(command.by, {command.staff}):
        raise refusals.OFFICE_ONLY(by=command.by)
    then = post_on(context.records.people[command.staff], period.start)
    if then and then.in_post:
        raise refusals.PERIOD_BEGUN_HERE(staff=command.staff, period=period.key)
    if not _number(command.score) <= 100:
        raise refusals.SCORE_OUT_OF_RANGE(score=command.score)
    must_have_document(context, command.document, command.document_date, command.document_sha256)
    return Decision([events.PeriodResultReceived(**msgspec.structs.asdict(command))])


class ClosePeriod(Command, frozen=True, kw_only=True):
    """`staff` None: everyone for whom it is open."""

    period: str
    by: str
    staff: list[str] | None = None
    reason: str | None = None


def close_period(context: ProcedureContext, command: ClosePeriod) -> Decision:
    """Lock a period for people: from now on it is computed from the positions pinned here.

    Refuses a period that is not over, that is closed already for one of them, or that they do not have; and while a
    result waits, criteria are missing although there are figures, or an earlier period of the year is open; and a
    sender who names themself, or who is the only one left.
    """
    context.must_act_for(command.by)
    must_keep_or_lead(context, command.by, command.staff or ())
    period = periods.tracked(context.records, command.period)
    if context.today <= period.end:
        raise refusals.PERIOD_NOT_OVER(period=period.key, last_day=period.end.isoformat())
    lines = periods.lines(context.records, period, context.today)
    chosen = [line for line in lines if (line.staff in command.staff if command.staff else line.to_close)]
    if strangers := set(command.staff or ()) - {line.staff for line in chosen}:
        raise refusals.NO_PERIODS(staff=", ".join(sorted(strangers)), period=period.key)
    if not chosen:
        raise refusals.NOTHING_TO_CLOSE(period=period.key)
    for refusal in periods.AGAINST:
        if held := [line for line in chosen if refusal.code in line.against]:
            before = sorted({key for line in held for key in line.open_before})
            staff = ", ".join(line.staff for line in held)
            raise refusal(period=period.key, staff=staff, before=", ".join(before))
    people = [line.staff for line in chosen]
    must_not_be_for_the_sender_alone(context, command, people, a_keeper_or_the_chair)
    event = events.PeriodClosed(
        period=period.key,
        staff=people,
        by=command.by,
        closed_on=context.today,
        inputs=context.inputs,
        reason=text_or_none(command.reason),
    )
    return Decision([event], {"period": period.key, "staff": people})


class ReopenPeriod(Command, frozen=True, kw_only=True):
    """`staff` None: everyone for whom it is closed."""

    period: str
    by: str
    reason: str
    staff: list[str] | None = None
    document_number: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def reopen_period(context: ProcedureContext, command: ReopenPeriod) -> Decision:
    """Unlock a period, with a reason, by the Chairman; of people who are rated above, by those above. The answer names
    the later periods that open with it. Refuses a sender who names themself, or who is the only one left."""
    named = command.staff or ()
    context.must_act_for(command.by, about=named)
    if command.by == EXTERNAL:
        if not named or any(rater_of(context, staff) != EXTERNAL for staff in named):
            raise refusals.NOT_RATED_EXTERNALLY(by=command.by)
    elif not context.has_role(command.by, "chair"):
        raise refusals.CHAIR_ONLY(by=command.by)
    must_be_documented(context, command.by, command.document_number, command.document_date, command.document_sha256)
    must_have_reason(command.reason)
    period = periods.tracked(context.records, command.period)
    snapshot = Snapshot(context.records, context.today)
    closed = _closed(snapshot, period, command.staff or sorted(context.records.people))
    if still_open := set(command.staff or ()) - set(closed):
        raise refusals.PERIOD_OPEN(period=period.key, staff=", ".join(sorted(still_open)))
    if not closed:
        raise refusals.PERIOD_OPEN(period=period.key, staff="mọi người")
    must_not_be_for_the_sender_alone(context, command, closed, the_chair_or_above)
    rest = periods_between(period.every, period.start, date(period.year, 12, 31))
    also = {later.key: _closed(snapshot, later, closed) for later in rest if later > period}
    said = {name: getattr(command, name) for name in command.__struct_fields__}
    event = events.PeriodReopened(**said | {"staff": closed, "reason": command.reason.strip()})
    return Decision(
        [event], {"period": period.key, "staff": closed, "also": {key: staff for key, staff in also.items() if staff}}
    )


def _closed(snapshot: Snapshot, period: Period, staff: Collection[str]) -> list[str]:
    return [person for person in staff if period in closings(snapshot, person)]


def _period_of_year(context: ProcedureContext, year: int, key: str) -> Period:
    period = periods.tracked(context.records, key)
    if period.year != year:
        raise refusals.PERIOD_OF_ANOTHER_YEAR(period=key, year=year)
    if period.start > context.today:
        raise refusals.PERIOD_NOT_BEGUN(period=key, first_day=period.start.isoformat())
    return period


def _open_period(context: ProcedureContext, year: int, key: str, staff: str) -> tuple[Period, Criteria]:
    """The period, and the criteria recorded for it. Refuses a person without periods, or for whom it is closed."""
    period = _period_of_year(context, year, key)
    of_person = sheet(context.records, year, staff, on=context.today)
    this = periods.period_in(of_person, period)
    if this is None:
        raise refusals.NO_PERIODS(staff=staff, period=key)
    if this.status == "closed":
        raise refusals.PERIOD_CLOSED(period=key, staff=staff)
    return period, rules.described(of_person.rule_set).criteria


_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}|/[1-9][0-9]{0,8})?")


def _number(text: str) -> Fraction:
    """A decimal or a fraction as text, not negative. Refuses `not-a-number`."""
    if not _NUMBER.fullmatch(text):
        raise refusals.NOT_A_NUMBER(value=text[:20])
    return Fraction(text)


def _decimal(number: Fraction) -> str:
    return f"{float(number):g}".replace(".", ",")
