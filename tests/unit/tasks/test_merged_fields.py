"""At a merger every string of an event is known: an id of a person or unit, which changes, or something that stays."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from services.tasks.domain.merging import (
    KEPT_WHOLE,
    PEOPLE,
    PEOPLE_OR_UNITS,
    STAYS,
    UNITS,
    UNITS_OF,
    Ids,
    moved,
)
from shared.events import CATALOGUE, Data
from shared.events.values import Text

EVENTS = [declared.data for declared in CATALOGUE if "tasks" in declared.sources]


def structs(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from structs(argument)


def may_hold_an_id(annotation: Any) -> bool:
    """A plain string or anything at all; texts, hashes and decimals are annotated as such."""
    if annotation is str or annotation is Any:
        return True
    if get_origin(annotation) in (Annotated, Literal):
        return False
    return any(map(may_hold_an_id, get_args(annotation)))


def strings(struct: type[msgspec.Struct]) -> Iterator[tuple[type, str]]:
    """Every field that may hold an id, of an event and of the values inside it."""
    if issubclass(struct, KEPT_WHOLE):
        return
    for name, annotation in get_type_hints(struct, include_extras=True).items():
        if name.startswith("__"):
            continue
        if may_hold_an_id(annotation):
            yield struct, name
        for inner in structs(annotation):
            yield from strings(inner)


def unclassified(struct: type[msgspec.Struct]) -> set[str]:
    known = PEOPLE | UNITS | PEOPLE_OR_UNITS | STAYS
    return {name for of, name in strings(struct) if name not in known | UNITS_OF.get(of, frozenset())}


def test_every_field_that_may_hold_an_id_is_classified() -> None:
    assert {event.__name__: fields for event in EVENTS if (fields := unclassified(event))} == {}


def test_a_name_is_classified_once_and_used() -> None:
    tables = [PEOPLE, UNITS, PEOPLE_OR_UNITS, STAYS]
    assert sum(map(len, tables)) == len(frozenset().union(*tables))
    names = {name for event in EVENTS for _, name in strings(event)}
    assert frozenset().union(*tables) - names <= {"commune"}


class Deputy(Data):
    deputy: str
    since: Text


class TaskDelegated(Data):
    """An event that nobody has thought of at a merger."""

    task: str
    by: str
    to: list[Deputy]
    witnesses: list[str] | None = None
    note: Text | None = None


def test_a_new_event_with_another_id_is_noticed() -> None:
    assert unclassified(TaskDelegated) == {"deputy", "witnesses"}


class Handover(Data):
    lead: str
    unit: str


class TaskHandedOver(Data):
    task: str
    steps: list[Handover]


def test_ids_are_mapped_at_any_depth() -> None:
    ids = Ids({"p07": "tien-an-p07"}, {"van-phong": "tien-an-van-phong"})
    event = TaskHandedOver(task="t1", steps=[Handover(lead="p07", unit="van-phong"), Handover(lead="p99", unit="x")])
    assert moved(event, ids) == TaskHandedOver(
        task="t1", steps=[Handover(lead="tien-an-p07", unit="tien-an-van-phong"), Handover(lead="p99", unit="x")]
    )
