"""What people record about a reminder: that they have seen it, or that the Office told the person itself."""

import msgspec

from services.notifications.domain import refusals
from services.notifications.domain.occurrence import Occurrence
from shared.events import ReminderAcknowledged, ReminderSentByHand


class AcknowledgeReminder(msgspec.Struct, frozen=True, kw_only=True):
    reminder: str


def acknowledge(command: AcknowledgeReminder, found: Occurrence | None, by: str) -> list[ReminderAcknowledged]:
    """The recipient has seen it; a second time changes nothing. Refuses `reminder-unknown`, `reminder-of-another`."""
    if found is None:
        raise refusals.REMINDER_UNKNOWN(reminder=command.reminder)
    if found.recipient != by:
        raise refusals.REMINDER_OF_ANOTHER()
    return [] if found.acknowledged_at else [ReminderAcknowledged(reminder=found.reminder, by=by)]


class RecordSentByHand(msgspec.Struct, frozen=True, kw_only=True):
    reminder: str


def record_sent_by_hand(
    command: RecordSentByHand, found: Occurrence | None, by: str, at: str
) -> list[ReminderSentByHand]:
    """All attempts failed and the Office told the person itself. Refuses `reminder-unknown`, `reminder-not-failed`."""
    if found is None:
        raise refusals.REMINDER_UNKNOWN(reminder=command.reminder)
    if found.state != "failed":
        raise refusals.REMINDER_NOT_FAILED(reminder=found.reminder)
    return [ReminderSentByHand(reminder=found.reminder, at=at, by=by)]
