"""Reminders as they were queued and what became of them; one's own inbox; what a message's link leads to."""

from typing import Any

import flask

from services.notifications import queries
from services.notifications.access import person
from services.notifications.api.handle import notifications, now
from services.notifications.commands import execute
from services.notifications.domain.occurrence import Occurrence
from services.notifications.domain.responses import AcknowledgeReminder, RecordSentByHand
from services.notifications.schemas import InboxQuery, Letter, LinkQuery, Recorded, RemindersQuery
from shared.web import changes
from shared.web.answers import as_json
from shared.web.auth import action, principal
from shared.web.paging import page
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

blueprint = Blueprint("reminders", __name__, url_prefix="/communes/<commune>", description="Nhắc việc")


@blueprint.route("/reminders")
@blueprint.arguments(RemindersQuery, location="query")
@action("reminder.read")
def listed(query: dict[str, Any], commune: str) -> flask.Response:
    """Reminders in the order of queuing: one's own, or all for those who see all."""
    occurrences = queries.reminders(
        notifications(),
        principal(),
        commune,
        states=[query["state"]] if query["state"] else (),
        recipient=query["recipient"],
        about=query["about"],
        rule=query["rule"],
        first=query["first"],
        last=query["last"],
        after=query["cursor"],
        limit=query["limit"] + 1,
    )
    shown, link = page(occurrences, query["limit"], _cursor)
    return as_json({"reminders": queries.in_words(notifications(), commune, shown)}, link)


def _cursor(occurrence: Occurrence) -> tuple[str, str]:
    return occurrence.queued_at, occurrence.reminder


@blueprint.route("/reminders/<reminder>")
@action("reminder.read")
def one(commune: str, reminder: str) -> flask.Response:
    """A reminder with its history from the log."""
    occurrence = queries.reminder(notifications(), principal(), commune, reminder)
    [in_words] = queries.in_words(notifications(), commune, [occurrence])
    return as_json({"told": in_words, "history": queries.history(notifications(), commune, reminder)})


@blueprint.route("/reminders/<reminder>/letter")
@blueprint.arguments(LinkQuery, location="query")
@blueprint.response(200, Letter)
@action("reminder.own")
def letter(query: dict[str, Any], commune: str, reminder: str) -> flask.Response:
    """What a message's link leads to, for its recipient: the reminder as it reads now, and the task it is about."""
    if not notifications().channels.links.is_genuine(commune, reminder, query["k"]):
        raise Rejected("not-found")
    return as_json(queries.letter(notifications(), principal(), commune, reminder, now()))


@blueprint.route("/reminders/<reminder>/acknowledgement", methods=["POST"])
@blueprint.response(201, Recorded)
@action("reminder.own")
def acknowledge(commune: str, reminder: str) -> Any:
    """The recipient has seen it."""
    return changes.record(commune, AcknowledgeReminder(reminder=reminder), execute)


@blueprint.route("/reminders/<reminder>/sent-by-hand", methods=["POST"])
@blueprint.response(201, Recorded)
@action("reminder.by_hand")
def sent_by_hand(commune: str, reminder: str) -> Any:
    """After all attempts failed, the Office told the person itself."""
    return changes.record(commune, RecordSentByHand(reminder=reminder), execute)


@blueprint.route("/inbox")
@blueprint.arguments(InboxQuery, location="query")
@action("reminder.own")
def inbox(query: dict[str, Any], commune: str) -> flask.Response:
    """One's own reminders as they read now, the oldest first; `unread` only those not acknowledged."""
    occurrences = queries.inbox(
        notifications(),
        commune,
        person(principal()),
        unread=query["unread"],
        after=query["cursor"],
        limit=query["limit"] + 1,
    )
    shown, link = page(occurrences, query["limit"], _cursor)
    return as_json({"inbox": queries.letters(notifications(), commune, list(shown), now())}, link)
