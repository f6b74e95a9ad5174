"""In whose name an act is recorded, and who typed it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

import msgspec
import pytest

from shared.events import CATALOGUE, Exceeded, ResultReported, SelfAssessed, TaskAcknowledged, TaskCompleted
from shared.events.authors import AUTHOR_FIELDS, authors, typed_for

ACKNOWLEDGED = TaskAcknowledged(task="t1", by="p07")


@dataclass
class Recorded:
    actor: str
    data: Any
    source: str = "/tasks"


@pytest.mark.parametrize(
    ("actor", "people"),
    [
        ("staff/p07", set()),
        ("staff/p01", {"p07"}),
        ("operator/an", {"p07"}),
        ("service/x", {"p07"}),
        ("service/tasks", set()),
    ],
)
def test_what_somebody_else_typed_is_told_apart(actor: str, people: set[str]) -> None:
    assert typed_for(Recorded(actor, ACKNOWLEDGED)) == people  # type: ignore[arg-type]


def test_a_self_assessment_is_its_persons_act_without_naming_an_author() -> None:
    said = SelfAssessed(staff="p07", year=2024, on=date(2024, 12, 1), level="tot")
    assert authors(said) == {"p07"}


def test_a_result_that_the_office_reports_in_its_own_name_is_typed_for_the_lead() -> None:
    said = ResultReported(task="t1", by="p14", on=date(2024, 6, 1), summary="Xong", evidence=[], lead="p07")
    assert typed_for(Recorded("staff/p14", said)) == {"p07"}  # type: ignore[arg-type]


@pytest.mark.parametrize("nobody", ["external", "operator/an", "service/scoring"])
def test_bodies_operators_and_services_are_no_people(nobody: str) -> None:
    assert authors(TaskAcknowledged(task="t1", by=nobody)) == frozenset()


def test_a_quality_beyond_is_the_act_of_the_person_who_confirmed_it() -> None:
    beyond = Exceeded(kind="early", reason="Trước hạn", confirmed_by="p02")
    done = TaskCompleted(task="t1", verified_by="p01", on=date(2024, 6, 1), quality="met", exceeded=beyond)
    assert authors(done) == {"p01", "p02"}


def naming(data: type) -> Iterator[str]:
    """The fields of an event, and of its parts, that name a person who did something."""
    for field in msgspec.structs.fields(data):
        if field.name == "by" or field.name.endswith("_by"):
            yield field.name
        for part in (field.type, *get_args(field.type)):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from (f"{field.name}.{name}" for name in naming(part))


def test_every_field_that_names_an_author_is_looked_at() -> None:
    for event in CATALOGUE:
        assert set(naming(event.data)) <= set(AUTHOR_FIELDS.get(event.data, ("by",))), event.name
