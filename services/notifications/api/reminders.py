"""Reminders as they were queued and what became of them; one's own inbox."""

from typing import Any

import flask

from services.notifications import asked
from services.notifications.api.answers import as_json, asking, now, recorded, reminding
from services.notifications.api.worklist import sees_all
from services.notifications.commands import acknowledge, sent_by_hand
from services.notifications.reminders import occurrence, occurrences
from services.notifications.schemas import InboxQuery, Letter, LinkQuery, Recorded, RemindersQuery
from shared.eventlog import reading
from shared.refusal import Refused
from shared.web.auth import action
from shared.web.idempotency import idempotency_key
from shared.web.paging import page
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

blueprint = Blueprint("reminders", __name__, url_prefix="/communes/<commune>", description="Nhắc việc")


@blueprint.route("/reminders")
@blueprint.arguments(RemindersQuery, location="query")
@action("reminder.read")
def listed(query: dict[str, Any], commune: str) -> flask.Response:
    """Reminders in the order of queuing; one's own, or all for those who see all."""
    who = asking()
    recipient = query["recipient"]
    if not sees_all(who.roles):
        if recipient not in (None, who.staff):
            raise Refused("reminder-of-another")
        recipient = who.person()
    with reading(reminding().engine, commune) as connection:
        found = occurrences(
            connection,
            commune,
            states=[query["state"]] if query["state"] else (),
            recipient=recipient,
            about=query["about"],
            rule=query["rule"],
            first=query["first"],
            last=query["last"],
            after=query["cursor"],
            limit=query["limit"] + 1,
        )
    shown, link = page(found, query["limit"], lambda each: (each.queued_at, each.reminder))
    return as_json({"reminders": asked.told(reminding(), commune, list(shown))}, link)


@blueprint.route("/reminders/<reminder>")
@action("reminder.read")
def one(commune: str, reminder: str) -> flask.Response:
    """A reminder with its history from the log."""
    who = asking()
    with reading(reminding().engine, commune) as connection:
        found = occurrence(connection, commune, reminder)
    if found is None:
        raise Refused("reminder-unknown", reminder=reminder)
    if found.recipient != who.staff and not sees_all(who.roles):
        raise Refused("reminder-of-another")
    [words] = asked.told(reminding(), commune, [found])
    return as_json({"told": words, "history": asked.history(reminding(), commune, reminder)})


@blueprint.route("/reminders/<reminder>/letter")
@blueprint.arguments(LinkQuery, location="query")
@blueprint.response(200, Letter)
@action("reminder.own")
def letter(query: dict[str, Any], commune: str, reminder: str) -> flask.Response:
    """What a message's link leads to, for its recipient: the reminder as it reads now, and the task it is about."""
    if not reminding().channels.links.is_genuine(commune, reminder, query["k"]):
        raise Rejected("not-found")
    with reading(reminding().engine, commune) as connection:
        found = occurrence(connection, commune, reminder)
    if found is None:
        raise Refused("reminder-unknown", reminder=reminder)
    if found.recipient != asking().staff:
        raise Refused("reminder-of-another")
    [written] = asked.letters(reminding(), commune, [found], now())
    return as_json(written)


@blueprint.route("/reminders/<reminder>/acknowledgement", methods=["POST"])
@blueprint.response(201, Recorded)
@action("reminder.own")
def acknowledged(commune: str, reminder: str) -> Any:
    """The recipient has seen it."""
    return recorded(acknowledge(reminding(), commune, asking(), reminder, key=idempotency_key()))


@blueprint.route("/reminders/<reminder>/sent-by-hand", methods=["POST"])
@blueprint.response(201, Recorded)
@action("reminder.by_hand")
def by_hand(commune: str, reminder: str) -> Any:
    """After all attempts failed, the Office told the person itself."""
    return recorded(sent_by_hand(reminding(), commune, asking(), reminder, key=idempotency_key()))


@blueprint.route("/inbox")
@blueprint.arguments(InboxQuery, location="query")
@action("reminder.own")
def inbox(query: dict[str, Any], commune: str) -> flask.Response:
    """One's own reminders as things stand now, the oldest first; `unread` only those not acknowledged."""
    with reading(reminding().engine, commune) as connection:
        found = occurrences(
            connection,
            commune,
            states=["delivered"],
            recipient=asking().person(),
            channel="inbox",
            unread=query["unread"],
            after=query["cursor"],
            limit=query["limit"] + 1,
        )
    shown, link = page(found, query["limit"], lambda each: (each.queued_at, each.reminder))
    return as_json({"inbox": asked.letters(reminding(), commune, list(shown), now())}, link)
