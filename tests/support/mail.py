"""A real SMTP server that keeps what it is sent, and refuses what a test tells it to."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from socket import socket
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "vanphong@example.org", "a word: 1/2@3"


class Postbox:
    """`refusals` by command (RCPT, DATA) are answered instead of taking the mail; with QUIT among them the connection
    is torn off. `secure` tells whether each came over TLS."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.refusals: dict[str, str] = {}
        self.secure: list[bool] = []
        self.port = 0

    def mails(self) -> list[EmailMessage]:
        """All that came, parsed from their bytes."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def mail(self) -> EmailMessage:
        """The only one that came."""
        [mail] = self.mails()
        return mail

    async def handle_RCPT(self, _: Any, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        if refusal := self.refusals.get("RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _: Session, envelope: Envelope) -> str:  # noqa: N802
        if refusal := self.refusals.get("DATA"):
            return refusal
        self.raw.append(bytes(envelope.original_content or b""))
        self.recipients += envelope.rcpt_tos
        self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"

    async def handle_QUIT(self, server: Any, _: Session, __: Envelope) -> str:  # noqa: N802
        if "QUIT" in self.refusals:
            server.transport.abort()
        return "221 Bye"


class _Controller(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        sockets: list[socket] = getattr(self.server, "sockets", [])
        self.port = sockets[0].getsockname()[1]
        super()._trigger_server()


def _authenticate(_: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def smtp_server(*, tls: ssl.SSLContext | None = None, implicit: bool = False) -> Iterator[Postbox]:
    """With `tls` it asks for STARTTLS (or speaks it from the start when `implicit`) and for a password."""
    postbox = Postbox()
    asks: dict[str, Any] = {}
    if tls and implicit:
        asks = {"ssl_context": tls, "auth_require_tls": False}
    elif tls:
        asks = {"tls_context": tls, "require_starttls": True}
    if tls:
        asks |= {"auth_required": True, "authenticator": _authenticate}
    controller = _Controller(postbox, hostname="127.0.0.1", port=0, **asks)
    controller.start()
    try:
        postbox.port = controller.port
        yield postbox
    finally:
        controller.stop()
