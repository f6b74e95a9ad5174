"""Forms as commands: the nonce, the version, and what a service finds wrong back at its field."""

import pytest

from web.client import FieldError, Problem
from web.forms import Form, Message, key_of, refused, typed, version_of

FIELDS = {"until": "proposed_due", "reason": "reason"}


def invalid(*errors: tuple[str, str]) -> Problem:
    return Problem(422, "invalid", "Dữ liệu không hợp lệ", "Xem errors", errors=tuple(FieldError(*e) for e in errors))


def test_a_problem_finds_its_fields() -> None:
    form = refused(
        Form(step="extend", values={"until": "2024-06-28", "reason": ""}, version=3),
        invalid(("#/proposed_due/date", "Sai ngày"), ("#/reason", "Bắt buộc"), ("#/on", "Không có"), ("#", "Cả hai")),
        FIELDS,
    )
    assert form.title == "Dữ liệu không hợp lệ" and form.version == 3
    assert form.at("until") == ["Sai ngày"] and form.at("reason") == ["Bắt buộc"]
    assert form.messages[2:] == (Message("Không có (on)"), Message("Cả hai"))
    assert form.value("until") == "2024-06-28"  # what was typed stays


def test_a_refusal_is_about_the_whole() -> None:
    form = refused(Form(), Problem(409, "not-the-lead", "Không phải người chủ trì", "Chỉ người chủ trì …"), FIELDS)
    assert form.messages == (Message("Chỉ người chủ trì …"),) and form.at("until") == []


def test_every_form_has_a_nonce_of_its_own() -> None:
    nonces = {Form().nonce for _ in range(100)}
    assert len(nonces) == 100
    assert all(key_of({"nonce": nonce}, "viec") == f"viec-{nonce}" for nonce in nonces)


@pytest.mark.parametrize("nonce", ["", "x" * 65, "đ", "a b", "a\nb", "\x00"])
def test_what_is_no_nonce_of_ours_is_no_key(nonce: str) -> None:
    assert key_of({"nonce": nonce}, "viec") is None


@pytest.mark.parametrize(
    ("text", "version"), [("7", 7), ("0", 0), ("", None), ("-1", None), ("x", None), ("²", None), ("9" * 19, None)]
)
def test_a_version_is_a_number(text: str, version: int | None) -> None:
    assert version_of({"version": text}) == version
    assert version_of({}) is None


def test_what_was_typed_is_composed_and_trimmed() -> None:
    assert typed({"summary": " Ba\u0301o\r\ncáo ", "other": "x"}, ["summary", "missing"]) == {
        "summary": "Báo\ncáo",
        "missing": "",
    }
