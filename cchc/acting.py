"""The page that a message leads to: one step from being told to having acted, in the name of who is signed in."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

import flask

from cchc.installation import Installation
from services.notifications import commands as notifications_commands
from services.notifications import queries
from services.notifications.domain import refusals
from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.responses import AcknowledgeReminder
from services.notifications.views import occurrence
from services.tasks import views
from services.tasks.commands import execute
from services.tasks.domain.context import Command
from services.tasks.domain.deadlines import RequestExtension
from services.tasks.domain.results import AcknowledgeTask, ReportResult
from shared.eventlog import Key, reading
from shared.events import Due, format_time
from shared.refusal import Refused
from shared.web.auth import Principal, action, principal, public, signed_in
from shared.web.problems import Rejected, fill
from shared.web.schema import composed

ROLES = frozenset({"chair", "vice_chair", "office", "staff", "village_head", "focal_point", "supervisor"})
ACTION = "reminder.act"
LONGEST_TEXT = 2000
PLACE = "/viec/<commune>/<reminder>"


class Told(NamedTuple):
    """A reminder with the task that it is about, as it stands."""

    reminder: Occurrence
    text: str
    details: list[str]
    task: str
    open: bool


def acting_blueprint(installation: Installation, render: Callable[..., flask.Response]) -> flask.Blueprint:
    """GET and POST /viec/{commune}/{reminder}; `render` makes a page of a template."""
    blueprint = flask.Blueprint("acting", __name__)

    @blueprint.get(PLACE)
    @public
    def show(commune: str, reminder: str) -> flask.Response:
        """Whoever has the link learns that there is a sign-in; the rest is for the recipient."""
        _must_be_signed(installation, commune, reminder)
        asking = signed_in()
        if asking is None:
            # A cookie that is SameSite=Strict does not come along from a mail program; the page asks once more itself.
            again = "lai" not in flask.request.args
            return render("act.html", told=None, again=again, here=_here(commune, reminder) + "&lai=1", asking=None)
        if asking.commune != commune or asking.roles.isdisjoint(ROLES):
            raise Rejected("commune")
        return _shown(installation, commune, reminder, asking, render)

    @blueprint.post(PLACE)
    @action(ACTION)
    def act(commune: str, reminder: str) -> flask.typing.ResponseReturnValue:
        """Do what the form says, by the ordinary commands, so that every rule of theirs holds."""
        _must_be_signed(installation, commune, reminder)
        asking = principal()
        told = _told(installation, commune, reminder, asking)
        form = flask.request.form
        step = _STEPS.get(form.get("step", ""))
        if step is None:
            raise Rejected("not-found")
        try:
            step(installation, commune, told, asking, form)
        except Refused as error:
            response = _shown(installation, commune, reminder, asking, render, refused=_why(error))
            response.status_code = 409
            return response
        return flask.redirect(_here(commune, reminder) + "&xong=1", 303)

    def _here(commune: str, reminder: str) -> str:
        return f"/viec/{commune}/{reminder}?k={installation.channels.links.signature(commune, reminder)}"

    def _shown(
        installation: Installation,
        commune: str,
        reminder: str,
        asking: Principal,
        render: Callable[..., flask.Response],
        refused: str | None = None,
    ) -> flask.Response:
        told = _told(installation, commune, reminder, asking)
        nonce = installation.notifications.log.new_id(installation.clock())
        return render(
            "act.html",
            told=told,
            asking=asking,
            here=_here(commune, reminder),
            nonce=nonce,
            done="xong" in flask.request.args and refused is None,
            refused=refused,
            form=flask.request.form,
        )

    return blueprint


def _must_be_signed(installation: Installation, commune: str, reminder: str) -> None:
    given = flask.request.args.get("k", "")
    if not installation.channels.links.is_genuine(commune, reminder, given):
        raise Rejected("not-found")


def _told(installation: Installation, commune: str, reminder: str, asking: Principal) -> Told:
    """Refuses `reminder-unknown`, `reminder-of-another`."""
    service = installation.notifications
    at = format_time(installation.clock())
    with reading(service.engine, commune) as connection:
        found = occurrence(connection, commune, reminder)
        task = task_of(found.about) if found else None
        if found is None or task is None:
            raise refusals.REMINDER_UNKNOWN(reminder=reminder)
    if found.recipient != asking.staff:
        raise refusals.REMINDER_OF_ANOTHER()
    [letter] = queries.letters(service, commune, [found], at)
    with reading(installation.tasks.engine, commune) as connection:
        state = views.one(connection, commune, f"task/{task}")  # as it is now, whatever has been folded since
    return Told(found, letter.item.text, letter.item.details, task, state is not None and state.state.status == "open")


Form = Mapping[str, str]


def _key(asking: Principal, form: Form) -> Key | None:
    """A form sent twice has one effect."""
    nonce = form.get("nonce", "")
    if not 0 < len(nonce) <= 64 or not nonce.isascii() or not nonce.isprintable():
        return None
    said = "\n".join([asking.actor, *(f"{name}={form[name]}" for name in sorted(form))])
    return Key(f"viec-{nonce}", hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest())


def _seen(installation: Installation, commune: str, told: Told, asking: Principal, form: Form) -> None:
    """The message is seen, and a task that waits for its lead is taken on."""
    seen = AcknowledgeReminder(reminder=told.reminder.reminder)
    notifications_commands.execute(installation.notifications, asking, seen, commune=commune)
    if told.open:
        try:
            _do(installation, commune, asking, AcknowledgeTask(task=told.task), form)
        except Refused as error:
            # Taken on already, or somebody else leads it: the message is seen all the same.
            if error.code not in {"already-acknowledged", "not-the-lead"}:
                raise


def _report(installation: Installation, commune: str, told: Told, asking: Principal, form: Form) -> None:
    command = ReportResult(task=told.task, summary=_text(form, "summary"), explanation=_text(form, "explanation"))
    _do(installation, commune, asking, command, form)


def _extend(installation: Installation, commune: str, told: Told, asking: Principal, form: Form) -> None:
    try:
        day = date.fromisoformat(form.get("until", ""))
    except ValueError:
        raise Refused("act-day") from None
    due = Due(text=f"{day:%d/%m/%Y}", date=day)
    command = RequestExtension(task=told.task, proposed_due=due, reason=_text(form, "reason"))
    _do(installation, commune, asking, command, form)


_STEPS: Mapping[str, Callable[[Installation, str, Told, Principal, Form], None]] = {
    "seen": _seen,
    "report": _report,
    "extend": _extend,
}


def _do(installation: Installation, commune: str, asking: Principal, command: Command, form: Form) -> None:
    execute(installation.tasks, asking, command, commune=commune, key=_key(asking, form))


def _text(form: Form, name: str) -> str:
    written: str = composed(form.get(name, "")).strip()
    if not 0 < len(written) <= LONGEST_TEXT:
        raise Refused("act-text", longest=LONGEST_TEXT)
    return written


TEXTS = {
    "act-day": ("Thiếu ngày", "Chọn ngày đề nghị gia hạn đến."),
    "act-text": ("Thiếu nội dung", "Điền đủ các ô, mỗi ô không quá {longest} ký tự."),
}


def _why(error: Refused) -> str:
    if error.detail:
        return f"{error.refusal.title}. {error.detail}"
    known: Mapping[str, tuple[str, str]] = TEXTS
    title, detail = known.get(error.code, ("Không được phép", error.code))
    params: Mapping[str, Any] = error.params
    return f"{title}. {fill(detail, params)}"
