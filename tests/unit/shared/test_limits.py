"""One definition of how long a text may be: schemas, rows of files and decisions go by the same numbers."""

import importlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import marshmallow
import msgspec
import pytest

from services.tasks.domain import limits as of_tasks
from services.tasks.domain.assigning import AssignTask, DraftTask
from services.tasks.domain.communes import ChooseCommuneSettings
from services.tasks.domain.decisions import SettleDraft, Together
from services.tasks.domain.publishing import PublishCalendar
from services.tasks.imports import annex, roster
from shared.events import DayOff, Due, Item
from shared.limits import overlong
from shared.text import LONGEST_ID
from shared.web.schema import Id, Schema, Words

# Bodies whose texts stay outside the log, or that are no command.
OUTSIDE = {"PersonBody", "AddressBody", "ErasureBody", "EndpointBody"}
OUTSIDE_FIELDS = {("UnitBody", "name")}


def texts(schema: type[Schema]) -> Iterator[tuple[str, Words]]:
    for name, field in schema._declared_fields.items():
        # Of a list its items, of a table its values.
        inner = getattr(field, "inner", None) or getattr(field, "value_field", None) or field
        if isinstance(inner, Words):
            yield field.attribute or name, inner


@pytest.mark.parametrize("service", ["tasks", "scoring", "notifications"])
def test_a_body_takes_what_the_command_takes(service: str) -> None:
    schemas = importlib.import_module(f"services.{service}.schemas")
    longest = importlib.import_module(f"services.{service}.domain.limits").LONGEST
    bodies = [each for name, each in vars(schemas).items() if name.endswith("Body") and name not in OUTSIDE]
    compared = set()
    for body in bodies:
        command = body.__name__.removesuffix("Body")
        for name, field in texts(body):
            if (body.__name__, name) in OUTSIDE_FIELDS:
                continue
            [most] = [each.max for each in field.validators if isinstance(each, marshmallow.validate.Length)]
            expected = longest.get(f"{command}.{name}") or longest.get(name, LONGEST_ID)
            assert most == expected, (body.__name__, name)
            compared.add(name if not isinstance(field, Id) else "id")
    assert "reason" in compared and "id" in compared


DUE = Due(text="28/6/2024")
ITEM = Item(sheet="1", no="1")


def assign(**said: Any) -> AssignTask:
    usual: dict[str, Any] = {"task": "t1", "title": "Việc", "lead": "p15", "due": DUE}
    return AssignTask(**usual | said)


def publish(**of_day: str) -> PublishCalendar:
    usual: dict[str, Any] = {"date": date(2024, 1, 1), "name": "Tết", "legal_basis": "Thông báo"}
    day = DayOff(**usual | of_day)
    return PublishCalendar(calendar="vn-2024-r1", year=2024, days_off=[day], working_weekends=[])


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda text: assign(title=text), 20_000),
        (lambda text: assign(lead=text), 64),
        (lambda text: assign(collaborators=["p16", text]), 64),
        (lambda text: assign(due=Due(text=text)), 500),
        (lambda text: assign(item=Item(sheet="1", no=text)), 100),
        (lambda text: publish(name=text), 200),
        (lambda text: publish(legal_basis=text), 500),
        (lambda text: DraftTask(task="t1", item=ITEM, row={"lead_text": text}, questions=["x"]), 2000),
        (lambda text: DraftTask(task="t1", item=ITEM, row={"deadline": {"text": text}}, questions=["x"]), 500),
        (lambda text: DraftTask(task="t1", item=ITEM, row={text: 1}, questions=["x"]), 64),
        (lambda text: ChooseCommuneSettings(settings={"a": [text]}, reason="x"), 2000),
        (lambda text: SettleDraft(task="t1", into=[assign(product=text)]), 20_000),
        (lambda text: Together(commands=[assign(product=text)]), 20_000),
    ],
)
def test_a_command_is_looked_at_wherever_it_holds_a_text(make: Any, most: int) -> None:
    assert overlong(make("ạ" * most), of_tasks.LONGEST) == {}
    found = overlong(make("ạ" * (most + 1)), of_tasks.LONGEST)
    assert found == {"letters": most + 1, "most": most, "beginning": "ạ" * 40}


def test_a_cell_takes_what_becomes_of_it() -> None:
    fields = {**{name: name for name in annex.LONGEST}, "lead": "lead_text", "collaborators": "collaborators_text"}
    assert {name: of_tasks.LONGEST[field] for name, field in fields.items()} == annex.LONGEST
    assert roster.LONGEST["post"] == of_tasks.LONGEST["post"]
    # Every text that a row keeps has its limit.
    kept = {field.name for field in msgspec.structs.fields(annex.AnnexRow) if field.type is str} - {"sheet"}
    assert kept <= {*annex.LONGEST, "collaborators_text"}
    kept = {field.name for field in msgspec.structs.fields(roster.RosterRow) if field.type is str}
    assert kept - {"sheet", "note", "code"} == {*roster.LONGEST}  # notes are asked about, codes have a form
