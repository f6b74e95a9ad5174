"""A person's year apart from tasks: post, time worked, acts, and the result of the unit that counts for a leader."""

from collections.abc import Iterable

import msgspec

from services.scoring.domain import records as kept
from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts import people
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.rules.facts.tasks import ref
from services.scoring.domain.rules.interface import EventRef
from shared.events import UnitFigures


class PersonYear(msgspec.Struct):
    """`unit` is the unit's result, None for those who lead none; one with 0 targets counts as not recorded."""

    post: people.Post
    days_worked: int
    days_absent: int
    acts: list[people.Act]
    unit: UnitFigures | None
    unit_without_targets: bool
    because: dict[str, list[EventRef]]


def person_year(
    snapshot: Snapshot, person: PersonRecord, post: people.Post, year: int, *, leads: bool, absent: Iterable[str]
) -> PersonYear:
    """`leads`: is the result of the person's unit looked at? `absent` are the kinds of absence that do not count as
    worked."""
    by = snapshot.by(year)
    away = people.days_absent(person, year, by, absent)
    acts = [act for act in people.acts(person) if act.year == year]
    unit, unit_events = unit_result(snapshot, post.leads_unit, year) if leads else (None, [])
    on_person = {moment.position: ref("tasks", moment) for moment in person.moments}
    absences = [on_person[moment.position] for moment in people.absences(person)]
    posts = [on_person[m.position] for m in person.moments if isinstance(m, kept.Appointed | kept.Changed | kept.Left)]
    return PersonYear(
        post=post,
        days_worked=len(people.days(people.employed(person, year, by)) - away),
        days_absent=len(away),
        acts=acts,
        unit=unit if unit is not None and unit.targets > 0 else None,
        unit_without_targets=unit is not None and unit.targets == 0,
        because={
            "post": [on_person[position] for position in post.positions],
            "days_worked": posts + absences,
            "days_absent": absences,
            "discipline": [on_person[position] for act in acts for position in act.positions],
            "unit": unit_events,
        },
    )


def unit_result(snapshot: Snapshot, unit: str | None, year: int) -> tuple[UnitFigures | None, list[EventRef]]:
    """A unit's year as last recorded."""
    record = snapshot.records.get("unit_result", f"{year}/{unit}")
    if record is None:
        return None, []
    return record.moments[-1].data.figures, [ref("scoring", record.moments[-1], "unit_result")]
