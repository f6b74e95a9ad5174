"""The envelope and the catalogue: what is stored, how older versions are read, what is refused."""

import json
from datetime import UTC, date, datetime
from typing import Any

import jsonschema
import pytest

from shared.events import (
    CATALOGUE,
    AbsenceRecorded,
    Catalogue,
    Data,
    Due,
    Envelope,
    MalformedEvent,
    TaskAssigned,
    UnknownVersion,
    decode,
    encode,
    local_day,
    subject_of,
    type_name,
    uuid7,
)
from shared.events.asyncapi import document, schemas

ASSIGNED = TaskAssigned(
    task="01902a5e-0000-7000-8000-000000000001",
    by="p03",
    title="Nâng tỷ lệ hồ sơ nộp trực tuyến",
    product="Báo cáo",
    field=2,
    lead="p15",
    collaborators=["p16"],
    coefficient="1.5",
    origin="planned",
    due=Due(text="30/6/2024", date=date(2024, 6, 30)),
    due_version=1,
    evidence_required=True,
)


def envelope(data: Any, type_: str | None = None) -> Envelope:
    return Envelope(
        specversion="1.0",
        id=uuid7(datetime(2024, 6, 14, tzinfo=UTC)),
        source="/tasks",
        type=type_ or type_name(data),
        subject=subject_of(data, "tien-canh") if type_ is None else "test/1",
        time="2024-06-14T03:20:11.123Z",
        commune="tien-canh",
        position=1,
        streamversion=1,
        actor="staff/p03",
        previoushash="0" * 64,
        data=data,
    )


def test_an_event_reads_back_as_it_was_written():
    written = envelope(ASSIGNED)
    read = decode(encode(written))
    assert read.data == ASSIGNED
    assert encode(read) == encode(written)


def test_stored_bytes_are_utf8_and_leave_out_what_is_not_said():
    body = encode(envelope(ASSIGNED))
    assert "Nâng tỷ lệ" in body.decode()
    assert set(json.loads(body)["data"]["due"]) == {"text", "date"}


def test_fields_keep_the_names_of_the_catalogue():
    absence = AbsenceRecorded(staff="p23", absence="a1", kind="protected", from_=date(2024, 5, 1))
    assert json.loads(encode(envelope(absence)))["data"]["from"] == "2024-05-01"
    assert subject_of(absence, "tien-canh") == "staff/p23"


def test_an_added_field_of_a_later_release_is_passed_over():
    body = json.loads(encode(envelope(ASSIGNED)))
    body["data"]["colour"] = "red"
    assert decode(json.dumps(body).encode()).data == ASSIGNED


def test_an_unknown_event_has_no_data():
    assert decode(encode(envelope({"a": 1}, "vn.cchc.weather.changed.v1"))).data is None


@pytest.mark.parametrize("version", ["v2", "v0", "vx", "v²", "v" + "9" * 5000])
def test_an_unknown_version_of_a_known_event_is_refused(version: str):
    with pytest.raises(UnknownVersion):
        decode(encode(envelope({"task": "1"}, f"vn.cchc.task.assigned.{version}")))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{", b'{"type":"x"}', b"\xff\xfe", encode(envelope({"task": 1}, "vn.cchc.task.assigned.v1"))],
)
def test_what_is_no_event_is_refused(body: bytes):
    with pytest.raises(MalformedEvent):
        decode(body)


class MeasuredV2(Data):
    length_mm: int
    by: str


def measured_catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.event("thing.measured", source="test", subject="thing/1", version=2)(MeasuredV2)
    catalogue.upcaster("thing.measured", 0)(lambda data: {"length_cm": data["cm"]})
    catalogue.upcaster("thing.measured", 1)(lambda data: {"length_mm": data["length_cm"] * 10, "by": "unknown"})
    return catalogue


def test_upcasters_read_every_older_version():
    catalogue = measured_catalogue()
    catalogue.check()
    oldest = encode(envelope({"cm": 3}, "vn.cchc.thing.measured.v0"))
    older = encode(envelope({"length_cm": 3}, "vn.cchc.thing.measured.v1"))
    current = encode(envelope({"length_mm": 30, "by": "unknown"}, "vn.cchc.thing.measured.v2"))
    expected = MeasuredV2(length_mm=30, by="unknown")
    assert [catalogue.decode(body).data for body in (oldest, older, current)] == [expected] * 3


def test_an_upcast_that_yields_no_valid_event_is_malformed():
    with pytest.raises(MalformedEvent):
        measured_catalogue().decode(encode(envelope({"cm": "three"}, "vn.cchc.thing.measured.v0")))


def test_a_gap_in_a_chain_is_found():
    catalogue = Catalogue()
    catalogue.event("thing.measured", source="test", subject="thing/1", version=3)(MeasuredV2)
    catalogue.upcaster("thing.measured", 0)(dict)
    catalogue.upcaster("thing.measured", 2)(dict)
    with pytest.raises(ValueError, match="expected \\[0, 1, 2\\]"):
        catalogue.check()


def test_a_step_from_the_current_version_or_beyond_is_found():
    catalogue = measured_catalogue()
    catalogue.upcaster("thing.measured", 2)(dict)
    with pytest.raises(ValueError, match="upcasters"):
        catalogue.check()


def test_an_upcaster_for_nothing_is_found():
    catalogue = Catalogue()
    catalogue.upcaster("thing.weighed", 0)(dict)
    with pytest.raises(ValueError, match="unknown event"):
        catalogue.check()


def test_nothing_is_declared_twice():
    catalogue = measured_catalogue()
    with pytest.raises(ValueError, match="twice"):
        catalogue.event("thing.measured", source="test", subject="thing/1")(MeasuredV2)
    with pytest.raises(ValueError, match="two upcasters"):
        catalogue.upcaster("thing.measured", 1)(dict)


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2024-06-30T16:59:59.999Z", date(2024, 6, 30)),
        ("2024-06-30T17:00:00.000Z", date(2024, 7, 1)),
        ("2024-12-31T23:00:00.000Z", date(2025, 1, 1)),
    ],
)
def test_a_day_is_a_day_in_vietnam(time: str, day: date):
    assert local_day(time) == day


def test_uuid7_sorts_by_time_and_says_its_version():
    earlier, later = uuid7(datetime(2024, 1, 1, tzinfo=UTC)), uuid7(datetime(2024, 1, 2, tzinfo=UTC))
    assert earlier < later
    assert earlier[14] == "7" and earlier[19] in "89ab"


def test_the_json_schemas_accept_what_is_written_and_refuse_what_is_not():
    schema = {"$ref": "#/components/schemas/TaskAssigned", "components": {"schemas": schemas()}}
    data = json.loads(encode(envelope(ASSIGNED)))["data"]
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data | {"coefficient": "nhiều"}, schema)


def test_the_asyncapi_document_names_every_event():
    titles = {message["name"] for message in document()["components"]["messages"].values()}
    assert titles == {declared.type_name for declared in CATALOGUE}
    assert "vn.cchc.task.assigned.v1" in titles


def test_no_event_has_a_field_for_personal_data():
    personal = {"name", "full_name", "email", "phone", "file_name", "address"}
    allowed = {("CommuneOpened", "name"), ("CommuneRenamed", "name"), ("DayOff", "name")}
    fields = {(name, field) for name, schema in schemas().items() for field in schema.get("properties", {})}
    assert {(name, field) for name, field in fields if field in personal} <= allowed
