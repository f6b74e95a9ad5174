"""Reminders as they were queued and what became of them; one's own inbox; what a message's link leads to."""

from typing import Any

from services.notifications import letters, queries
from services.notifications.access import person
from services.notifications.answers import Inbox, Reminders, ReminderWithHistory
from services.notifications.api.handle import notifications, now
from services.notifications.commands import execute
from services.notifications.domain.occurrence import Occurrence
from services.notifications.domain.responses import AcknowledgeReminder, RecordSentByHand
from services.notifications.schemas import InboxQuery, LinkQuery, Recorded, RemindersQuery
from shared.web import changes
from shared.web.auth import action, principal
from shared.web.openapi import KEY, LINK, POSITION
from shared.web.paging import page
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

blueprint = Blueprint("reminders", __name__, url_prefix="/communes/<commune>", description="Nhắc việc")


@blueprint.route("/reminders")
@blueprint.arguments(RemindersQuery, location="query")
@blueprint.answers(200, Reminders, headers=[LINK])
@action("reminder.read")
def list_reminders(query: dict[str, Any], commune: str) -> tuple[Reminders, dict[str, str]]:
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
    return Reminders(queries.in_words(notifications(), commune, shown)), link


def _cursor(occurrence: Occurrence) -> tuple[str, str]:
    return occurrence.queued_at, occurrence.reminder


@blueprint.route("/reminders/<reminder>")
@blueprint.answers(200, ReminderWithHistory)
@action("reminder.read")
def read_reminder(commune: str, reminder: str) -> ReminderWithHistory:
    """A reminder with its history from the log."""
    occurrence = queries.reminder(notifications(), principal(), commune, reminder)
    [in_words] = queries.in_words(notifications(), commune, [occurrence])
    return ReminderWithHistory(in_words, queries.history(notifications(), commune, reminder))


@blueprint.route("/reminders/<reminder>/letter")
@blueprint.arguments(LinkQuery, location="query")
@blueprint.answers(200, letters.Letter)
@action("reminder.own")
def read_letter(query: dict[str, Any], commune: str, reminder: str) -> letters.Letter:
    """What a message's link leads to, for its recipient: the reminder as it reads now, and the task it is about."""
    if not notifications().channels.links.is_genuine(commune, reminder, query["k"]):
        raise Rejected("not-found")
    return letters.letter(notifications(), principal(), commune, reminder, now())


@blueprint.route("/reminders/<reminder>/acknowledgement", methods=["POST"])
@blueprint.answers(201, Recorded, headers=[POSITION])
@blueprint.takes(KEY)
@action("reminder.own")
def acknowledge_reminder(commune: str, reminder: str) -> Any:
    """The recipient has seen it."""
    return changes.record(commune, AcknowledgeReminder(reminder=reminder), execute)


@blueprint.route("/reminders/<reminder>/sent-by-hand", methods=["POST"])
@blueprint.answers(201, Recorded, headers=[POSITION])
@blueprint.takes(KEY)
@action("reminder.by_hand")
def record_sent_by_hand(commune: str, reminder: str) -> Any:
    """After all attempts failed, the Office told the person itself."""
    return changes.record(commune, RecordSentByHand(reminder=reminder), execute)


@blueprint.route("/inbox")
@blueprint.arguments(InboxQuery, location="query")
@blueprint.answers(200, Inbox, headers=[LINK])
@action("reminder.own")
def read_inbox(query: dict[str, Any], commune: str) -> tuple[Inbox, dict[str, str]]:
    """One's own reminders as they read now, the newest first; `unread` only those not acknowledged."""
    occurrences = letters.inbox(
        notifications(),
        commune,
        person(principal()),
        unread=query["unread"],
        after=query["cursor"],
        newest_first=query["order"] == "newest",
        limit=query["limit"] + 1,
    )
    shown, link = page(occurrences, query["limit"], _cursor)
    return Inbox(letters.letters(notifications(), commune, list(shown), now())), link
