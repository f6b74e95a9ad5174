"""What people record for a rating year: settings, common criteria, unit results."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from services.scoring.domain import refusals, rules
from services.scoring.domain.concerns import must_choose_for_all
from services.scoring.domain.context import (
    Command,
    Context,
    Decision,
    must_be_documented,
    must_have_reason,
    must_track_or_rate,
)
from services.scoring.domain.records import UnitRecord
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.domain.settings import cut_off, validate
from shared.events import CommonAssessed, SettingsChosen, UnitFigures, UnitResultRecorded
from shared.events.values import EXTERNAL


class ChooseSettings(Command, frozen=True, kw_only=True):
    year: int
    settings: dict[str, Any]
    reason: str
    by: str | None = None


def choose_settings(context: Context, command: ChooseSettings) -> Decision:
    """The settings of a year, chosen by the Chairman with a reason, and typed by nobody who is rated by them; by an
    administrator where they concern every Chairman. Refuses unknown or impossible settings."""
    by = must_choose_for_all(context, command)
    must_have_reason(command.reason)
    validate(command.settings)
    return Decision(
        [SettingsChosen(year=command.year, settings=command.settings, by=by, reason=command.reason.strip())]
    )


class AssessCommon(Command, frozen=True, kw_only=True):
    staff: str
    year: int
    items: dict[str, str]
    stage: Literal["self", "confirmed"]
    by: str
    document_number: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def assess_common(context: Context, command: AssessCommon) -> Decision:
    """Common criteria of a person's year: assessed by oneself, confirmed by the tracker or the rater.

    Refuses a person who neither tracks nor rates the other.
    """
    post = context.posts.get(command.staff)
    if post is None:
        raise refusals.STAFF_UNKNOWN(staff=command.staff)
    criteria = _criteria(context, command.year, post.category)
    if not command.items or not set(command.items) <= set(criteria):
        raise refusals.COMMON_CRITERIA(expected=", ".join(criteria))
    context.must_act_for(command.by, about={command.staff})
    if command.stage == "self":
        if command.by != command.staff:
            raise refusals.SELF_ASSESSMENT_BY_ANOTHER(staff=command.staff)
    else:
        must_track_or_rate(context, command.staff, command.by)
        must_be_documented(context, command.by, command.document_number, command.document_date, command.document_sha256)
    return Decision([CommonAssessed(**msgspec.structs.asdict(command))])


def _criteria(context: Context, year: int, category: str) -> Sequence[str]:
    """What the rule set that applies grades for a year. Where it grades nothing, the criteria of all rule sets: another
    one may still be chosen."""
    applied = rules.described(rules.applied(context.records, year, category))
    return applied.criteria.year or rules.criteria_of_years()


class RecordUnitResult(Command, frozen=True, kw_only=True):
    unit: str
    year: int
    figures: UnitFigures
    by: str
    document_number: str | None = None
    document_date: date | None = None
    document_sha256: str | None = None


def record_unit_result(context: Context, command: RecordUnitResult) -> Decision:
    """A unit's year, recorded by the Chairman or, with its document, as it came from above."""
    if command.unit not in context.units:
        raise refusals.UNIT_UNKNOWN(unit=command.unit)
    context.must_act_for(command.by, about=answer_for(context, command))
    if command.by != EXTERNAL and not context.has_role(command.by, "chair"):
        raise refusals.CHAIR_ONLY(by=command.by)
    _must_add_up(command.figures)
    must_be_documented(context, command.by, command.document_number, command.document_date, command.document_sha256)
    said = {name: getattr(command, name) for name in command.__struct_fields__}
    return Decision([UnitResultRecorded(**said)])


def answer_for(context: Context, command: RecordUnitResult) -> set[str]:
    """The people whose rating rests on the unit's result: those who lead or head it, now or on the day that the year
    goes by."""
    found: set[str] = set()
    unit = command.unit
    record: UnitRecord | None = context.records.get("unit", unit)
    for day in (context.today, min(context.today, cut_off(context.records, command.year))):
        posts = {staff: post_on(person, day) for staff, person in context.records.people.items()}
        found |= {staff for staff, post in posts.items() if post and post.in_post and post.leads_unit == unit}
        begun = [moment.data for moment in record.moments if moment.data.valid_from <= day] if record else []
        if begun and (head := max(reversed(begun), key=lambda defined: defined.valid_from).head):
            found.add(head)
    return found


def _must_add_up(figures: UnitFigures) -> None:
    parts = [
        ("completed", "targets"),
        ("on_time_quality", "targets"),
        ("exceeded", "completed"),
        ("units_hoan_thanh", "units"),
        ("units_tot", "units_hoan_thanh"),
    ]
    for part, whole in parts:
        if not 0 <= getattr(figures, part) <= getattr(figures, whole):
            raise refusals.UNIT_FIGURES(part=part, whole=whole)
