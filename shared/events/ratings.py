"""What the scoring service records of a rating year: its settings, criteria and results, and the whole procedure.

Where `by` is `external`, the body above the commune decided: its paper's number, date and SHA-256 stand with it, in
`document_*`, or in a decision's own number and date.
"""

from typing import Any, Literal

import msgspec

from shared.events.catalogue import event
from shared.events.values import Category, Data, Day, Decimal, Input, Sha256, Text

Level = Literal["xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh"]
# A level, or an outcome for which the law gives none.
Outcome = Literal[
    "xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh", "can_xem_xet", "chua_du_du_lieu", "khong_xep_loai"
]
Percent = Literal[50, 100]


@event("rating.score_updated", source="scoring", subject="score/{year}/{staff}")
class ScoreUpdated(Data):
    """The figures of a person differ from the last announced ones. For those who listen; no fold reads it."""

    staff: str
    year: int
    rule_set: str
    figures: dict[str, Any]
    level: str
    evaluated_on: Day
    inputs: list[Input]
    period: str | None = None


@event("rating.settings_chosen", source="scoring", subject="year/{year}")
class SettingsChosen(Data):
    year: int
    settings: dict[str, Any]
    by: str
    reason: Text


@event("rating.common_assessed", source="scoring", subject="rating/{year}/{staff}")
class CommonAssessed(Data):
    """Common criteria. nd90 (NĐ 90/2020 Đ3): k1…k4, each `tot`, `dap_ung` or `khong`, of the year, without `period`.
    nd335 (Mẫu 01): I.1 I.2 (at most 5 points each), II.1…II.4 and III.1…III.4 (at most 2.5), of one `period`."""

    staff: str
    year: int
    items: dict[str, str]
    stage: Literal["self", "confirmed"]
    by: str
    period: str | None = None
    document_number: Text | None = None
    document_date: Day | None = None
    document_sha256: Sha256 | None = None


class UnitFigures(Data):
    """A unit's year. `units_hoan_thanh` counts managed units at least hoàn thành, the tốt ones included."""

    targets: int
    completed: int
    on_time_quality: int
    exceeded: int
    units: int
    units_hoan_thanh: int
    units_tot: int
    corruption: bool = False
    level: str | None = None
    outstanding: bool = False


@event("rating.unit_result_recorded", source="scoring", subject="unit/{year}/{unit}")
class UnitResultRecorded(Data):
    unit: str
    year: int
    figures: UnitFigures
    by: str
    document_number: Text | None = None
    document_date: Day | None = None
    document_sha256: Sha256 | None = None


@event("rating.rule_set_chosen", source="scoring", subject="year/{year}")
class RuleSetChosen(Data):
    """Another rule set than the law's default for a category, or a province's own, with the reason."""

    year: int
    category: Category
    rule_set: str
    by: str
    rule_set_sha256: Sha256 | None = None
    reason: Text | None = None


@event("rating.leader_criteria_recorded", source="scoring", subject="rating/{year}/{staff}")
class LeaderCriteriaRecorded(Data):
    """d, đ (`dd`) and e of a leader's period, in per cent (NĐ 335/2025 Đ17), with the rater's reasons."""

    staff: str
    year: int
    period: str
    d: Percent
    dd: Percent
    e: Percent
    reasons: dict[str, Text]
    by: str
    document_number: Text | None = None
    document_date: Day | None = None
    document_sha256: Sha256 | None = None


@event("rating.period_closed", source="scoring", subject="period/{period}")
class PeriodClosed(Data):
    """From here on the period of these people is computed from `inputs`, evaluated on `closed_on`."""

    period: str
    staff: list[str]
    by: str
    closed_on: Day
    inputs: list[Input]
    reason: Text | None = None


@event("rating.period_reopened", source="scoring", subject="period/{period}")
class PeriodReopened(Data):
    """Reopens the later periods of the year too, for these people."""

    period: str
    staff: list[str]
    by: str
    reason: Text
    document_number: Text | None = None
    document_date: Day | None = None
    document_sha256: Sha256 | None = None


