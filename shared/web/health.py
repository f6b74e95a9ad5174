"""/livez: the process answers. /readyz: what it needs answers too."""

import logging
from collections.abc import Callable, Mapping

import flask

from shared.web.auth import public

log = logging.getLogger(__name__)


def health_blueprint(checks: Mapping[str, Callable[[], object]]) -> flask.Blueprint:
    """Open to everybody, so names only: why a check failed is in the log. A check fails by raising."""
    blueprint = flask.Blueprint("health", __name__)

    @blueprint.get("/livez")
    @public
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    @blueprint.get("/readyz")
    @public
    def readyz() -> tuple[dict[str, object], int]:
        results = {name: _passes(name, check) for name, check in checks.items()}
        ready = all(results.values())
        states = {name: "ok" if passed else "failed" for name, passed in results.items()}
        return {"status": "ok" if ready else "failed", "checks": states}, 200 if ready else 503

    return blueprint


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:
        log.exception("readiness check failed: %s", name)
        return False
    return True
