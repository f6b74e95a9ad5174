"""What the routes of commands share: record, and answer where."""

from typing import Any

from services.scoring.api.base import scoring
from services.scoring.commands import Decide, Judge, execute, judge, must_be_up_to_date
from services.scoring.texts import TEXTS
from shared.web.auth import principal
from shared.web.idempotency import idempotency_key
from shared.web.positions import recorded_at
from shared.web.problems import fill


def record(commune: str, decide: Decide, command: Any) -> Any:
    done = execute(scoring().log, commune, principal().actor, decide, command, key=idempotency_key())
    return {"commune": done.commune, "position": done.position}, recorded_at("scoring", commune, done.position)


def record_step(commune: str, decide: Judge, command: Any, *, pins: bool = False) -> Any:
    """A step of the procedure; one that `pins` positions waits until the local logs hold all there is."""
    service = scoring()
    if pins:
        must_be_up_to_date(service.engine, service.logs, commune, service.owner_heads)
    done = judge(service.logs, commune, principal().actor, decide, command, key=idempotency_key())
    answer = {"commune": done.commune, "position": done.position}
    if done.result is not None:
        answer["result"] = done.result
    return answer, recorded_at("scoring", commune, done.position)


def why(refused: dict[str, Any]) -> str:
    """The Vietnamese text of a refusal that was not raised but told, by its `code` and `params`."""
    return fill(TEXTS[refused["code"]][1], refused["params"])
