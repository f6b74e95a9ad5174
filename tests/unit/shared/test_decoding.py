"""Bytes that others wrote raise what a reader promises, whatever they are."""

import ast
import contextlib
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.decoding import decoder
from shared.eventlog.chain import read_link
from shared.eventlog.checkpoints import read_line
from shared.eventlog.traces import traced
from shared.eventlog.unsealed import link_of
from shared.events import CATALOGUE, MalformedEvent, UnknownVersion, decode
from shared.web.auth import Verifier
from shared.web.keys import KeySetUnavailable, generate_key, keys_at
from shared.web.paging import Cursor
from shared.web.problems import Rejected
from web.client import Answer, problem_of

ROOT = Path(__file__).parents[3]
DEEP = 5000
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/tasks",
    "type": "vn.cchc.task.assigned.v1",
    "subject": "task/1",
    "time": "2024-01-01T00:00:00.000Z",
    "commune": "tien-canh",
    "position": 1,
    "streamversion": 1,
    "actor": "staff/p14",
    "previoushash": "0" * 64,
    "data": {},
}


def nested(field: str) -> bytes:
    """An event with a field of five thousand brackets."""
    return msgspec.json.encode(EVENT | {field: 0}).replace(
        f'"{field}":0'.encode(), f'"{field}":'.encode() + b"[" * DEEP + b"]" * DEEP
    )


HOSTILE = [
    b"",
    b"null",
    b"{",
    b"\xff\xfe",
    b'"\\ud800"',
    b'{"\xff": 1}',
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b"1" * DEEP,
    b"-1e999999",
    b"NaN",
    *(nested(field) for field in (*EVENT, "other")),
    msgspec.json.encode(EVENT).replace(b'"1.0"', b'"\xff"'),
    *(msgspec.json.encode(EVENT | {"type": f"vn.cchc.{event.name}.v{of}"}) for event in CATALOGUE for of in "19²"),
    *(msgspec.json.encode(EVENT | {"type": f"vn.cchc.task.assigned.v{of}"}) for of in ("9" * DEEP, "-1", "", " 1")),
    *(msgspec.json.encode({**EVENT, "position": of}) for of in (-1, 2**70, 1.5, "1", None)),
]

bytes_of_any_kind = st.one_of(
    st.binary(),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(msgspec.json.encode),
    st.fixed_dictionaries(
        {}, optional={name: st.none() | st.integers() | st.text() | st.just(value) for name, value in EVENT.items()}
    ).map(msgspec.json.encode),
)


class Record(NamedTuple):
    """A record of a topic."""

    key: bytes
    value: bytes
    partition: int = 0
    offset: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def _cursor(body: bytes) -> object:
    return Cursor(str, int).deserialize(urlsafe_b64encode(body).decode())


def _problem(body: bytes) -> object:
    return problem_of(Answer(500, {"content-type": "application/problem+json"}, body))


def _key_set(tmp: Path, body: bytes) -> object:
    (tmp / "keys.json").write_bytes(body)
    return keys_at(str(tmp / "keys.json"))("kid")


READERS: dict[str, tuple[Any, tuple[type[Exception], ...]]] = {
    "event": (decode, (MalformedEvent, UnknownVersion)),
    "link": (read_link, (msgspec.DecodeError,)),
    "checkpoint": (read_line, (msgspec.DecodeError,)),
    "record": (lambda body: link_of(Record(b"tien-canh", body), "tasks"), ()),
    "trace": (traced, ()),
    "cursor": (_cursor, (ValidationError,)),
    "problem": (_problem, ()),
}


@pytest.mark.parametrize("reader", READERS)
def test_bytes_made_to_hurt_raise_what_is_promised(reader: str) -> None:
    read, promised = READERS[reader]
    for body in HOSTILE:
        with contextlib.suppress(*promised):
            read(body)


@pytest.mark.parametrize("reader", READERS)
@given(body=bytes_of_any_kind)
def test_any_bytes_raise_what_is_promised(reader: str, body: bytes) -> None:
    read, promised = READERS[reader]
    with contextlib.suppress(*promised):
        read(body)


@pytest.mark.parametrize("body", HOSTILE[:11])
def test_a_key_set_made_to_hurt_is_no_key_set(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(KeySetUnavailable):
        _key_set(tmp_path, body)


def _part(body: bytes) -> str:
    return urlsafe_b64encode(body).rstrip(b"=").decode()


def test_a_token_made_to_hurt_is_an_invalid_token(tmp_path: Path) -> None:
    generate_key(tmp_path / "key.pem", tmp_path / "keys.json")
    verifier = Verifier(str(tmp_path / "keys.json"))
    headers = [
        *HOSTILE,
        b'{"alg":"EdDSA","kid":' + b"[" * DEEP,
        b'{"alg":[],"crit":["b64"]}',
        b'{"alg":"none"}',
    ]
    tokens = [f"{_part(body)}.{_part(claims)}." for body in headers for claims in (b"{}", b"[" * DEEP)]
    for token in [*tokens, "", ".", "..", "a" * DEEP, "é.é.é", "\ud800"]:
        with pytest.raises(Rejected, match="invalid-token"):
            verifier.verify(token)


def test_what_is_no_bytes_is_refused_like_bytes_that_are_no_json() -> None:
    wrong: Any
    for wrong in (None, 1, {}):
        with pytest.raises(msgspec.DecodeError):
            decoder(dict[str, Any])(wrong)
        with pytest.raises(MalformedEvent):
            decode(wrong)


# Where JSON is read that this program wrote itself, into its own database or beside its own code.
OWN = {
    "services/notifications/outside_log.py",
    "services/notifications/planner.py",
    "services/notifications/views.py",
    "services/tasks/domain/streams.py",
    "shared/decoding.py",
    "shared/eventlog/log.py",
    "shared/journal/store.py",
    "shared/events/catalogue.py",  # turns every error into its own two
    "shared/law.py",
    "shared/records.py",
    "shared/web/schema.py",  # looks only for half letters in what the one decoder refused
}


def test_whoever_reads_foreign_json_reads_it_by_the_one_decoder() -> None:
    found = set()
    for folder in ("cchc", "services", "shared", "web"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                    "msgspec.json.decode",
                    "msgspec.json.Decoder",
                    "json.loads",
                    "json.load",
                ):
                    found.add(file.relative_to(ROOT).as_posix())
    assert {file for file in found if not file.startswith(tuple(OWN))} == set()
