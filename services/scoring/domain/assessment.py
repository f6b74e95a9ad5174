"""What people record for a rating year: settings, common criteria, unit results; and who may."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from services.scoring.domain.records import Records, UnitRecord
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.settings import cut_off, validate
from shared.events import CommonAssessed, SettingsChosen, UnitFigures, UnitResultRecorded
from shared.events.values import EXTERNAL
from shared.refusal import Refused

# NĐ 90/2020 Đ3: chính trị tư tưởng; đạo đức, lối sống; tác phong, lề lối; ý thức tổ chức kỷ luật.
COMMON_CRITERIA = ("k1", "k2", "k3", "k4")
GRADES = ("tot", "dap_ung", "khong")


class ChooseSettings(msgspec.Struct, frozen=True, kw_only=True):
    year: int
    settings: dict[str, Any]
    by: str
    reason: str


class AssessCommon(msgspec.Struct, frozen=True, kw_only=True):
    staff: str
    year: int
    items: dict[str, str]
    stage: Literal["self", "confirmed"]
    by: str


class RecordUnitResult(msgspec.Struct, frozen=True, kw_only=True):
    unit: str
    year: int
    figures: UnitFigures
    by: str


class Context(msgspec.Struct, frozen=True):
    """Who asks, and who is in post on this day. `actor` is the staff id that typed it, None for an operator. `records`
    hold at least the people, units and years."""

    actor: str | None
    posts: Mapping[str, Post]
    units: frozenset[str]
    records: Records
    today: date

    def must_be_in_post(self, staff: str) -> Post:
        post = self.posts.get(staff)
        if post is None:
            raise Refused("staff-unknown", staff=staff)
        if not post.in_post:
            raise Refused("not-in-post", staff=staff)
        return post

    def has_role(self, staff: str | None, *roles: str) -> bool:
        post = self.posts.get(staff) if staff else None
        return post is not None and post.in_post and not set(roles).isdisjoint(post.roles)

    def must_act_for(self, by: str) -> None:
        """One acts oneself, or the Office types what another (or the level above) has decided."""
        if by != self.actor and not self.has_role(self.actor, "office"):
            raise Refused("acts-for-another", by=by)

    def must_be_of_another(self, staff: str, by: str | None = None) -> None:
        """Nobody rates themselves, typing for another included."""
        if staff in (by, self.actor):
            raise Refused("rates-oneself", staff=staff)


def choose_settings(context: Context, command: ChooseSettings) -> list[SettingsChosen]:
    """The settings of a year, chosen by the Chairman with a reason. Refuses unknown or impossible settings."""
    context.must_act_for(command.by)
    if not context.has_role(command.by, "chair"):
        raise Refused("chair-only", by=command.by)
    must_have_reason(command.reason)
    validate(command.settings)
    return [SettingsChosen(year=command.year, settings=command.settings, by=command.by, reason=command.reason.strip())]


def assess_common(context: Context, command: AssessCommon) -> list[CommonAssessed]:
    """Common criteria of a person's year: assessed by oneself, confirmed by the tracker or the rater.

    Refuses: confirming one's own (typing it included), somebody who neither tracks nor rates the person.
    """
    post = context.posts.get(command.staff)
    if post is None:
        raise Refused("staff-unknown", staff=command.staff)
    if not command.items or not set(command.items) <= set(COMMON_CRITERIA):
        raise Refused("common-criteria", expected=", ".join(COMMON_CRITERIA))
    context.must_act_for(command.by)
    if command.stage == "self":
        if command.by != command.staff:
            raise Refused("self-assessment-by-another", staff=command.staff)
    else:
        context.must_be_of_another(command.staff, command.by)
        must_track_or_rate(context, post, command.by)
    return [
        CommonAssessed(staff=command.staff, year=command.year, items=command.items, stage=command.stage, by=command.by)
    ]


def must_track_or_rate(context: Context, rated: Post, by: str) -> None:
    """Refuses whoever is neither the tracker nor the rater of the person."""
    if by == EXTERNAL or by != rated.tracker:
        must_rate(context, rated, by, otherwise="neither-tracker-nor-rater")
    else:
        context.must_be_in_post(by)


def must_rate(context: Context, rated: Post, by: str, otherwise: str = "not-the-rater") -> None:
    """Refuses whoever is not the competent person: the rater, by default the Chairman, or the level above."""
    if by == EXTERNAL:
        if rated.rater != EXTERNAL:
            raise Refused("not-rated-externally", by=by)
        return
    context.must_be_in_post(by)
    if by != rated.rater and not (rated.rater is None and context.has_role(by, "chair")):
        raise Refused(otherwise, by=by)


def record_unit_result(context: Context, command: RecordUnitResult) -> list[UnitResultRecorded]:
    """A unit's year, recorded by the Chairman or as it came from above; never by the one whose rating rests on it."""
    if command.unit not in context.units:
        raise Refused("unit-unknown", unit=command.unit)
    context.must_act_for(command.by)
    if command.by != EXTERNAL and not context.has_role(command.by, "chair"):
        raise Refused("chair-only", by=command.by)
    for staff in _answer_for(context, command.unit, command.year):
        context.must_be_of_another(staff, command.by)
    _must_add_up(command.figures)
    return [UnitResultRecorded(unit=command.unit, year=command.year, figures=command.figures, by=command.by)]


def _answer_for(context: Context, unit: str, year: int) -> set[str]:
    """Whose rating rests on the unit's result: who leads it or is its head, now or on the day that the year goes by."""
    found: set[str] = set()
    record: UnitRecord | None = context.records.get("unit", unit)
    for day in (context.today, min(context.today, cut_off(context.records, year))):
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
            raise Refused("unit-figures", part=part, whole=whole)


def must_have_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("reason-required")
