"""Signing in by a one-time link, and out; the cookie holds the token that the services check."""

import urllib.parse
from datetime import UTC, datetime, timedelta

import flask
import msgspec
from werkzeug.wrappers import Response

from shared.web.auth import cookie_name, is_https, public, require_own_origin
from web.client import Problem
from web.page import page, screens

# Where a person was when they had to sign in, for as long as a link counts.
BACK = "cchc-back"
BACK_LIFETIME = timedelta(minutes=15)
LONGEST_BACK = 1000

blueprint = flask.Blueprint("sign_in", __name__)


class _Token(msgspec.Struct):
    token: str
    expires: datetime


# Mail and chat programs fetch links to preview them, so opening the link uses nothing up: the button does.
@blueprint.get("/sign-in")
@public
def show() -> Response:
    """The button that uses a link up; without a link, where to put one in."""
    return page("sign_in/sign_in.html", code=flask.request.args.get("code", ""), failed=False)


@blueprint.post("/sign-in")
@public
def redeem() -> Response:
    """Turn the code of a link into a cookie."""
    require_own_origin()
    try:
        answer = screens().clients["tasks"].post("sign-ins", json={"code": _code(flask.request.form.get("code", ""))})
    except Problem as problem:
        if not problem.refuses:
            raise
        return page("sign_in/sign_in.html", 403, code="", failed=True)
    signed = answer.read(_Token)
    response = flask.redirect(_safe(flask.request.cookies.get(cookie_name(BACK), "")), 303)
    response.set_cookie(
        cookie_name(),
        signed.token,
        max_age=int((signed.expires - datetime.now(UTC)).total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=is_https(),
    )
    if cookie_name(BACK) in flask.request.cookies:
        _forget(response, BACK)
    return response


@blueprint.post("/sign-out")
@public
def sign_out() -> Response:
    """Forget the cookie."""
    require_own_origin()
    response = flask.redirect("/", 303)
    _forget(response)
    return response


def come_back(response: Response) -> None:
    """Remember the page that was asked for, so that signing in leads back to it."""
    here = flask.request.full_path.rstrip("?")
    if flask.request.method == "GET" and len(here) <= LONGEST_BACK:
        response.set_cookie(
            cookie_name(BACK),
            urllib.parse.quote(here, safe="/"),
            max_age=int(BACK_LIFETIME.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=is_https(),
        )


def _safe(remembered: str) -> str:
    """An address of ours, else the home page: the cookie comes from the browser."""
    address = urllib.parse.unquote(remembered)
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside else "/"


def _code(given: str) -> str:
    """The code; the field also takes the whole link."""
    _, found, code = given.strip().partition("code=")
    return code if found else given.strip()


def _forget(response: Response, *name: str) -> None:
    response.delete_cookie(cookie_name(*name), httponly=True, samesite="Strict", secure=is_https())
