"""Refusals: commands or inputs that the rules do not allow, each declared once with its code and its words."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """One thing that the rules do not allow. Calling it makes the exception: `raise STAFF_UNKNOWN(staff="p07")`.

    code      stable; programs decide by it. Noun first, then what is wrong: `staff-unknown`
    title     Vietnamese, the same for every occurrence
    detail    Vietnamese, what is wrong and what to do; a template that the params fill
    status    HTTP: 409 for a rule, 403 when it depends on the person, 404 for what is not there, 422 for a bad input
    formerly  codes that it had in earlier releases; a problem document names them for a release
    """

    code: str
    title: str
    detail: str
    status: int = 409
    formerly: tuple[str, ...] = ()

    def __call__(self, /, **params: Any) -> "Refused":
        return Refused(self, **params)


class Refused(Exception):
    """The rules do not allow it. `params` fill the Vietnamese text of the refusal."""

    refusal: Refusal

    def __init__(self, refusal: Refusal, /, **params: Any) -> None:
        super().__init__(refusal.code, params)
        self.refusal = refusal
        self.params = params

    @property
    def code(self) -> str:
        return self.refusal.code

    @property
    def detail(self) -> str:
        """What a person reads."""
        return fill(self.refusal.detail, self.params)


def by_code(refusals: Iterable[Refusal]) -> dict[str, Refusal]:
    """Refusals by their codes. Raises ValueError when one code stands for two of them."""
    declared: dict[str, Refusal] = {}
    for refusal in refusals:
        if declared.setdefault(refusal.code, refusal) != refusal:
            raise ValueError(f"{refusal.code} is declared twice, with different words or status")
    return declared


class _Blanks(dict[str, Any]):
    """A template filled while answering an error must not fail itself."""

    def __missing__(self, key: str) -> str:
        return "…"


def fill(template: str, params: Mapping[str, Any]) -> str:
    """The template with its params; one that is missing shows as an ellipsis."""
    return template.format_map(_Blanks(params))
