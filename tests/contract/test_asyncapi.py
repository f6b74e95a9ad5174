"""The generated description of the events is valid according to the official AsyncAPI parser."""

import copy
from collections.abc import Callable
from typing import Any

from shared.events.asyncapi import document

Errors = Callable[[dict[str, Any]], list[str]]


def test_document_is_valid(asyncapi_errors: Errors) -> None:
    assert asyncapi_errors(document()) == []


def test_validator_sees_an_error(asyncapi_errors: Errors) -> None:
    broken = copy.deepcopy(document())
    del broken["info"]["title"]
    assert any("title" in error for error in asyncapi_errors(broken))
