"""Appeals (kiến nghị), and the re-rating that alone changes a decided level."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from services.scoring.domain import refusals
from services.scoring.domain.context import (
    Command,
    Decision,
    ProcedureContext,
    must_be_documented,
    must_have_reason,
)
from services.scoring.domain.flags import contestable
from services.scoring.domain.procedure.steps import (
    day_given,
    decision_in_force,
    must_be_competent,
    must_be_decidable,
    must_name_last_proposal,
    post_of,
    required_text,
    text_or_none,
)
from services.scoring.domain.records import CalendarRecord, Records
from services.scoring.domain.sheet import sheet
from services.scoring.domain.standing import standing
from shared import events
from shared.calendar import Calendar, CalendarMissing, Calendars, calendar_of
from shared.events.ratings import Outcome

# NĐ 335/2025 Đ22.
APPEAL_WORKING_DAYS = 7


class FileAppeal(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    text: str
    received_on: date | None = None
    contests: Sequence[str] = ()


def file_appeal(context: ProcedureContext, command: FileAppeal) -> Decision:
    """An appeal (kiến nghị) of the person against their decided rating, typed by them or by the Office.

    It is due 7 working days after receipt (NĐ 335/2025 Đ22) by the published calendars. If one is missing, weekdays
    count instead, and the answer names no calendar. What it contests are events of the person's own sheet or procedure.
    """
    decision = decision_in_force(context, command.year, command.staff)
    context.must_act_for(command.staff, about={command.staff})
    if any(appeal.outcome is None for appeal in standing(context.records, command.year, command.staff).appeals):
        raise refusals.APPEAL_OPEN(staff=command.staff)
    text = required_text(command.text)
    received_on = day_given(context, command.received_on, not_before=decision.decided_on)
    contested = _contested(context, command)
    due, calendar = appeal_due(context.records, received_on)
    event = events.RatingAppealed(
        staff=command.staff,
        year=command.year,
        appeal=context.new_id(),
        received_on=received_on,
        text=text,
        due=due,
        calendar=calendar,
        contested=contested or None,
    )
    return Decision([event], {"appeal": event.appeal, "due": due, "calendar": calendar})


# As many letters of an event's id as a printed sheet shows.
PRINTED = 12


def _contested(context: ProcedureContext, command: FileAppeal) -> list[str]:
    """The whole ids of the events contested, each once. Refuses those that do not concern the person's year."""
    if not command.contests:
        return []
    of = sheet(context.records, command.year, command.staff, on=context.today)
    known = [event.id for event in contestable(context.records, of)]
    found = {
        said: [event for event in known if event == said or (len(said) >= PRINTED and event.endswith(said))]
        for said in (contested.strip().lower() for contested in command.contests)
    }
    unknown = [said for said, matching in found.items() if len(matching) != 1]
    if unknown:
        raise refusals.CONTESTED_UNKNOWN(year=command.year, staff=command.staff, events=", ".join(unknown))
    return list(dict.fromkeys(matching[0] for matching in found.values()))


def appeal_due(records: Records, received_on: date) -> tuple[date, str | None]:
    """The last day for an answer, and the calendars it was counted by ("vn-2024-r2", over two years joined by "+"), or
    None when it was counted by weekdays only, because a year's calendar is not published."""
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


class ResolveAppeal(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    appeal: str
    outcome: Literal["upheld", "dismissed", "withdrawn"]
    by: str
    on: date | None = None
    text: str | None = None
    document_number: str | None = None
    document_sha256: str | None = None


def resolve_appeal(context: ProcedureContext, command: ResolveAppeal) -> Decision:
    """The competent person's answer to an appeal; an upheld one calls for a re-rating."""
    post_of(context, command.staff)
    of = standing(context.records, command.year, command.staff)
    appeal = next((appeal for appeal in of.appeals if appeal.appeal == command.appeal), None)
    if appeal is None:
        raise refusals.APPEAL_UNKNOWN(appeal=command.appeal)
    must_be_competent(context, command.staff, command.by)
    must_be_documented(context, command.by, command.document_number, command.on, command.document_sha256)
    if appeal.outcome is not None:
        raise refusals.APPEAL_RESOLVED(appeal=command.appeal)
    return Decision(
        [
            events.AppealResolved(
                staff=command.staff,
                year=command.year,
                appeal=command.appeal,
                outcome=command.outcome,
                on=day_given(context, command.on, not_before=appeal.received_on),
                by=command.by,
                text=text_or_none(command.text),
                document_number=text_or_none(command.document_number),
                document_sha256=command.document_sha256,
            )
        ]
    )


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
    document_sha256: str | None = None


def re_rate(context: ProcedureContext, command: ReRate) -> Decision:
    """The only way to change a decided rating: by the competent person, with a reason, on a newer proposal. The
    decision that it replaces stays readable (NĐ 335/2025 Đ21 k3)."""
    decision = decision_in_force(context, command.year, command.staff)
    of = standing(context.records, command.year, command.staff)
    must_be_competent(context, command.staff, command.by)
    must_be_documented(context, command.by, command.decision_number, command.decided_on, command.document_sha256)
    if command.replaces != decision.event:
        raise refusals.REPLACES_ANOTHER(replaces=command.replaces, in_force=decision.event)
    must_name_last_proposal(of, command.proposal)
    if of.proposal is None or of.proposal.position < decision.position:
        raise refusals.PROPOSAL_NOT_NEW(proposal=command.proposal)
    must_be_decidable(of, command.level)
    must_have_reason(command.reason)
    decided_on = day_given(context, command.decided_on, not_before=of.proposal.evaluated_on)
    return Decision(
        [
            events.ReRated(
                staff=command.staff,
                year=command.year,
                proposal=command.proposal,
                level=command.level,
                replaces=command.replaces,
                reason=command.reason.strip(),
                decided_on=decided_on,
                by=command.by,
                decision_number=text_or_none(command.decision_number),
                document_sha256=command.document_sha256,
            )
        ]
    )
