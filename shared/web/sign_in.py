"""One-time sign-in links: a code, used once within 15 minutes, becomes a cookie that holds a token."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import flask
import msgspec
from sqlalchemy import JSON, BigInteger, Column, Engine, MetaData, String, Table, delete, insert
from werkzeug.wrappers import Response

from shared.eventlog import NO_COMMUNE, writing
from shared.web.auth import COOKIE, public, require_own_origin
from shared.web.keys import SigningKey, mint

CODE_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=12)  # a working day; then a new link

metadata = MetaData()

# The code itself is a key to somebody's account, so only its digest is kept.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),  # Unix seconds
    Column("claims", JSON, nullable=False),
)

PAGE = """<!doctype html>
<html lang="vi">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Đăng nhập</title>
<h1>Đăng nhập</h1>
{% if failed %}
<p role="alert">Liên kết này đã được dùng hoặc đã hết hạn. Hãy xin một liên kết mới.</p>
{% else %}
<form method="post" action="{{ url_for('sign_in.redeem') }}">
<input type="hidden" name="code" value="{{ code }}">
<p>Liên kết chỉ dùng được một lần.</p>
<button>Đăng nhập</button>
</form>
{% endif %}
</html>
"""
PAGE_POLICY = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class _SignIn(msgspec.Struct):
    sub: str
    commune: str
    roles: list[str]


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


def sign_in_blueprint(engine: Engine, key: SigningKey) -> flask.Blueprint:
    """GET and POST /sign-in, POST /sign-out; `engine` holds the table of this module's metadata."""
    blueprint = flask.Blueprint("sign_in", __name__)

    # Mail and chat programs fetch links to preview them, so opening the link uses nothing up: the button does.
    @blueprint.get("/sign-in")
    @public
    def show() -> Response:
        return _page(code=flask.request.args.get("code", ""))

    @blueprint.post("/sign-in")
    @public
    def redeem() -> Response:
        require_own_origin()
        claims = redeem_code(engine, flask.request.form.get("code", ""))
        if claims is None:
            return _page(failed=True, status=403)
        token = mint(key, sub=claims.sub, commune=claims.commune, roles=claims.roles, lifetime=SESSION_LIFETIME)
        response = flask.redirect("/", 303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=SESSION_LIFETIME,
            httponly=True,
            samesite="Strict",
            secure=(flask.current_app.extensions["cchc.origin"] or flask.request.host_url).startswith("https:"),
        )
        return response

    @blueprint.post("/sign-out")
    @public
    def sign_out() -> Response:
        require_own_origin()
        response = flask.redirect("/", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="Strict")
        return response

    return blueprint


def _page(*, code: str = "", failed: bool = False, status: int = 200) -> Response:
    response = flask.make_response(flask.render_template_string(PAGE, code=code, failed=failed), status)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
