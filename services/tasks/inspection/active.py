"""The refusal of what a file would run or fetch."""

from collections.abc import Iterable

from services.tasks.domain import refusals


def must_be_none(found: Iterable[str]) -> None:
    """Refuses `evidence-active`. Each thing is named once: a word gives way to one that says more, `macro` to
    `macro VBA`."""
    words = sorted(set(found))
    if named := [word for word in words if not any(word in other for other in words if other != word)]:
        raise refusals.EVIDENCE_ACTIVE(found=", ".join(named))
