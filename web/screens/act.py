"""The page that a message leads to: one step from being reminded to having acted."""

import urllib.parse
from collections.abc import Callable, Mapping
from datetime import date

import flask
import msgspec
from werkzeug.wrappers import Response

from shared.web.auth import action, public, signed_in
from shared.web.problems import Rejected
from web import forms
from web.client import Problem
from web.forms import Form, Message
from web.menu import ACTIONS
from web.page import api, page
from web.screens.sign_in import come_back

PLACE = "/viec/<commune>/<reminder>"
# As much as is written on a phone between two doors; longer reports have their own page.
LONGEST_TEXT = 2000
MISSING = "Chưa gửi được"

blueprint = flask.Blueprint("act", __name__)


class Item(msgspec.Struct):
    text: str
    details: list[str]


class Reminder(msgspec.Struct):
    about: str
    acknowledged_at: str | None = None


class Sheet(msgspec.Struct):
    staff: str
    year: int


class Letter(msgspec.Struct):
    """What the reminder says to its recipient now; `task` is what it is about. A notice of acts is about none, but may
    lead to the `sheet` that they stand on."""

    reminder: Reminder
    item: Item
    task: str | None = None
    sheet: Sheet | None = None

    @property
    def is_notice(self) -> bool:
        return self.reminder.about.startswith("act/")


class Task(msgspec.Struct):
    id: str
    version: int
    status: str


class Reminded(msgspec.Struct):
    """A reminder with its task as it stands; None for the task of a notice, and when the recipient takes no part in
    it."""

    letter: Letter
    task: Task | None

    @property
    def open(self) -> bool:
        return self.task is not None and self.task.status == "open"


@blueprint.get(PLACE)
@public
def show(commune: str, reminder: str) -> Response:
    """A stranger learns that there is a sign-in; the rest is for the recipient."""
    asking = signed_in()
    if asking is None:
        # A cookie that is SameSite=Strict does not come along from a mail program; the page asks once more itself.
        again = "lai" not in flask.request.args
        response = page("act/stranger.html", again=again, here=_here(commune, reminder, "lai"))
        if not again:
            come_back(response)
        return response
    if asking.commune != commune or asking.roles.isdisjoint(ACTIONS["act.do"]):
        raise Rejected("commune")
    return _shown(commune, reminder, _reminded(commune, reminder), done="xong" in flask.request.args)


@blueprint.post(PLACE)
@action("act.do")
def act(commune: str, reminder: str) -> Response:
    """Do what the form says by the services' commands, so that every rule of theirs holds."""
    reminded = _reminded(commune, reminder)
    sent = flask.request.form
    step = STEPS.get(sent.get(forms.STEP, ""))
    if step is None:
        raise Rejected("not-found")
    values = forms.typed(sent, step.fields)
    form = Form(step=sent[forms.STEP], values=values)
    if messages := _missing(step, values):
        form = msgspec.structs.replace(form, title=MISSING, messages=messages)
        return _shown(commune, reminder, reminded, form=form, status=409)
    try:
        step.take(commune, reminder, reminded, values)
    except Problem as problem:
        if not problem.refuses:
            raise
        status = problem.status if problem.status in (412, 422) else 409
        form = forms.refused(form, problem, step.fields)
        return _shown(commune, reminder, _reminded(commune, reminder), form=form, status=status)
    return flask.redirect(_here(commune, reminder, "xong"), 303)


def _here(commune: str, reminder: str, mark: str = "") -> str:
    """This page's own address; the signature in it is checked by the service that made it."""
    marks = {"k": flask.request.args.get("k", "")} | ({mark: "1"} if mark else {})
    return f"{flask.url_for('act.show', commune=commune, reminder=reminder)}?{urllib.parse.urlencode(marks)}"


