"""Running the checks: each within its time and on its own, and none before the checks that it rests on pass."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy.exc import DBAPIError

from cchc.doctor.finding import Finding, State, failure, not_applicable
from cchc.installation import Installation
from shared.said import said_of

logger = logging.getLogger(__name__)

# Long enough to notice that a server is away; a check that reads much data stops itself earlier.
LIMIT_S = 15.0


class Check(NamedTuple):
    """`id` stays the same for programs. It runs when all findings of the checks in `needs` are ok."""

    id: str
    group: str
    title: str
    look: Callable[[Installation], Iterable[Finding]]
    needs: Sequence[str] = ()


class Result(msgspec.Struct, frozen=True, rename={"fix": "mend"}):
    """A finding with its check. In JSON `fix` is `mend`, the field that monitoring programs were promised."""

    check: str
    group: str
    title: str
    state: State
    detail: str
    fix: str | None


def examine(installation: Installation, checks: Sequence[Check], limit_s: float = LIMIT_S) -> Iterator[Result]:
    """Run the checks in order, and yield each finding as soon as it is known."""
    seen: dict[str, list[Finding]] = {}
    for check in checks:
        unmet = [one for one in checks if one.id in check.needs and not _all_well(seen[one.id])]
        unmet.sort(key=lambda one: seen[one.id][0].state != "not_applicable")  # what is not there need not be fixed
        found = [_waiting_for(unmet[0], seen[unmet[0].id])] if unmet else _within(limit_s, check, installation)
        seen[check.id] = found
        for each in found:
            yield Result(check.id, check.group, check.title, each.state, each.detail, each.fix)


def _all_well(findings: Iterable[Finding]) -> bool:
    return all(each.state == "ok" for each in findings)


def _waiting_for(need: Check, found: Sequence[Finding]) -> Finding:
    outside = next((each for each in found if each.state == "not_applicable"), None)
    return not_applicable(outside.detail if outside else f"chưa xét được: xử lý mục “{need.title}” trước")


def _within(limit_s: float, check: Check, installation: Installation) -> list[Finding]:
    """What a check finds; a crash and a timeout are findings too."""
    found: list[Finding] = []
    done = threading.Event()

    def look() -> None:
        try:
            found.extend(check.look(installation))
        except BaseException as error:  # whatever it is concerns this check alone
            logger.debug("check %s", check.id, exc_info=True)
            found.append(failure(f"không xét được: {_reason(error)}", REPORT))
        done.set()

    # A daemon: a call that hangs in a driver does not keep the process alive.
    threading.Thread(target=look, name=f"check {check.id}", daemon=True).start()
    if not done.wait(limit_s):
        return [*found, failure(f"không xong trong {limit_s:g} giây", "chạy lại khi máy rảnh; nếu vẫn vậy, báo lỗi")]
    return found


REPORT = "gửi nguyên dòng này khi báo lỗi"


def _reason(error: BaseException) -> str:
    """A fault of a check in one line, for the person at the terminal; a database's own words may show its rows."""
    if isinstance(error, DBAPIError):
        return said_of(error).partition("\n")[0]
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


EXIT_CODES: dict[State, int] = {"ok": 0, "not_applicable": 0, "warning": 1, "failure": 2}


def exit_code(results: Iterable[Result]) -> int:
    """0 all well, 1 warnings only, 2 something has failed."""
    return max((EXIT_CODES[each.state] for each in results), default=0)
