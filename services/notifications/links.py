"""Where a message leads: to what exists of a thing over HTTP, which asks for sign-in."""

from collections.abc import Callable, Mapping

from services.notifications.domain.occurrence import Occurrence


def link_to(base: str | None, commune: str, occurrence: Occurrence) -> str | None:
    """The address of what a reminder is about; None without a base, or for what has no address."""
    kind, _, of = occurrence.about.partition("/")
    path = _PATHS.get(kind)
    return f"{base}{path(commune, of)}" if base and path else None


def _task(commune: str, task: str) -> str:
    return f"/api/v1/tasks/communes/{commune}/tasks/{task}"


def _sheet(commune: str, of: str) -> str:
    period, _, staff = of.partition("/")
    return f"/communes/{commune}/years/{period[:4]}/ratings/{staff}/sheet"


_PATHS: Mapping[str, Callable[[str, str], str]] = {"task": _task, "check": _task, "sheet": _sheet}