def _reminded(commune: str, reminder: str) -> Reminded:
    letter = api("notifications").get(
        "communes", commune, "reminders", reminder, "letter", params={"k": flask.request.args.get("k", "")}
    )
    read = letter.read(Letter)
    if read.task is None and not read.is_notice:
        raise Rejected("not-found")
    return Reminded(read, _task(commune, read.task) if read.task else None)


def _task(commune: str, task: str) -> Task | None:
    """The task as it is now, whatever the service of reminders has read since."""
    try:
        return api("tasks").get("communes", commune, "tasks", task).read(Task)
    except Problem as problem:
        if problem.status in (403, 404):
            return None
        raise


def _shown(
    commune: str,
    reminder: str,
    reminded: Reminded,
    *,
    done: bool = False,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    version = reminded.task.version if reminded.task else None
    blank = {step: Form(step=step, version=version) for step in STEPS}
    if form is not None:
        blank[form.step] = msgspec.structs.replace(form, version=version)
    return page(
        "act/act.html",
        status,
        commune=commune,
        letter=reminded.letter,
        open=reminded.open,
        here=_here(commune, reminder),
        forms=blank,
        sent=blank[form.step] if form else None,
        done=done,
        longest=LONGEST_TEXT,
    )


# Steps


class Step(msgspec.Struct, frozen=True):
    """What a form of the page does: `take` records it, and raises Problem. `fields` are its own with the names that
    they have in the command; `days` those that hold a date."""

    take: Callable[[str, str, Reminded, Mapping[str, str]], None]
    fields: Mapping[str, str] = {}
    days: tuple[str, ...] = ()


def _missing(step: Step, values: Mapping[str, str]) -> tuple[Message, ...]:
    """What the page itself asks for: every field, in the length that it has room for."""
    messages = [Message("Chọn ngày đề nghị gia hạn đến.", field) for field in step.days if not _is_day(values[field])]
    if messages:
        return tuple(messages)
    wrong = [field for field in step.fields if not 0 < len(values[field]) <= LONGEST_TEXT]
    return tuple(Message(f"Điền đủ các ô, mỗi ô không quá {LONGEST_TEXT} ký tự.", field) for field in wrong)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _seen(commune: str, reminder: str, reminded: Reminded, _: Mapping[str, str]) -> None:
    """The message is seen, and a task that waits for its lead is taken on."""
    api("notifications").post("communes", commune, "reminders", reminder, "acknowledgement")
    if not reminded.open:
        return
    try:
        _record(commune, reminded, "acknowledgement", {}, current=True)
    except Problem as problem:
        # Taken on already, or another leads it: the message is seen all the same.
        if problem.codes.isdisjoint({"already-acknowledged", "not-the-lead"}):
            raise


def _report(commune: str, _: str, reminded: Reminded, values: Mapping[str, str]) -> None:
    _record(commune, reminded, "report", dict(values))


def _extend(commune: str, _: str, reminded: Reminded, values: Mapping[str, str]) -> None:
    day = date.fromisoformat(values["until"])
    due = {"text": f"{day:%d/%m/%Y}", "date": day}
    _record(commune, reminded, "extension/request", {"proposed_due": due, "reason": values["reason"]})


STEPS: Mapping[str, Step] = {
    "seen": Step(_seen),
    "report": Step(_report, {"summary": "summary", "explanation": "explanation"}),
    "extend": Step(_extend, {"until": "proposed_due", "reason": "reason"}, days=("until",)),
}


def _record(commune: str, reminded: Reminded, command: str, body: object, *, current: bool = False) -> None:
    """A command of the task, based on the version that the person saw; `current` on the one that it has now."""
    if reminded.task is None:
        raise Rejected("not-found")
    seen = None if current else forms.version_of(flask.request.form)
    api("tasks").post(
        "communes",
        commune,
        "tasks",
        reminded.task.id,
        *command.split("/"),
        json=body,
        idempotency_key=forms.key_of(flask.request.form, "viec"),
        if_match=reminded.task.version if seen is None else seen,
    )
