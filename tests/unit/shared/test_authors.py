"""In whose name an act is recorded, and who typed it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest

from shared.events import CATALOGUE, SelfAssessed, TaskAcknowledged
from shared.events.authors import AUTHOR_FIELDS, authors, typed_for

ACKNOWLEDGED = TaskAcknowledged(task="t1", by="p07")


@dataclass
class Recorded:
    actor: str
    data: Any


@pytest.mark.parametrize(
    ("actor", "people"),
    [("staff/p07", set()), ("staff/p01", {"p07"}), ("operator/an", {"p07"}), ("service/x", {"p07"})],
)
def test_what_somebody_else_typed_is_told_apart(actor: str, people: set[str]) -> None:
    assert typed_for(Recorded(actor, ACKNOWLEDGED)) == people  # type: ignore[arg-type]


def test_a_self_assessment_is_its_persons_act_without_naming_an_author() -> None:
    said = SelfAssessed(staff="p07", year=2024, on=date(2024, 12, 1), level="tot")
    assert authors(said) == {"p07"}


@pytest.mark.parametrize("nobody", ["external", "operator/an", "service/scoring"])
def test_bodies_operators_and_services_are_no_people(nobody: str) -> None:
    assert authors(TaskAcknowledged(task="t1", by=nobody)) == frozenset()


def test_every_field_that_names_an_author_is_looked_at() -> None:
    for event in CATALOGUE:
        names = {field.name for field in msgspec.structs.fields(event.data)}
        naming = {name for name in names if name == "by" or (name.endswith("_by") and name != "confirmed_by")}
        assert naming <= set(AUTHOR_FIELDS.get(event.data, ("by",))), event.name
