"""Liveness, readiness and Prometheus metrics."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

import flask

from shared.metrics import Measure, exposition
from shared.probe import Probe
from shared.web.auth import public

log = logging.getLogger(__name__)

Checks = Mapping[str, Callable[[], object]]

# Probes give up after some seconds, and a healthy database answers within milliseconds.
DEADLINE_S = 2.0


def health_blueprint(ready: Checks, alive: Checks | None = None, measures: Sequence[Measure] = ()) -> flask.Blueprint:
    """/livez, /readyz and /metrics. They are open to everybody, so they show names and figures only; the log says why a
    check failed. A check fails by raising, or by not answering within DEADLINE_S."""
    blueprint = flask.Blueprint("health", __name__)
    asked = {"alive": _asked(alive or {}), "ready": _asked(ready)}

    @blueprint.get("/livez")
    @public
    def livez() -> tuple[dict[str, object], int]:
        return _answer(asked["alive"])

    @blueprint.get("/readyz")
    @public
    def readyz() -> tuple[dict[str, object], int]:
        return _answer(asked["ready"])

    @blueprint.get("/metrics")
    @public
    def metrics() -> flask.Response:
        body, media_type = exposition(measures)
        return flask.Response(body, content_type=media_type)

    return blueprint


def _asked(checks: Checks) -> dict[str, Probe[object]]:
    return {name: Probe(check) for name, check in checks.items()}


def _answer(checks: Mapping[str, Probe[object]]) -> tuple[dict[str, object], int]:
    end = time.monotonic() + DEADLINE_S
    answers = {name: check.begin() for name, check in checks.items()}
    states = {}
    for name, answer in answers.items():
        try:
            answer.result(max(0.0, end - time.monotonic()))
            states[name] = "ok"
        except Exception as error:  # noqa: BLE001 - whatever was raised, the check failed
            # One line without a stack: probes come every few seconds.
            log.warning("check failed: %s: %s", name, error)
            states[name] = "failed"
    passed = set(states.values()) <= {"ok"}
    return {"status": "ok" if passed else "failed", "checks": states}, 200 if passed else 503
