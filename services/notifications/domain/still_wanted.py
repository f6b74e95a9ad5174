"""May a queued reminder still be sent?"""

from services.notifications.domain.occurrence import Occurrence, task_of
from services.notifications.domain.people import post_on
from services.notifications.domain.plan import View, unresolved
from services.notifications.domain.preferences import chosen_by
from services.notifications.domain.rules import AT_ONCE
from services.notifications.domain.sheets import missing
from services.notifications.domain.task_state import state_at
from shared.events import local_day

ENDPOINT = "endpoint/"


def reason_to_drop(view: View, occurrence: Occurrence, at: str) -> str | None:
    """Why a queued reminder must no longer be sent (a reason code); None while it may."""
    return _of_the_thing(view, occurrence, at) or _of_the_recipient(view, occurrence, at)


def in_post(view: View, staff: str, at: str) -> bool:
    person = view.records.people.get(staff)
    return person is not None and post_on(person, local_day(at), at) is not None


def _of_the_thing(view: View, occurrence: Occurrence, at: str) -> str | None:
    kind, _, rest = occurrence.about.partition("/")
    if task := task_of(occurrence.about):
        record = view.records.tasks.get(task)
        now = state_at(record, at) if record else None
        if now is None:
            return "unknown"
        if now.status != "open":
            return now.status
        moved = occurrence.due_version is not None and occurrence.due_version != now.due_version
        return "deadline_moved" if moved else None
    if kind == "sheet":
        period, _, staff = rest.partition("/")
        stages = missing(view.records, period, int(period[:4]), staff, at)
        awaited = "self" if occurrence.recipient == staff else "confirmed"
        return None if awaited in stages else "recorded"
    if kind == "appeal":
        record = view.records.get("appeal", rest)
        return None if record and unresolved(record, at) else "resolved"
    return None


def _of_the_recipient(view: View, occurrence: Occurrence, at: str) -> str | None:
    if occurrence.recipient.startswith(ENDPOINT):
        known = {endpoint for endpoint, _ in view.endpoints}
        return None if occurrence.recipient.removeprefix(ENDPOINT) in known else "endpoint_disabled"
    at_once = occurrence.rule in AT_ONCE
    # What was typed in the name of a person who has left is still told, if only by hand.
    if not at_once and not in_post(view, occurrence.recipient, at):
        return "left"
    chosen = chosen_by(view.preferences, occurrence.recipient, by_others=not at_once)
    if occurrence.channel != "inbox" and chosen and chosen.channels.get(occurrence.channel) is False:
        return "channel_off"
    return None
