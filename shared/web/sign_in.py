"""One-time sign-in links: a code, used once within 15 minutes, becomes a token.

The table has no migrations and the API stands in the tasks service until a service of accounts takes both over.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Engine, MetaData, String, Table, delete, insert, inspect, text

from shared.eventlog import NO_COMMUNE, writing
from shared.journal import kinds, note
from shared.web.auth import public
from shared.web.keys import SigningKey, mint
from shared.web.problems import Rejected
from shared.web.schema import Blueprint, Id, Schema

CODE_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=12)  # a working day; then a new link

# As for migrations: any number that all processes use.
ADVISORY_LOCK = 0x63636864

metadata = MetaData()

# The code itself is a key to somebody's account, so only its digest is kept.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),  # Unix seconds
    Column("claims", JSON, nullable=False),
)


class SignInBody(Schema):
    code = Id(200, required=True, metadata={"description": "The code of a one-time link"})


class SignedIn(msgspec.Struct, frozen=True):
    """A bearer token with the roles that the link was made for, and until when it counts."""

    token: str
    expires: datetime


class _SignIn(msgspec.Struct):
    sub: str
    commune: str
    roles: list[str]


def make_table(engine: Engine) -> None:
    """Create the table where it is missing. Processes that start at once wait for each other."""
    if inspect(engine).has_table(sign_in_codes.name):
        return
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)
        connection.commit()


def issue_code(engine: Engine, *, sub: str, commune: str, roles: Iterable[str], now: datetime | None = None) -> str:
    """Store a new code for this person and return it; the link is `/sign-in?code=…`. Forgets codes that expired."""
    at = now or datetime.now(UTC)
    code = secrets.token_urlsafe(32)
    claims = {"sub": sub, "commune": commune, "roles": sorted(roles)}
    with writing(engine, NO_COMMUNE) as connection:
        connection.execute(delete(sign_in_codes).where(sign_in_codes.c.expires <= int(at.timestamp())))
        expires = int((at + CODE_LIFETIME).timestamp())
        connection.execute(insert(sign_in_codes).values(digest=_digest(code), expires=expires, claims=claims))
    return code


def redeem_code(engine: Engine, code: str, *, now: datetime | None = None) -> _SignIn | None:
    """Use a code up; None when it is unknown, used or expired. One statement, so two redeemers never both win."""
    at = int((now or datetime.now(UTC)).timestamp())
    used = delete(sign_in_codes).where(sign_in_codes.c.digest == _digest(code), sign_in_codes.c.expires > at)
    with writing(engine, NO_COMMUNE) as connection:
        claims = connection.execute(used.returning(sign_in_codes.c.claims)).scalar_one_or_none()
    return None if claims is None else msgspec.convert(claims, _SignIn)


def sign_in_blueprint(engine: Engine, key: Callable[[], SigningKey], journal: Engine | None = None) -> Blueprint:
    """POST /sign-ins; `engine` holds the table of this module's metadata, `key` gives what tokens are minted with,
    `journal` is the database that says who signed in."""
    blueprint = Blueprint("sign_in", __name__, description="Signing in")

    # No cookie counts here, so another site gains nothing by sending a browser: whoever has the code may use it.
    @blueprint.route("/sign-ins", methods=["POST"])
    @blueprint.arguments(SignInBody)
    @blueprint.answers(201, SignedIn)
    @blueprint.problems(403)
    @public
    def create_sign_in(body: dict[str, Any]) -> tuple[SignedIn, dict[str, str]]:
        """Use up the code of a one-time link for a token."""
        signing = key()  # first: a key that cannot be read must use up no link
        claims = redeem_code(engine, body["code"])
        if claims is None:
            raise Rejected("sign-in-code")
        if journal:
            # Without this row there is no token; the link is used up then, and a new one is asked for.
            note(journal, claims.commune, kinds.SIGN_IN_REDEEMED, [claims.sub], actor=claims.sub)
        now = datetime.now(UTC)
        token = mint(
            signing, sub=claims.sub, commune=claims.commune, roles=claims.roles, lifetime=SESSION_LIFETIME, now=now
        )
        return SignedIn(token, now + SESSION_LIFETIME), {"Cache-Control": "no-store"}

    return blueprint


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