@event("rating.period_result_received", source="scoring", subject="rating/{year}/{staff}")
class PeriodResultReceived(Data):
    """What a transferred person scored in a period at the former agency (NĐ 335/2025 Đ19). `document` is the number of
    the paper that says so."""

    staff: str
    year: int
    period: str
    score: Decimal
    from_: str = msgspec.field(name="from")
    by: str
    document: Text | None = None
    document_date: Day | None = None
    document_sha256: Sha256 | None = None


@event("rating.proposed", source="scoring", subject="rating/{year}/{staff}")
class RatingProposed(Data):
    """The system's proposal: whoever recomputes it from `inputs` by that rule set gets the same sheet, byte by byte."""

    proposal: str
    staff: str
    year: int
    level: Outcome
    figures: dict[str, Any]
    rule_set: str
    sheet_sha256: Sha256
    evaluated_on: Day
    inputs: list[Input]
    by: str
    rule_set_sha256: Sha256 | None = None


@event("rating.self_assessed", source="scoring", subject="rating/{year}/{staff}")
class SelfAssessed(Data):
    staff: str
    year: int
    on: Day
    level: Level
    comment: Text | None = None


class Vote(Data):
    """What a meeting said of one person's level."""

    staff: str
    level: Level
    for_: int = msgspec.field(name="for")
    against: int


@event("rating.meeting_recorded", source="scoring", subject="year/{year}")
class MeetingRecorded(Data):
    """The collective meeting (NĐ 90/2020 Đ18, NĐ 335/2025 Đ21): numbers of people, and the votes."""

    year: int
    held_on: Day
    present: int
    absent: int
    votes: list[Vote]
    minutes_sha256: Sha256 | None = None


@event("rating.opinion_recorded", source="scoring", subject="rating/{year}/{staff}")
class OpinionRecorded(Data):
    """The written opinion of the Party committee on a leader."""

    staff: str
    year: int
    on: Day
    by_body: str
    text: Text
    level: Level | None = None


@event("rating.decided", source="scoring", subject="rating/{year}/{staff}")
class RatingDecided(Data):
    """The competent person's decision. `level` may be another than the proposal's, with the reason."""

    staff: str
    year: int
    proposal: str
    level: Outcome
    decided_on: Day
    by: str
    differs_reason: Text | None = None
    decision_number: str | None = None
    document_sha256: Sha256 | None = None


@event("rating.notified", source="scoring", subject="rating/{year}/{staff}")
class RatingNotified(Data):
    """The written notice to the person."""

    staff: str
    year: int
    on: Day


@event("rating.published", source="scoring", subject="year/{year}")
class RatingsPublished(Data):
    """The public notice of the year's ratings in the agency."""

    year: int
    on: Day


@event("rating.appealed", source="scoring", subject="rating/{year}/{staff}")
class RatingAppealed(Data):
    """An appeal (kiến nghị); `due` is 7 working days after receipt (NĐ 335/2025 Đ22) by the calendar named. `contested`
    are the ids of the events that the person contests."""

    staff: str
    year: int
    appeal: str
    received_on: Day
    text: Text
    due: Day
    calendar: str | None = None
    contested: list[str] | None = None


@event("rating.appeal_resolved", source="scoring", subject="rating/{year}/{staff}")
class AppealResolved(Data):
    staff: str
    year: int
    appeal: str
    outcome: Literal["upheld", "dismissed", "withdrawn"]
    on: Day
    by: str
    text: Text | None = None
    document_number: Text | None = None
    document_sha256: Sha256 | None = None


@event("rating.re_rated", source="scoring", subject="rating/{year}/{staff}")
class ReRated(Data):
    """Replaces the decision or re-rating whose event id is `replaces`; that one stays readable."""

    staff: str
    year: int
    proposal: str
    level: Outcome
    replaces: str
    reason: Text
    decided_on: Day
    by: str
    decision_number: str | None = None
    document_sha256: Sha256 | None = None
