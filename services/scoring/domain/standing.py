"""How far a person's rating year has come, and which level stands: from proposals and decisions only."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Literal, TypeVar

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain import texts
from services.scoring.domain.records import Moment, Records
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.interface import EventRef
from services.scoring.domain.sheet import Sheet, rated_staff
from shared.events import Input, ReRated

T = TypeVar("T")
Kind = Literal["computed", "proposed", "decided", "re_rated"]
Step = Literal[
    "propose",
    "self_assess",
    "hold_meeting",
    "record_opinion",
    "decide",
    "notify",
    "resolve_appeal",
    "re_rate",
    "publish",
    "none",
]


class Proposal(msgspec.Struct, frozen=True):
    """What the system proposed, and all that it takes to compute it again."""

    proposal: str
    position: int
    level: str
    level_text: str
    rule_set: str
    rule_set_sha256: str | None
    sheet_sha256: str
    evaluated_on: date
    inputs: list[Input]
    figures: dict[str, Any]
    by: str


class SelfLevel(msgspec.Struct, frozen=True):
    on: date
    level: str
    level_text: str
    comment: str | None


class Ballot(msgspec.Struct, frozen=True):
    """What a meeting said of the person. `recorded_on` tells minutes written after a decision from those before it."""

    held_on: date
    recorded_on: date
    present: int
    absent: int
    level: str
    level_text: str
    votes_for: int
    votes_against: int
    minutes_sha256: str | None


class PartyOpinion(msgspec.Struct, frozen=True):
    on: date
    by_body: str
    level: str | None
    text: str


class Ruling(msgspec.Struct, frozen=True):
    """A decision or a re-rating. `event` is its event's id, which a re-rating of it names."""

    event: str
    position: int
    level: str
    level_text: str
    proposal: str
    decided_on: date
    by: str
    reason: str | None
    decision_number: str | None
    replaces: str | None


class Appeal(msgspec.Struct, frozen=True):
    """`calendar` names the working calendars that `due` was counted by; None: weekdays only. `contested` are the ids
    of the events that the person contests."""

    appeal: str
    position: int
    received_on: date
    text: str
    due: date
    calendar: str | None
    outcome: Literal["upheld", "dismissed", "withdrawn"] | None
    resolved_on: date | None
    resolved_by: str | None
    resolution: str | None
    contested: list[str] = []


class Standing(msgspec.Struct, frozen=True):
    """A person's year as the procedure has it. `level` stands: the decided one, else the proposed one, else None."""

    staff: str
    year: int
    kind: Kind
    level: str | None
    level_text: str | None
    proposal: Proposal | None
    self_assessment: SelfLevel | None
    votes: list[Ballot]
    opinion: PartyOpinion | None
    decision: Ruling | None
    earlier: list[Ruling]
    notified_on: date | None
    published_on: date | None
    appeals: list[Appeal]

    @property
    def decided_level(self) -> str | None:
        return self.decision.level if self.decision else None

    @property
    def proposed_level(self) -> str | None:
        return self.proposal.level if self.proposal else None


def standing(records: Records, year: int, staff: str) -> Standing:
    """Where a person's rating year stands in these records. Nothing but a re-rating changes a decided level."""
    rating: kept.RatingRecord | None = records.get("rating", f"{year}/{staff}")
    moments = rating.moments if rating else []
    proposals = [_proposal(moment) for moment in moments if isinstance(moment, kept.Proposed)]
    rulings = [_ruling(moment) for moment in moments if isinstance(moment, kept.Decided | kept.ReRating)]
    proposal, decision = _last(proposals), _last(rulings)
    notices = [m for m in moments if isinstance(m, kept.Notified) and decision and m.position > decision.position]
    published = [
        moment
        for moment in _year_moments(records, year)
        if isinstance(moment, kept.Published) and decision and moment.position > decision.position
    ]
    stands = decision or proposal
    kinds: dict[int, Kind] = {0: "proposed" if proposal else "computed", 1: "decided"}
    return Standing(
        staff=staff,
        year=year,
        kind=kinds.get(len(rulings), "re_rated"),
        level=stands.level if stands else None,
        level_text=stands.level_text if stands else None,
        proposal=proposal,
        self_assessment=_last([_self_level(m) for m in moments if isinstance(m, kept.SelfAssessment)]),
        votes=list(_ballots(records, year, staff)),
        opinion=_last([_opinion(moment) for moment in moments if isinstance(moment, kept.Opinion)]),
        decision=decision,
        earlier=rulings[:-1],
        notified_on=notices[-1].data.on if notices else None,
        published_on=published[-1].data.on if published else None,
        appeals=list(_appeals(moments)),
    )


