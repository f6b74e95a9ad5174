"""What is heard before a decision: self-assessment, collective meeting, the Party committee's opinion."""

from datetime import date

import msgspec

from services.scoring.domain import refusals
from services.scoring.domain.context import Command, Decision, ProcedureContext
from services.scoring.domain.procedure.steps import (
    day_given,
    must_be_rated,
    must_be_undecided,
    must_have_begun,
    needs_opinion,
    post_of_year,
    required_text,
    text_or_none,
)
from services.scoring.domain.standing import standing
from shared import events
from shared.events.ratings import Level, Vote


class AssessOneself(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    level: Level
    on: date | None = None
    comment: str | None = None


def assess_oneself(context: ProcedureContext, command: AssessOneself) -> Decision:
    """A person's own assessment, typed by them or, from paper, by the Office."""
    must_be_rated(context, command.year, command.staff)
    context.must_act_for(command.staff, about={command.staff})
    must_be_undecided(standing(context.records, command.year, command.staff))
    on = day_given(context, command.on, not_before=date(command.year, 1, 1))
    return Decision(
        [
            events.SelfAssessed(
                staff=command.staff,
                year=command.year,
                on=on,
                level=command.level,
                comment=text_or_none(command.comment),
            )
        ]
    )


class RecordMeeting(Command, frozen=True, kw_only=True):
    year: int
    held_on: date
    present: int
    absent: int
    votes: list[Vote]
    minutes_sha256: str | None = None


def record_meeting(context: ProcedureContext, command: RecordMeeting) -> Decision:
    """The collective meeting as in its minutes: numbers of people, and the votes on each person's level. Those on the
    one who types are recorded by another, in minutes of the same meeting."""
    context.must_keep({vote.staff for vote in command.votes})
    must_have_begun(context, command.year)
    held_on = day_given(context, command.held_on, not_before=date(command.year, 1, 1))
    if command.present < 1 or command.absent < 0:
        raise refusals.MEETING_NUMBERS(staff="")
    named = [vote.staff for vote in command.votes]
    if len(set(named)) < len(named):
        raise refusals.VOTED_TWICE(staff=", ".join(sorted({staff for staff in named if named.count(staff) > 1})))
    for vote in command.votes:
        must_be_rated(context, command.year, vote.staff)
        if min(vote.for_, vote.against) < 0 or vote.for_ + vote.against > command.present:
            raise refusals.MEETING_NUMBERS(staff=vote.staff)
    return Decision([events.MeetingRecorded(**msgspec.structs.asdict(command) | {"held_on": held_on})])


class RecordOpinion(Command, frozen=True, kw_only=True):
    year: int
    staff: str
    by_body: str
    text: str
    on: date | None = None
    level: Level | None = None


def record_opinion(context: ProcedureContext, command: RecordOpinion) -> Decision:
    """The written opinion of the Party committee on a leader, recorded by the Office, or by a leader on the Office's
    own."""
    context.must_keep({command.staff})
    must_be_rated(context, command.year, command.staff)
    if not needs_opinion(post_of_year(context, command.year, command.staff)):
        raise refusals.NOT_A_LEADER(staff=command.staff)
    must_be_undecided(standing(context.records, command.year, command.staff))
    text, body = required_text(command.text), required_text(command.by_body)
    on = day_given(context, command.on, not_before=date(command.year, 1, 1))
    return Decision(
        [
            events.OpinionRecorded(
                staff=command.staff, year=command.year, on=on, by_body=body, text=text, level=command.level
            )
        ]
    )
