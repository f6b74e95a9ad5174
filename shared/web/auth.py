"""Who asks, and what they may do: tokens to principals, a role × action table per service, nothing open by omission."""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import flask
import jwt
import msgspec

from shared.budgets import charge, charge_stranger
from shared.eventlog import EVERY_COMMUNE
from shared.events.values import ROLES as PEOPLE
from shared.roles import in_words
from shared.text import CODE, LONGEST_ID, fault
from shared.web.asking import asked_by
from shared.web.keys import AUDIENCE, ISSUER, KeySet, KeySetUnavailable, keys_at
from shared.web.problems import Rejected
from shared.web.schema import composed, view_of

# What a token may name: the roles of people, and those of programs that copy logs or send messages.
ROLES = frozenset({*PEOPLE, "replicator", "messenger"})
# A token for all communes may only operate the installation, copy logs, or read where people are reached.
WIDE_ROLES = frozenset({"admin", "replicator", "messenger"})
COMMUNE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ACTOR = re.compile(rf"(staff|operator|service)/{CODE}")
COOKIE = "cchc"
# Seconds by which the clocks of two servers may differ.
LEEWAY = 10
# Verified tokens that a process caches; each takes some hundred bytes.
REMEMBERED = 1000
SAFE_METHODS = frozenset({"GET", "HEAD"})

View = TypeVar("View", bound=Callable[..., Any])
Actions = Mapping[str, Collection[str]]
# (commune, staff id) → the roles of the post held today. May raise the service's refusal for a person in no post.
RolesInForce = Callable[[str, str], Collection[str]]


@dataclass(frozen=True)
class Principal:
    """Who a token stands for. `commune` is `*` for operators and replicators of the whole installation."""

    actor: str
    commune: str
    roles: frozenset[str]

    @property
    def staff(self) -> str | None:
        """The staff id, if this is a staff member."""
        kind, _, name = self.actor.partition("/")
        return name if kind == "staff" else None


class _Claims(msgspec.Struct):
    sub: str
    commune: str
    roles: list[str]


@dataclass(frozen=True)
class _Verified:
    """A token with a valid signature. It counts while its key is in the set and until it expires."""

    kid: str
    key: jwt.PyJWK
    expires: float  # Unix seconds
    principal: Principal


class Verifier:
    """Checks tokens against the key set in a file or at a URL.

    Clients send their token with every request, so recent ones are not verified again.
    """

    def __init__(self, key_set: str) -> None:
        self._key: KeySet = keys_at(key_set)
        self._verified: dict[str, _Verified] = {}

    def must_be_able(self) -> None:
        """For /readyz. Raises KeySetUnavailable: no token can be checked, so nobody can be served."""
        self._key.must_be_readable()

    def verify(self, token: str) -> Principal:
        """The principal of a token. Raises Rejected: `invalid-token`, or `keys` when the key set cannot be loaded."""
        known = self._verified.get(token)
        try:
            if known and self._key(known.kid) is known.key and time.time() < known.expires:
                return known.principal
        except KeySetUnavailable as error:
            raise Rejected("keys") from error
        except KeyError:
            pass  # the key was removed from the set; refused below
        found = self._verify(token)
        if len(self._verified) >= REMEMBERED:
            self._verified.clear()
        self._verified[token] = found
        return found.principal

    def _verify(self, token: str) -> _Verified:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            key = self._key(kid)
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
            read = msgspec.convert(claims, _Claims)
        except KeySetUnavailable as error:
            raise Rejected("keys") from error
        except NO_TOKEN as error:
            raise _invalid_token() from error
        principal = Principal(read.sub, read.commune, frozenset(read.roles))
        if not _coherent(principal):
            raise _invalid_token()
        return _Verified(kid, key, claims["exp"] + LEEWAY, principal)


# What a header or claims that were made to hurt raise on their way through PyJWT and the standard library's json.
NO_TOKEN = (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError, msgspec.ValidationError)


def _coherent(principal: Principal) -> bool:
    """Are the roles known, is the actor well formed, and has `*` only an operator or service with wide roles alone?"""
    if not ACTOR.fullmatch(principal.actor) or not principal.roles or not principal.roles <= ROLES:
        return False
    if principal.commune == EVERY_COMMUNE:
        return principal.staff is None and principal.roles <= WIDE_ROLES
    return COMMUNE.fullmatch(principal.commune) is not None


