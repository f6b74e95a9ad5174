"""The evaluation procedure of a year: rule set, periods, proposal, self-assessment, meeting, opinion, decision, appeal.

NĐ 90/2020 Đ17-18, NĐ 335/2025 Đ10 and Đ21-22. The system computes and proposes; the competent person decides.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Literal

import msgspec

from services.scoring.domain import periods, rules
from services.scoring.domain.assessment import Context, must_have_reason, must_rate, must_track_or_rate
from services.scoring.domain.records import CalendarRecord, Records
from services.scoring.domain.rules.description import Criteria
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.rules.facts.periods import closings
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.settings import cut_off
from services.scoring.domain.sheet import Sheet, rated_staff, sheet, sheet_bytes, sheets
from services.scoring.domain.standing import Ruling, Standing, standing
from shared import events as ev
from shared.calendar import Calendar, CalendarMissing, Calendars, Period, calendar_of
from shared.calendar import periods as periods_between
from shared.events import Input
from shared.events.ratings import Level, Outcome, Vote
from shared.events.values import EXTERNAL, Category
from shared.refusal import Refused

# NĐ 335/2025 Đ22.
APPEAL_WORKING_DAYS = 7

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}|/[1-9][0-9]{0,8})?")


class Present(Context, frozen=True, kw_only=True):
    """Who asks, and all of the commune's records at the ends of both logs (`inputs`), on the day of recording."""

    inputs: list[Input]
    new_id: Callable[[], str]


class Verdict(msgspec.Struct, frozen=True):
    """The events that follow from a command, and what to tell the one who asked."""

    events: Sequence[Any]
    result: Any = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""


class ChooseRuleSet(Command, frozen=True, kw_only=True):
    year: int
    category: Category
    rule_set: str
    by: str
    reason: str
    rule_set_sha256: str | None = None