def on_the_list(records: Records, year: int, on: date) -> list[str]:
    """The people who are rated, and those with a decision: later changes of a post take nobody with a decision off."""
    rulings = (kept.Decided, kept.ReRating)
    decided = {
        rating.staff
        for rating in records.by_kind["rating"].values()
        if rating.year == year and any(isinstance(moment, rulings) for moment in rating.moments)
    }
    return sorted(decided.intersection(records.people).union(rated_staff(records, year, on=on)))


def without_opinions(of: Standing) -> Standing:
    """The part that a tracker who does not rate may see."""
    return msgspec.structs.replace(of, self_assessment=None, votes=[], opinion=None, appeals=[])


def rested_on(records: Records, of: Standing) -> Proposal | None:
    """The proposal that the level in force rests on: the decision's own, else the last one."""
    if of.decision is None:
        return of.proposal
    moments = records.get("rating", f"{of.year}/{of.staff}").moments
    named = [m for m in moments if isinstance(m, kept.Proposed) and m.data.proposal == of.decision.proposal]
    return _last([_proposal(moment) for moment in named])


def next_step(of: Standing, *, opinion_needed: bool) -> Step:
    """What the procedure waits for (NĐ 90/2020 Đ17-18, NĐ 335/2025 Đ21-22)."""
    if of.decision is None:
        waits: list[tuple[Step, bool]] = [
            ("propose", of.proposal is None),
            ("self_assess", of.self_assessment is None),
            ("hold_meeting", not of.votes),
            ("record_opinion", opinion_needed and of.opinion is None),
            ("decide", True),
        ]
    else:
        since = [appeal for appeal in of.appeals if appeal.position > of.decision.position]
        waits = [
            ("notify", of.notified_on is None),
            ("resolve_appeal", any(appeal.outcome is None for appeal in of.appeals)),
            ("re_rate", any(appeal.outcome == "upheld" for appeal in since)),
            ("publish", of.published_on is None),
        ]
    return next((step for step, missing in waits if missing), "none")


def since(records: Records, of: Standing, sheet: Sheet) -> list[EventRef]:
    """What was recorded after the positions that the level in force rests on, and concerns the person's year ("phát
    sinh sau chốt"). Only a re-rating can take it in. `sheet` is the year as known now."""
    proposal = rested_on(records, of)
    if proposal is None:
        return []
    pinned = {pin.source: pin.position for pin in proposal.inputs}
    found = {
        (event.source, event.position, event.what): event
        for event in concerning(records, sheet)
        if event.position > pinned[event.source]
    }
    return sorted(found.values(), key=lambda event: (event.time, event.source, event.position))


def concerning(records: Records, of: Sheet) -> list[EventRef]:
    """The events that a sheet names, and those around them that concern the person's year."""
    on_sheet = [event for task in of.tasks for event in task.events]
    on_sheet += [event for events in of.because.values() for event in events]
    return [*on_sheet, *_around(records, of.year, of.staff, of)]


# Which moments of a person, other than their tasks, concern a rating year.
_CONCERNS: dict[type, Callable[[Any, int], bool]] = {
    kept.Appointed: lambda data, year: data.valid_from.year <= year,
    kept.Changed: lambda data, year: data.valid_from.year <= year,
    kept.Left: lambda data, year: data.valid_to.year <= year,
    kept.TakenOver: lambda data, year: data.valid_from.year <= year,
    kept.Absence: lambda data, year: data.from_.year <= year <= (data.to or date.max).year,
    kept.Disciplined: lambda data, year: year in (data.act_date.year, data.decision_date.year, data.used_in_year),
    kept.Withdrawn: lambda data, year: True,
    kept.Closing: lambda data, year: int(data.period[:4]) == year,
    kept.Reopening: lambda data, year: int(data.period[:4]) == year,
}
# Of the year's record and of the person's, what figures rest on.
_ENTERS = (kept.Chosen, kept.RuleSetPick, kept.LeaderCriteria, kept.PeriodResult)


