"""Who asks, for the journal: said when a request begins, completed once its token is known, forgotten at its end."""

import flask

from shared.journal import NOBODY, PROCESS, Acting, acting
from shared.web.trace import trace_id


def begin_asking() -> None:
    """Whatever is recorded from now on is asked for from this client; by nobody until a token says who it is."""
    flask.g.asked_within = acting.get()
    acting.set(Acting(NOBODY, client_address(), trace_id()))


def asked_by(actor: str) -> None:
    """The token said who asks."""
    acting.set(acting.get()._replace(actor=actor))


def end_asking() -> None:
    """The thread's next work belongs to another request, or to the one that asked within this process."""
    acting.set(flask.g.pop("asked_within", PROCESS))


def client_address() -> str:
    """Where the request comes from, as far as the server can know: behind a proxy, what that says."""
    return flask.request.remote_addr or "-"