class AssessPeriod(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    items: dict[str, str]
    stage: Literal["self", "confirmed"]
    by: str


class RecordLeaderCriteria(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    d: Literal[50, 100]
    dd: Literal[50, 100]
    e: Literal[50, 100]
    reasons: dict[str, str]
    by: str


class ReceivePeriodResult(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    period: str
    score: str
    from_: str
    by: str
    document: str | None = None


class ClosePeriod(Command, frozen=True, kw_only=True):
    """`staff` None: everyone for whom it is open."""

    period: str
    by: str
    staff: list[str] | None = None
    reason: str | None = None


class ReopenPeriod(Command, frozen=True, kw_only=True):
    """`staff` None: everyone for whom it is closed."""

    period: str
    by: str
    reason: str
    staff: list[str] | None = None


class Propose(Command, frozen=True, kw_only=True):
    year: int
    by: str


class ProposeOne(Propose, frozen=True, kw_only=True):
    staff: str


class AssessOneself(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    level: Level
    on: date | None = None
    comment: str | None = None


class RecordMeeting(Command, frozen=True, kw_only=True):
    year: int
    held_on: date
    present: int
    absent: int
    votes: list[Vote]
    minutes_sha256: str | None = None


class RecordOpinion(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    by_body: str
    text: str
    on: date | None = None
    level: Level | None = None


class Decide(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    proposal: str
    level: Outcome
    by: str
    decided_on: date | None = None
    differs_reason: str | None = None
    decision_number: str | None = None


class Notify(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    on: date | None = None


class Publish(Command, frozen=True, kw_only=True):
    year: int
    on: date | None = None


class FileAppeal(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    text: str
    received_on: date | None = None


class ResolveAppeal(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    appeal: str
    outcome: Literal["upheld", "dismissed", "withdrawn"]
    by: str
    on: date | None = None
    text: str | None = None


class ReRate(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    proposal: str
    level: Outcome
    replaces: str
    reason: str
    by: str
    decided_on: date | None = None
    decision_number: str | None = None


# The year's rule set


def choose_rule_set(present: Present, command: ChooseRuleSet) -> Verdict:
    """Another rule set than the law's for a category, chosen by the Chairman with a reason; typed by the Office or by
    whoever administers the installation. Refuses one that is not installed, or not with those bytes."""
    if present.actor is not None and not present.has_role(present.actor, "admin"):
        present.must_act_for(command.by)
    if not present.has_role(command.by, "chair"):
        raise Refused("chair-only", by=command.by)
    must_have_reason(command.reason)
    rule_set = rules.installed(command.rule_set)
    if rule_set is None and command.rule_set != "none":
        known = ", ".join([*rules.names(), "none"])
        raise Refused("rule-set-unknown", rule_set=command.rule_set, known=known)
    if command.rule_set_sha256 not in (None, rule_set.sha256 if rule_set else None):
        raise Refused("rule-set-differs", rule_set=command.rule_set)
    return Verdict(
        [
            ev.RuleSetChosen(
                year=command.year,
                category=command.category,
                rule_set=command.rule_set,
                rule_set_sha256=command.rule_set_sha256,
                by=command.by,
                reason=command.reason.strip(),
            )
        ]
    )


# Periods


def assess_period(present: Present, command: AssessPeriod) -> Verdict:
    """The common criteria of a person's period (NĐ 335/2025, Mẫu 01): by oneself, then confirmed by the tracker or the
    rater. Points are exact decimals."""
    post = _post(present, command.staff)
    _, criteria = _open_period(present, command.year, command.period, command.staff)
    most = {criterion.name: criterion.limit for criterion in criteria.period}
    if not command.items or not command.items.keys() <= most.keys():
        raise Refused("period-criteria", expected=", ".join(most))
    for name, points in command.items.items():
        if not _number(points) <= most[name]:
            raise Refused("points-out-of-range", item=name, points=points, most=_decimal(most[name]))
    present.must_act_for(command.by)
    if command.stage == "confirmed":
        present.must_be_of_another(command.staff, command.by)
        must_track_or_rate(present, post, command.by)
    elif command.by != command.staff:
        raise Refused("self-assessment-by-another", staff=command.staff)
    return Verdict([ev.CommonAssessed(**msgspec.structs.asdict(command))])


def record_leader_criteria(present: Present, command: RecordLeaderCriteria) -> Verdict:
    """d, đ and e of a leader's period (NĐ 335/2025 Đ17), each with its reason, by the rater."""
    post = _post(present, command.staff)
    period, criteria = _open_period(present, command.year, command.period, command.staff)
    then = post_on(present.records.people[command.staff], min(period.end, present.today))
    if then is None or not then.leader:
        raise Refused("not-a-leader", staff=command.staff)
    present.must_act_for(command.by)
    present.must_be_of_another(command.staff, command.by)
    must_rate(present, post, command.by)
    reasons = {name: reason.strip() for name, reason in command.reasons.items()}
    if not criteria.leader or reasons.keys() != set(criteria.leader) or not all(reasons.values()):
        raise Refused("leader-reasons", expected=", ".join(criteria.leader))
    return Verdict([ev.LeaderCriteriaRecorded(**msgspec.structs.asdict(command) | {"reasons": reasons})])


def receive_period_result(present: Present, command: ReceivePeriodResult) -> Verdict:
    """What a transferred person scored at the former agency (NĐ 335/2025 Đ19), recorded by the Office. Refuses it for
    a period that the person began here: that one is scored by the tracker."""
    _post(present, command.staff)
    period = _period_of_year(present, command.year, command.period)
    present.must_act_for(command.by)
    _must_be(present, command.by, "office")
    present.must_be_of_another(command.staff, command.by)
    then = post_on(present.records.people[command.staff], period.start)
    if then and then.in_post:
        raise Refused("period-begun-here", staff=command.staff, period=period.key)
    if not _number(command.score) <= 100:
        raise Refused("score-out-of-range", score=command.score)
    return Verdict([ev.PeriodResultReceived(**msgspec.structs.asdict(command))])


def close_period(present: Present, command: ClosePeriod) -> Verdict:
    """Lock a period for people: from now on it is computed from the positions pinned here.

    Refuses: before its last day has passed; while a result waits, criteria are missing though there are figures, or an
    earlier period of the year is open; for those for whom it is closed, or who have no periods.
    """
    present.must_act_for(command.by)
    _must_be(present, command.by, "chair", "office")
    period = periods.tracked(present.records, command.period)
    if present.today <= period.end:
        raise Refused("period-not-over", period=period.key, last_day=period.end.isoformat())
    found = periods.lines(present.records, period, present.today)
    chosen = [line for line in found if (line.staff in command.staff if command.staff else line.to_close)]
    if strangers := set(command.staff or ()) - {line.staff for line in chosen}:
        raise Refused("no-periods", staff=", ".join(sorted(strangers)), period=period.key)
    if not chosen:
        raise Refused("nothing-to-close", period=period.key)
    for code in periods.AGAINST:
        if held := [line for line in chosen if code in line.against]:
            before = sorted({key for line in held for key in line.open_before})
            staff = ", ".join(line.staff for line in held)
            raise Refused(code, period=period.key, staff=staff, before=", ".join(before))
    people = [line.staff for line in chosen]
    event = ev.PeriodClosed(
        period=period.key,
        staff=people,
        by=command.by,
        closed_on=present.today,
        inputs=present.inputs,
        reason=_blank_is_none(command.reason),
    )
    return Verdict([event], {"period": period.key, "staff": people})


def reopen_period(present: Present, command: ReopenPeriod) -> Verdict:
    """Unlock a period, with a reason, by the Chairman. The answer names the later periods that open with it."""
    present.must_act_for(command.by)
    if not present.has_role(command.by, "chair"):
        raise Refused("chair-only", by=command.by)
    must_have_reason(command.reason)
    period = periods.tracked(present.records, command.period)
    snapshot = Snapshot(present.records, present.today)
    closed = _closed(snapshot, period, command.staff or sorted(present.records.people))
    if still_open := set(command.staff or ()) - set(closed):
        raise Refused("period-open", period=period.key, staff=", ".join(sorted(still_open)))
    if not closed:
        raise Refused("period-open", period=period.key, staff="mọi người")
    rest = periods_between(period.every, period.start, date(period.year, 12, 31))
    also = {each.key: _closed(snapshot, each, closed) for each in rest if each > period}
    event = ev.PeriodReopened(period=period.key, staff=closed, by=command.by, reason=command.reason.strip())
    return Verdict(
        [event], {"period": period.key, "staff": closed, "also": {key: staff for key, staff in also.items() if staff}}
    )


def _closed(snapshot: Snapshot, period: Period, staff: Collection[str]) -> list[str]:
    return [one for one in staff if period in closings(snapshot, one)]


def _period_of_year(present: Present, year: int, key: str) -> Period:
    period = periods.tracked(present.records, key)
    if period.year != year:
        raise Refused("period-of-another-year", period=key, year=year)
    if period.start > present.today:
        raise Refused("period-not-begun", period=key, first_day=period.start.isoformat())
    return period


def _open_period(present: Present, year: int, key: str, staff: str) -> tuple[Period, Criteria]:
    """The period, if the person is tracked in periods and it is not closed for them, and what is recorded for it."""
    period = _period_of_year(present, year, key)
    found = sheet(present.records, year, staff, on=present.today)
    this = periods.period_in(found, period)
    if this is None:
        raise Refused("no-periods", staff=staff, period=key)
    if this.status == "closed":
        raise Refused("period-closed", period=key, staff=staff)
    return period, rules.described(found.rule_set).criteria


# The year: proposal, self-assessment, meeting, opinion


class Proposed(msgspec.Struct, frozen=True):
    """What became of one person's proposal: its id and level, or the code of the refusal with what fills its text."""

    staff: str
    proposal: str | None = None
    level: str | None = None
    code: str | None = None
    params: dict[str, Any] = {}


def propose(present: Present, command: Propose) -> Verdict:
    """The system's proposals for everyone who is not decided yet, each pinning rule set, day, positions and the SHA-256
    of the sheet. The answer says of each what was proposed, or why nothing was."""
    _must_propose(present, command)
    events, outcomes = [], []
    for found in sheets(present.records, command.year, present.today):
        try:
            _must_be_undecided(standing(present.records, command.year, found.staff))
            event = _proposal(present, found, command.by)
        except Refused as refusal:
            outcomes.append(Proposed(found.staff, code=refusal.code, params=refusal.params))
        else:
            events.append(event)
            outcomes.append(Proposed(event.staff, event.proposal, event.level))
    return Verdict(events, outcomes)


def propose_one(present: Present, command: ProposeOne) -> Verdict:
    """The system's proposal for one person, also anew after the decision: a re-rating rests on it, whatever became of
    the person's post. Refuses while a result waits."""
    _must_propose(present, command)
    if standing(present.records, command.year, command.staff).decision is None:
        _must_be_rated(present, command.year, command.staff)
    found = sheet(present.records, command.year, command.staff, on=present.today)
    event = _proposal(present, found, command.by)
    return Verdict([event], {"proposal": event.proposal, "level": event.level})


def _must_propose(present: Present, command: Propose) -> None:
    present.must_act_for(command.by)
    _must_be(present, command.by, "chair", "office")
    _must_have_begun(present, command.year)


def _proposal(present: Present, found: Sheet, by: str) -> ev.RatingProposed:
    if found.blockers:
        tasks = ", ".join(blocker.task for blocker in found.blockers)
        raise Refused("result-waits", staff=found.staff, tasks=tasks)
    if found.rule_set != "none" and found.rule_set_sha256 is None:
        raise Refused("rule-set-not-installed", rule_set=found.rule_set)
    return ev.RatingProposed(
        proposal=present.new_id(),
        staff=found.staff,
        year=found.year,
        level=msgspec.convert(found.level, Outcome),
        figures=dict(found.figures),
        rule_set=found.rule_set,
        rule_set_sha256=found.rule_set_sha256,
        sheet_sha256=hashlib.sha256(sheet_bytes(found)).hexdigest(),
        evaluated_on=found.evaluated_on,
        inputs=present.inputs,
        by=by,
    )


def assess_oneself(present: Present, command: AssessOneself) -> Verdict:
    """A person's own assessment, typed by them or, from paper, by the Office."""
    _must_be_rated(present, command.year, command.staff)
    present.must_act_for(command.staff)
    _must_be_undecided(standing(present.records, command.year, command.staff))
    on = _day(present, command.on, not_before=date(command.year, 1, 1))
    return Verdict(
        [
            ev.SelfAssessed(
                staff=command.staff,
                year=command.year,
                on=on,
                level=command.level,
                comment=_blank_is_none(command.comment),
            )
        ]
    )


def record_meeting(present: Present, command: RecordMeeting) -> Verdict:
    """The collective meeting as in its minutes: numbers of people, and the votes on each person's level."""
    _must_have_begun(present, command.year)
    held_on = _day(present, command.held_on, not_before=date(command.year, 1, 1))
    if command.present < 1 or command.absent < 0:
        raise Refused("meeting-numbers", staff="")
    named = [vote.staff for vote in command.votes]
    if len(set(named)) < len(named):
        raise Refused("voted-twice", staff=", ".join(sorted({staff for staff in named if named.count(staff) > 1})))
    for vote in command.votes:
        _must_be_rated(present, command.year, vote.staff)
        if min(vote.for_, vote.against) < 0 or vote.for_ + vote.against > command.present:
            raise Refused("meeting-numbers", staff=vote.staff)
    return Verdict([ev.MeetingRecorded(**msgspec.structs.asdict(command) | {"held_on": held_on})])


def record_opinion(present: Present, command: RecordOpinion) -> Verdict:
    """The written opinion of the Party committee on a leader, recorded by the Office, by nobody on themselves."""
    _must_be_rated(present, command.year, command.staff)
    present.must_be_of_another(command.staff)
    if not needs_opinion(_post_of_year(present, command.year, command.staff)):
        raise Refused("not-a-leader", staff=command.staff)
    _must_be_undecided(standing(present.records, command.year, command.staff))
    text, body = _text(command.text, "text-required"), _text(command.by_body, "text-required")
    on = _day(present, command.on, not_before=date(command.year, 1, 1))
    return Verdict(
        [
            ev.OpinionRecorded(
                staff=command.staff, year=command.year, on=on, by_body=body, text=text, level=command.level
            )
        ]
    )


def needs_opinion(post: Post) -> bool:
    """The Party committee is heard on leaders (NĐ 90/2020 Đ17-18, NĐ 335/2025 Đ21)."""
    return post.leader or post.category == "can_bo"


# Decision, notice, publication


def decide(present: Present, command: Decide) -> Verdict:
    """The competent person's decision on the last proposal, in the order of the law: self-assessment, meeting, for
    leaders the opinion, decision. What was decided above the commune is only recorded here."""
    _must_be_rated(present, command.year, command.staff)
    of = standing(present.records, command.year, command.staff)
    _must_be_competent(present, command.staff, command.by)
    _must_be_undecided(of)
    _must_name_last_proposal(of, command.proposal)
    if command.by != EXTERNAL:
        waits = {
            "self-assessment-missing": of.self_assessment is None,
            "meeting-missing": not of.votes,
            "opinion-missing": needs_opinion(_post_of_year(present, command.year, command.staff)) and not of.opinion,
        }
        for code, missing in waits.items():
            if missing:
                raise Refused(code, staff=command.staff)
    _must_be_decidable(of, command.level)
    reason = _blank_is_none(command.differs_reason)
    if command.level != of.proposed_level and reason is None:
        raise Refused("differs-reason-required", level=command.level, proposed=of.proposed_level)
    return Verdict(
        [
            ev.RatingDecided(
                staff=command.staff,
                year=command.year,
                proposal=command.proposal,
                level=command.level,
                decided_on=_day(present, command.decided_on, not_before=_follows(of, command.by)),
                by=command.by,
                differs_reason=reason,
                decision_number=_blank_is_none(command.decision_number),
            )
        ]
    )


def notify(present: Present, command: Notify) -> Verdict:
    """The written notice to the person, recorded by the Office."""
    decision = _decision(present, command.year, command.staff)
    on = _day(present, command.on, not_before=decision.decided_on)
    return Verdict([ev.RatingNotified(staff=command.staff, year=command.year, on=on)])


def publish(present: Present, command: Publish) -> Verdict:
    """The public notice of the year in the agency. The answer names who is not decided yet."""
    staff = rated_staff(present.records, command.year, on=present.today)
    found = {one: standing(present.records, command.year, one).decision for one in staff}
    days = [decision.decided_on for decision in found.values() if decision]
    if not days:
        raise Refused("nothing-decided", year=command.year)
    on = _day(present, command.on, not_before=min(days))
    undecided = [one for one, decision in found.items() if decision is None]
    return Verdict([ev.RatingsPublished(year=command.year, on=on)], {"undecided": undecided})


# Appeal and re-rating


def appeal(present: Present, command: FileAppeal) -> Verdict:
    """An appeal (kiến nghị) of the person against their decided rating, typed by them or by the Office.

    It is due 7 working days after receipt (NĐ 335/2025 Đ22) by the calendars published for those years; where one is
    not, by weekdays only, and the answer says so by naming no calendar.
    """
    decision = _decision(present, command.year, command.staff)
    present.must_act_for(command.staff)
    if any(each.outcome is None for each in standing(present.records, command.year, command.staff).appeals):
        raise Refused("appeal-open", staff=command.staff)
    text = _text(command.text, "text-required")
    received_on = _day(present, command.received_on, not_before=decision.decided_on)
    due, calendar = appeal_due(present.records, received_on)
    event = ev.RatingAppealed(
        staff=command.staff,
        year=command.year,
        appeal=present.new_id(),
        received_on=received_on,
        text=text,
        due=due,
        calendar=calendar,
    )
    return Verdict([event], {"appeal": event.appeal, "due": due, "calendar": calendar})


def appeal_due(records: Records, received_on: date) -> tuple[date, str | None]:
    """The last day for an answer, and the calendars it was counted by ("vn-2024-r2", over two years joined by "+");
    None: weekdays only, as a year's calendar is not published."""
    calendars = Calendars(_calendar(record) for record in records.by_kind["calendar"].values())
    try:
        due = calendars.add_working_days(received_on, APPEAL_WORKING_DAYS)
        return due, "+".join(calendars.revisions(received_on, due))
    except CalendarMissing:
        years = (received_on.year, received_on.year + 1)
        weekdays = Calendars(Calendar("", year, frozenset(), frozenset()) for year in years)
        return weekdays.add_working_days(received_on, APPEAL_WORKING_DAYS), None


def _calendar(record: CalendarRecord) -> Calendar:
    return calendar_of(record.moments[-1].data)


def resolve_appeal(present: Present, command: ResolveAppeal) -> Verdict:
    """The competent person's answer to an appeal; an upheld one calls for a re-rating."""
    _post(present, command.staff)
    of = standing(present.records, command.year, command.staff)
    found = next((each for each in of.appeals if each.appeal == command.appeal), None)
    if found is None:
        raise Refused("appeal-unknown", appeal=command.appeal)
    _must_be_competent(present, command.staff, command.by)
    if found.outcome is not None:
        raise Refused("appeal-resolved", appeal=command.appeal)
    return Verdict(
        [
            ev.AppealResolved(
                staff=command.staff,
                year=command.year,
                appeal=command.appeal,
                outcome=command.outcome,
                on=_day(present, command.on, not_before=found.received_on),
                by=command.by,
                text=_blank_is_none(command.text),
            )
        ]
    )


def re_rate(present: Present, command: ReRate) -> Verdict:
    """The only way to change a decided rating: by the competent person, with a reason, on a proposal made since; it
    names what it replaces, which stays readable (NĐ 335/2025 Đ21 k3)."""
    decision = _decision(present, command.year, command.staff)
    of = standing(present.records, command.year, command.staff)
    _must_be_competent(present, command.staff, command.by)
    if command.replaces != decision.event:
        raise Refused("replaces-another", replaces=command.replaces, in_force=decision.event)
    _must_name_last_proposal(of, command.proposal)
    if of.proposal is None or of.proposal.position < decision.position:
        raise Refused("proposal-not-new", proposal=command.proposal)
    _must_be_decidable(of, command.level)
    must_have_reason(command.reason)
    decided_on = _day(present, command.decided_on, not_before=of.proposal.evaluated_on)
    return Verdict(
        [
            ev.ReRated(
                staff=command.staff,
                year=command.year,
                proposal=command.proposal,
                level=command.level,
                replaces=command.replaces,
                reason=command.reason.strip(),
                decided_on=decided_on,
                by=command.by,
                decision_number=_blank_is_none(command.decision_number),
            )
        ]
    )


# What several commands ask for


def _post(present: Present, staff: str) -> Post:
    """The person's post of today, or the nearest to it; competence is judged on it."""
    post = present.posts.get(staff)
    if post is None:
        raise Refused("staff-unknown", staff=staff)
    return post


def _post_of_year(present: Present, year: int, staff: str) -> Post:
    """The attributes that the year's sheet goes by."""
    on = min(present.today, cut_off(present.records, year))
    return post_on(present.records.people[staff], on) or _post(present, staff)


def _must_have_begun(present: Present, year: int) -> None:
    if date(year, 1, 1) > present.today:
        raise Refused("year-not-begun", year=year)


def _must_be_rated(present: Present, year: int, staff: str) -> None:
    _post(present, staff)
    _must_have_begun(present, year)
    if staff not in rated_staff(present.records, year, on=present.today):
        raise Refused("not-rated-here", staff=staff, year=year)


def _must_be(present: Present, by: str, *roles: str) -> None:
    present.must_be_in_post(by)
    if not present.has_role(by, *roles):
        raise Refused("chair-or-office-only" if "chair" in roles else "office-only", by=by)


def _must_be_competent(present: Present, staff: str, by: str) -> None:
    present.must_act_for(by)
    present.must_be_of_another(staff, by)
    must_rate(present, _post(present, staff), by)


def _must_be_undecided(of: Standing) -> None:
    if of.decision is not None:
        raise Refused("already-decided", staff=of.staff, year=of.year)


def _must_name_last_proposal(of: Standing, proposal: str) -> None:
    if of.proposal is None:
        raise Refused("proposal-missing", staff=of.staff)
    if of.proposal.proposal != proposal:
        raise Refused("proposal-not-last", proposal=proposal, last=of.proposal.proposal)


def _must_be_decidable(of: Standing, level: str) -> None:
    """A level of the law; `khong_xep_loai` only where the proposal finds that the person is not rated here."""
    allowed = {"xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh"}
    if of.proposed_level == "khong_xep_loai":
        allowed.add("khong_xep_loai")
    if level not in allowed:
        raise Refused("level-not-decidable", level=level)


def _decision(present: Present, year: int, staff: str) -> Ruling:
    _post(present, staff)
    decision = standing(present.records, year, staff).decision
    if decision is None:
        raise Refused("not-decided", staff=staff, year=year)
    return decision


def _follows(of: Standing, by: str) -> date:
    """The last day of what a decision rests on; above the commune the steps here are none of it."""
    days = [of.proposal.evaluated_on] if of.proposal else []
    if by != EXTERNAL:
        days += [said.on for said in (of.self_assessment, of.opinion) if said]
        days += [min(ballot.held_on for ballot in of.votes)] if of.votes else []
    return max(days, default=date.min)


def _day(present: Present, on: date | None, *, not_before: date) -> date:
    """The day given, today without one; never ahead, nor before what it follows."""
    on = on or present.today
    if not not_before <= on <= present.today:
        raise Refused("day-out-of-order", day=on.isoformat(), first=not_before.isoformat())
    return on


def _number(text: str) -> Fraction:
    """A decimal or a fraction as text, not negative. Refuses `not-a-number`."""
    if not _NUMBER.fullmatch(text):
        raise Refused("not-a-number", value=text[:20])
    return Fraction(text)


def _decimal(number: Fraction) -> str:
    return f"{float(number):g}".replace(".", ",")


def _text(text: str, code: str) -> str:
    if not text.strip():
        raise Refused(code)
    return text.strip()


def _blank_is_none(text: str | None) -> str | None:
    return (text or "").strip() or None