def _around(records: Records, year: int, staff: str, sheet: Sheet) -> Iterator[EventRef]:
    """Events of the person, the year, the criteria, the unit's result and the periods."""
    for moment in records.people[staff].moments:
        if _CONCERNS[type(moment)](moment.data, year):
            yield ref("tasks", moment)
    rating = records.get("rating", f"{year}/{staff}")
    for moment in [*_year_moments(records, year), *(rating.moments if rating else [])]:
        if isinstance(moment, _ENTERS) and getattr(moment.data, "category", sheet.category) == sheet.category:
            yield ref("scoring", moment)
    for moment in moments_of(records, "common", f"{year}/{staff}"):
        if moment.data.stage == "confirmed":
            yield ref("scoring", moment, "common")
    for moment in moments_of(records, "unit_result", f"{year}/{sheet.leads_unit}"):
        yield ref("scoring", moment, "unit_result")
    for period in records.by_kind["period"].values():
        for moment in period.moments:
            if staff in moment.data.staff and _CONCERNS[type(moment)](moment.data, year):
                yield ref("scoring", moment)


def moments_of(records: Records, kind: str, key: str) -> list[Any]:
    """The moments of a record, none while there is no such record."""
    record = records.get(kind, key)
    return record.moments if record else []


def _year_moments(records: Records, year: int) -> list[Any]:
    return moments_of(records, "year", str(year))


def _last(of: list[T]) -> T | None:
    return of[-1] if of else None


def _proposal(moment: kept.Proposed) -> Proposal:
    said = moment.data
    return Proposal(
        said.proposal, moment.position, said.level, texts.LEVELS[said.level], said.rule_set, said.rule_set_sha256,
        said.sheet_sha256, said.evaluated_on, said.inputs, said.figures, said.by,
    )  # fmt: skip


def _ruling(moment: kept.Decided | kept.ReRating) -> Ruling:
    said = moment.data
    return Ruling(
        event=moment.id,
        position=moment.position,
        level=said.level,
        level_text=texts.LEVELS[said.level],
        proposal=said.proposal,
        decided_on=said.decided_on,
        by=said.by,
        reason=said.reason if isinstance(said, ReRated) else said.differs_reason,
        decision_number=said.decision_number,
        replaces=said.replaces if isinstance(said, ReRated) else None,
    )


def _self_level(moment: kept.SelfAssessment) -> SelfLevel:
    said = moment.data
    return SelfLevel(said.on, said.level, texts.LEVELS[said.level], said.comment)


def _opinion(moment: kept.Opinion) -> PartyOpinion:
    said = moment.data
    return PartyOpinion(said.on, said.by_body, said.level, said.text)


def _ballots(records: Records, year: int, staff: str) -> Iterator[Ballot]:
    for moment in _year_moments(records, year):
        if isinstance(moment, kept.Meeting):
            held = moment.data
            for vote in held.votes:
                if vote.staff == staff:
                    yield Ballot(
                        held.held_on, moment.day, held.present, held.absent, vote.level, texts.LEVELS[vote.level],
                        vote.for_, vote.against, held.minutes_sha256,
                    )  # fmt: skip


def _appeals(moments: Iterable[Moment]) -> Iterator[Appeal]:
    resolved = {moment.data.appeal: moment.data for moment in moments if isinstance(moment, kept.Resolved)}
    for moment in moments:
        if isinstance(moment, kept.Appealed):
            said = moment.data
            answer = resolved.get(said.appeal)
            yield Appeal(
                said.appeal, moment.position, said.received_on, said.text, said.due, said.calendar,
                answer.outcome if answer else None, answer.on if answer else None, answer.by if answer else None,
                answer.text if answer else None, said.contested or [],
            )  # fmt: skip
