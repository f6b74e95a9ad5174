"""What people record about a reminder: that they have seen it, or that the Office told the person itself."""

import msgspec

from services.notifications.domain import refusals
from services.notifications.domain.occurrence import Occurrence
from shared.events import ReminderAcknowledged, ReminderSentByHand


class AcknowledgeReminder(msgspec.Struct, frozen=True, kw_only=True):
    reminder: str


def acknowledge(command: AcknowledgeReminder, occurrence: Occurrence | None, by: str) -> list[ReminderAcknowledged]:
    """The recipient has seen it; a second time changes nothing. Refuses `reminder-unknown`, `reminder-of-another`."""
    if occurrence is None:
        raise refusals.REMINDER_UNKNOWN(reminder=command.reminder)
    if occurrence.recipient != by:
        raise refusals.REMINDER_OF_ANOTHER()
    return [] if occurrence.acknowledged_at else [ReminderAcknowledged(reminder=occurrence.reminder, by=by)]


class RecordSentByHand(msgspec.Struct, frozen=True, kw_only=True):
    reminder: str


def record_sent_by_hand(
    command: RecordSentByHand, occurrence: Occurrence | None, by: str, at: str
) -> list[ReminderSentByHand]:
    """All attempts failed and the Office told the person itself. Refuses `reminder-unknown`, `reminder-not-failed`."""
    if occurrence is None:
        raise refusals.REMINDER_UNKNOWN(reminder=command.reminder)
    if occurrence.state != "failed":
        raise refusals.REMINDER_NOT_FAILED(reminder=occurrence.reminder)
    return [ReminderSentByHand(reminder=occurrence.reminder, at=at, by=by)]