def _invalid_token() -> Rejected:
    return Rejected("invalid-token", {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def authorise(actions: Actions, action: str, principal: Principal, commune: str | None) -> None:
    """May the principal do this in this commune (None: in all of them)? Raises Rejected `role` or `commune`.

    Object rules (who leads the task, nobody rates themselves) belong to the service and come later.
    """
    if principal.roles.isdisjoint(actions[action]):
        raise Rejected("role", who=in_words(actions[action]))
    if principal.commune not in (EVERY_COMMUNE, commune):
        raise Rejected("commune")


def action(name: str, *, by_command: bool = False) -> Callable[[View], View]:
    """Classify a view: the service's role × action table says under `name` who may call it.

    `by_command`: the command that the view executes looks up the roles of today's post itself, so the door does not.
    """

    def classify(view: View) -> View:
        view.__dict__["cchc_action"] = name
        view.__dict__["cchc_by_command"] = by_command
        return view

    return classify


def public(view: View) -> View:
    """Classify a view as open to everybody."""
    view.__dict__["cchc_public"] = True
    return view


def body_limit(size: int) -> Callable[[View], View]:
    """Let a view (an upload) take a larger body than the service's default; bytes."""

    def tag(view: View) -> View:
        view.__dict__["cchc_body_limit"] = size
        return view

    return tag


def principal() -> Principal:
    """Whose request this is. Raises Rejected (401) in a public view when nobody is signed in."""
    if "principal" not in flask.g:
        flask.g.principal = _verifier().verify(token())
        asked_by(flask.g.principal.actor)
    found: Principal = flask.g.principal
    return found


def signed_in() -> Principal | None:
    """Whose request this is, in a view that strangers see too; None without a valid token."""
    try:
        return principal()
    except Rejected:
        return None


def guard(
    app: flask.Flask,
    verifier: Verifier,
    actions: Actions,
    origin: str | None,
    roles_in_force: RolesInForce | None = None,
) -> None:
    """Check every request of the app before its view. `origin` is the address browsers know it by, when proxied.

    A staff member's token may outlive the post that it was issued for: only roles in `roles_in_force` count.
    """
    app.extensions["cchc.verifier"] = verifier
    app.extensions["cchc.origin"] = origin

    def check() -> None:
        if flask.request.routing_exception is not None:
            return  # no view to guard; Flask answers 404 or 405
        view = view_of(app, flask.request.endpoint or "", flask.request.method)
        tags = vars(view) if view else {}
        if (limit := tags.get("cchc_body_limit")) is not None:
            flask.request.max_content_length = limit
        if cookie_name() in flask.request.cookies and "Authorization" not in flask.request.headers:
            require_own_origin()
        changes = flask.request.method not in SAFE_METHODS
        if tags.get("cchc_public"):
            if changes:
                charge_stranger()
            return
        if "cchc_action" not in tags:
            raise Rejected("unclassified")
        asking = principal()
        ids = _ids(flask.request.view_args or {})
        flask.request.view_args = ids
        commune = ids.get("commune")
        if commune is not None and not COMMUNE.fullmatch(commune):
            raise Rejected("not-found")
        authorise(actions, tags["cchc_action"], asking, commune)
        looked_up = roles_in_force if not tags.get("cchc_by_command") else None
        if looked_up and commune is not None and asking.staff is not None:
            held = frozenset(looked_up(commune, asking.staff))
            flask.g.principal = replace(asking, roles=asking.roles & held)
            authorise(actions, tags["cchc_action"], flask.g.principal, commune)
        if changes:
            charge(commune or asking.commune, asking.actor, upload=limit is not None)

    app.before_request(check)


def _ids(ids: Mapping[str, Any]) -> dict[str, Any]:
    """The ids of an address, composed (NFC) like those in bodies. Raises Rejected 404 for what cannot be an id."""
    found: dict[str, Any] = composed(dict(ids))
    for one in found.values():
        if isinstance(one, str) and (len(one) > LONGEST_ID or fault(one, visible=True)):
            raise Rejected("not-found")
    return found


def require_own_origin() -> None:
    """A browser's change must come from our own pages. Raises Rejected `origin`."""
    if flask.request.method not in SAFE_METHODS and not is_from_own_origin():
        raise Rejected("origin")


def is_from_own_origin() -> bool:
    """Did one of our own pages send the request, by what its browser says?"""
    return flask.request.headers.get("Origin") == own_origin()


def own_origin() -> str:
    """scheme://host[:port] that browsers know this app by."""
    configured: str | None = flask.current_app.extensions["cchc.origin"]
    return configured or flask.request.host_url.rstrip("/")


def is_https() -> bool:
    """Do browsers reach this app by TLS, be it ended here or in a proxy?"""
    return own_origin().startswith("https:")


def cookie_name(name: str = COOKIE) -> str:
    """A cookie as browsers know it. With https nobody but this very host can have set it (`__Host-`): no other host of
    the same domain, and nobody on the way who answers in plain http."""
    return f"__Host-{name}" if is_https() else name


def routes(app: flask.Flask) -> Iterator[tuple[str, str, str | None]]:
    """(method, rule, classification) of every route: an action, `public`, or None for an unclassified one."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            tags = vars(view) if (view := view_of(app, rule.endpoint, method)) else {}
            yield method, rule.rule, "public" if tags.get("cchc_public") else tags.get("cchc_action")


def unclassified_routes(app: flask.Flask) -> list[str]:
    """Routes that everybody is refused, since no action classifies them."""
    return [f"{method} {rule}" for method, rule, classification in routes(app) if classification is None]


def _verifier() -> Verifier:
    verifier: Verifier = flask.current_app.extensions["cchc.verifier"]
    return verifier


def token() -> str:
    """The bearer token, else the cookie of a signed-in browser. Raises Rejected (401) when there is neither."""
    header = flask.request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise _invalid_token()
        return token.strip()
    if cookie := flask.request.cookies.get(cookie_name()):
        return cookie
    raise Rejected("unauthenticated", {"WWW-Authenticate": "Bearer"})
