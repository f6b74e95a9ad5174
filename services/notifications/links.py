"""Where a message leads: to what exists of a thing over HTTP, which asks for sign-in."""

from collections.abc import Callable, Mapping

from services.notifications.domain.occurrence import Occurrence, task_of


def link_to(base: str | None, commune: str, occurrence: Occurrence) -> str | None:
    """The address of what a reminder is about; None without a base, or for what has no address."""
    kind, _, of = occurrence.about.partition("/")
    path = _PATHS.get(kind)
    return f"{base}{path(commune, of, occurrence)}" if base and path else None


def _task(commune: str, _: str, occurrence: Occurrence) -> str:
    return f"/api/v1/tasks/communes/{commune}/tasks/{task_of(occurrence.about)}"


def _sheet(commune: str, of: str, _: Occurrence) -> str:
    period, __, staff = of.partition("/")
    return f"/communes/{commune}/years/{period[:4]}/ratings/{staff}/sheet"


def _week(commune: str, _: str, occurrence: Occurrence) -> str:
    """As it stood on the day of the digest, whenever it is looked at."""
    return f"/api/v1/notifications/communes/{commune}/weekly.html?on={occurrence.run_on}"


def _month(commune: str, month: str, _: Occurrence) -> str:
    return f"/api/v1/notifications/communes/{commune}/monthly.html?month={month}"


_PATHS: Mapping[str, Callable[[str, str, Occurrence], str]] = {
    "task": _task,
    "check": _task,
    "sheet": _sheet,
    "week": _week,
    "month": _month,
}
