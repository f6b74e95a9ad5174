"""Refused requests in the journal: who tried what they may not, bounded so that trying cannot fill a disk."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

import flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import EVERY_COMMUNE, Busy
from shared.journal import NOBODY, Acting, Entry, act_as, acting, end_of, kinds, note
from shared.refusal import Refusal
from shared.web.auth import COMMUNE
from shared.web.problems import DOOR

logger = logging.getLogger(__name__)

STATUSES = frozenset({401, 403, 429})
# No token at all is how every visit begins; a wrong one is an attempt.
BEGINNING = "unauthenticated"
WINDOW_S = 3600
# Who, from where, refused with which code, told apart in an hour. Others count together, for their code.
MOST = 100
MANY = Acting(NOBODY, "many")
# On whom or what, told apart for one of them; the rest of those count together, about nobody.
MOST_SUBJECTS = 20
SUBJECTS = ("staff", "task", "unit")

# Commune, actor, origin, code; and which subjects the address names, as a hash: it may hold whatever was typed.
Case = tuple[str, str, str, str, int]
NO_SUBJECT = hash(())
# (commune, kind, id) → is it something of ours, such as `staff`, `p14`?
Knows = Callable[[str, str, str], bool]
# For the row of another release, whose code this one does not know.
REASONS = {401: "Chưa đăng nhập", 403: "Không có quyền", 429: "Quá hạn mức"}


def text_of(entry: Entry, refusals: Mapping[str, Refusal]) -> str:
    """What happened, in Vietnamese; of a refused request also why. `refusals` by code: those of the row's service."""
    if entry.kind != kinds.REQUEST_REFUSED.code:
        return entry.text
    code, status = str(entry.detail.get("code")), entry.detail.get("status")
    known = DOOR.get(code) or refusals.get(code)
    reason = known.title if known else REASONS.get(int(status or 0), code)
    return f"{entry.text}: {reason}"


class Refusals:
    """Counts the refusals of one process by case and hour. The 1st, 10th, 100th … of a case becomes a row that says
    which of them it is (`times`): an hour of any attack adds some hundred rows, and none of it goes unseen."""

    def __init__(self, engine: Engine, knows: Knows, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._knows = knows
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[Case, int] = {}
        self._begun = clock()

    def note(self, status: int, code: str) -> None:
        """The request that is being answered is refused."""
        if status not in STATUSES or code == BEGINNING:
            return
        asking = flask.g.get("principal")
        commune = asking.commune if asking else EVERY_COMMUNE
        asked = flask.request.view_args or {}
        subjects = [(kind, str(asked[kind]).lower()) for kind in SUBJECTS if kind in asked]
        within = asked.get("commune", commune)
        case, times = self._count((commune, *acting.get()[:2], code, hash((*subjects,))))
        if str(times).strip("0") != "1":
            return
        detail: dict[str, str | int] = {"status": status, "code": code, "times": times}
        if flask.request.url_rule:
            detail |= {"method": flask.request.method, "route": flask.request.url_rule.rule}
        try:
            about = [f"commune/{within}"] if within != commune and self._has_journal(within) else []
            if case[4] != NO_SUBJECT and COMMUNE.fullmatch(within):
                about += [f"{kind}/{id_}" for kind, id_ in subjects if self._knows(within, kind, id_)]
            with act_as(acting.get()._replace(actor=case[1], origin=case[2])):
                note(self._engine, case[0], kinds.REQUEST_REFUSED, about, detail)
        except (SQLAlchemyError, Busy) as error:
            logger.warning("a refused request is not in the journal: %s", type(error).__name__)

    def _has_journal(self, commune: str) -> bool:
        """Is it one of ours? What was typed in its place may be a person's name."""
        return bool(COMMUNE.fullmatch(commune) and end_of(self._engine, commune).number)

    def _count(self, case: Case) -> tuple[Case, int]:
        with self._lock:
            if self._clock() - self._begun >= WINDOW_S:
                self._counts.clear()
                self._begun = self._clock()
            if case not in self._counts and self._subjects_of(case) >= MOST_SUBJECTS:
                case = (*case[:4], NO_SUBJECT)
            if case not in self._counts and len(self._counts) >= MOST:
                case = (EVERY_COMMUNE, *MANY[:2], case[3], NO_SUBJECT)
            self._counts[case] = self._counts.get(case, 0) + 1
            return case, self._counts[case]

    def _subjects_of(self, case: Case) -> int:
        return sum(one[:4] == case[:4] for one in self._counts)
