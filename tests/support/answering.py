"""The screens over services that answer what a test wants."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import msgspec
from flask.testing import FlaskClient

from shared.web.auth import COOKIE, Verifier
from shared.web.keys import SigningKey, generate_key, mint
from web.app import create_web
from web.client import Answer, Client, Request

COMMUNE = "tien-canh"


class Services:
    """All services of an installation: `answers` are (method, path below the base) → answer or what raises one;
    `asked` are the requests that came."""

    def __init__(self, key: SigningKey, key_set: Path) -> None:
        self.key = key
        self.answers: dict[tuple[str, str], Answer | Callable[[Request], Answer]] = {}
        self.asked: list[Request] = []
        clients = {name: Client(name, self.send) for name in ("tasks", "scoring", "notifications")}
        now = datetime(2024, 12, 20, tzinfo=UTC)
        self.app: flask.Flask = create_web(clients, Verifier(str(key_set)), clock=lambda: now)

    def send(self, request: Request) -> Answer:
        self.asked.append(request)
        answer = self.answers.get((request.method, request.path.partition("?")[0]))
        if answer is None:
            return problem(404, "not-found")
        return answer if isinstance(answer, Answer) else answer(request)

    def browser(self, *roles: str, staff: str = "p14", commune: str = COMMUNE) -> FlaskClient:
        """A browser with these roles; a stranger's without any."""
        client = self.app.test_client()
        if roles:
            token = mint(self.key, sub=f"staff/{staff}", commune=commune, roles=roles, lifetime=timedelta(hours=1))
            client.set_cookie(COOKIE, token)
        return client


def json(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {"content-type": "application/json", **headers}, msgspec.json.encode(value))


def problem(status: int, code: str, *, errors: Any = (), **headers: str) -> Answer:
    document = {"type": f"urn:cchc:problem:{code}", "title": f"Tên {code}", "detail": f"Chi tiết {code}", "code": code}
    body = msgspec.json.encode(document | {"status": status, "errors": list(errors), "trace_id": "t" * 32})
    return Answer(status, {"content-type": "application/problem+json", **headers}, body)


def services_in(folder: Path) -> Services:
    return Services(generate_key(folder / "key.pem", folder / "keys.json"), folder / "keys.json")
