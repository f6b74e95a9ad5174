"""Refused requests in the journal: who tried what they may not, bounded so that trying cannot fill a disk."""

import logging
import threading
import time
from collections.abc import Callable

import flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import EVERY_COMMUNE, Busy
from shared.journal import Acting, act_as, acting, end_of, kinds, note
from shared.web.asking import NOBODY
from shared.web.auth import COMMUNE

logger = logging.getLogger(__name__)

STATUSES = frozenset({401, 403, 429})
# No token at all is how every visit begins; a wrong one is an attempt.
BEGINNING = "unauthenticated"
WINDOW_S = 3600
# Who, from where, refused with which code, told apart in an hour. Others count together, for their code.
MOST = 100
MANY = Acting(NOBODY, "many")

Case = tuple[str, str, str, str]  # commune, actor, origin, code


class Refusals:
    """Counts the refusals of one process by case and hour. The 1st, 10th, 100th … of a case becomes a row that says how
    many there were: an hour of any attack adds some hundred rows, and none of it goes unseen."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
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
        case, times = self._count((commune, *acting.get()[:2], code))
        if str(times).strip("0") != "1":
            return
        detail: dict[str, str | int] = {"status": status, "code": code, "times": times}
        if flask.request.url_rule:
            detail |= {"method": flask.request.method, "route": flask.request.url_rule.rule}
        asked = (flask.request.view_args or {}).get("commune", commune)
        try:
            about = [f"commune/{asked}"] if asked != commune and self._has_journal(asked) else []
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
            if case not in self._counts and len(self._counts) >= MOST:
                case = (EVERY_COMMUNE, *MANY[:2], case[3])
            self._counts[case] = self._counts.get(case, 0) + 1
            return case, self._counts[case]
