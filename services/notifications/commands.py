"""Commands of the notifications service: authorise → read → decide → append, the same few lines for all of them."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from services.notifications import outside_log, queries, views
from services.notifications.access import ACTIONS, person
from services.notifications.channels.interface import Contact
from services.notifications.documents import slips as documents
from services.notifications.domain import policy, preferences, refusals, responses, slips, urging
from services.notifications.domain.limits import LONGEST
from services.notifications.domain.plan import View
from services.notifications.domain.policy import PublishPolicy
from services.notifications.domain.preferences import ChangePreferences
from services.notifications.domain.responses import AcknowledgeReminder, RecordSentByHand
from services.notifications.domain.slips import IssueSlips
from services.notifications.domain.urging import UrgeTasks
from services.notifications.notices import own_notices
from shared.eventlog import Appended, Decision, Key, StaleVersion, Transaction
from shared.events import UrgingSlipIssued
from shared.limits import overlong
from shared.web.auth import Principal, authorise

if TYPE_CHECKING:
    from services.notifications.service import Notifications


class Case(NamedTuple):
    """What a decision may look at, under the lock of the commune's head. `contacts` only for those that need names."""

    service: "Notifications"
    tx: Transaction
    principal: Principal
    contacts: Mapping[str, Contact]


class Handler(NamedTuple):
    """How a command is decided. `action` is its row in the role × action table; `stream` what `if_match` is a version
    of; `needs_contacts`: names are read before the lock, as that may take seconds."""

    action: str
    decide: Callable[[Case, Any], Decision]
    stream: str | None = None
    needs_contacts: bool = False


def execute(
    service: "Notifications",
    principal: Principal,
    command: msgspec.Struct,
    *,
    commune: str,
    if_match: int | None = None,
    key: Key | None = None,
) -> Appended:
    """Run a command and append what it leads to.

    `if_match` is the version of its stream that the caller saw. Raises Refused, Rejected (`role`, `commune`),
    StaleVersion, and what `Log.append` raises; then nothing has happened.
    """
    if found := overlong(command, LONGEST):
        raise refusals.TEXT_TOO_LONG(**found)
    handler = HANDLERS[type(command)]
    authorise(ACTIONS, handler.action, principal, commune)
    contacts = queries.contacts(service, commune) if handler.needs_contacts else {}

    def decide(tx: Transaction) -> Decision:
        stream = handler.stream
        if stream and if_match is not None and tx.version(stream) != if_match:
            raise StaleVersion(stream, if_match, tx.version(stream))
        decision = handler.decide(Case(service, tx, principal, contacts), command)
        notices = own_notices(service, tx, principal.actor, decision.events)
        return Decision([*decision.events, *notices], decision.result, decision.read)

    return service.log.append(commune, decide, actor=principal.actor, key=key)


def _acknowledge(case: Case, command: AcknowledgeReminder) -> Decision:
    occurrence = views.occurrence(case.tx.connection, case.tx.commune, command.reminder)
    return Decision(responses.acknowledge(command, occurrence, person(case.principal)))


def _record_sent_by_hand(case: Case, command: RecordSentByHand) -> Decision:
    occurrence = views.occurrence(case.tx.connection, case.tx.commune, command.reminder)
    return Decision(responses.record_sent_by_hand(command, occurrence, person(case.principal), case.tx.time))


def _urge(case: Case, command: UrgeTasks) -> Decision:
    tx = case.tx
    view = View(
        records=views.of_tasks(tx.connection, tx.commune, command.tasks),
        preferences=views.preferences(tx.connection, tx.commune),
        channels=case.service.channels.names,
        addresses=frozenset(outside_log.addresses(tx.connection, tx.commune)),
    )

    def is_queued(reminder: str) -> bool:
        return views.occurrence(tx.connection, tx.commune, reminder) is not None

    events, outcomes = urging.urge(command, view, person(case.principal), tx.today, tx.time, is_queued)
    return Decision(events, [msgspec.structs.asdict(outcome) for outcome in outcomes])


def _publish_policy(case: Case, command: PublishPolicy) -> Decision:
    known = [revision.policy for _, revision in views.policies(case.tx.connection, case.tx.commune)]
    return Decision([policy.publish(command, person(case.principal), known)])


def _change_preferences(case: Case, command: ChangePreferences) -> Decision:
    changed = preferences.change(command, person(case.principal), case.principal.roles)
    views.require_person(case.tx.connection, case.tx.commune, command.staff)
    return Decision([changed])


def _issue_slips(case: Case, command: IssueSlips) -> Decision:
    """Recorded for each task; the documents are kept outside the log, as they name people."""
    tx, by = case.tx, command.by or case.principal.staff or case.principal.actor
    records = views.of_tasks(tx.connection, tx.commune, command.tasks)
    slips.must_issue(records, by, tx.today, tx.time)
    events, files, result = [], [], []
    for draft in documents.drafts(records, case.contacts, command, tx.time):
        slip, sha256 = tx.new_id(), hashlib.sha256(draft.document).hexdigest()
        tasks = [task.task for task in draft.slip.tasks]
        events += [
            UrgingSlipIssued(
                task=task, slip=slip, sha256=sha256, by=by, number=command.number, signed_by=command.signed_by
            )
            for task in tasks
        ]
        files.append(outside_log.SlipFile(slip, draft.document, draft.people))
        result.append({"slip": slip, "lead": draft.slip.lead, "tasks": tasks, "sha256": sha256})
    outside_log.save_slips(tx.connection, tx.commune, files)
    return Decision(events, result)


HANDLERS: Mapping[type[msgspec.Struct], Handler] = {
    AcknowledgeReminder: Handler("reminder.own", _acknowledge),
    RecordSentByHand: Handler("reminder.by_hand", _record_sent_by_hand),
    UrgeTasks: Handler("reminder.urge", _urge),
    PublishPolicy: Handler("policy.publish", _publish_policy, stream="policy"),
    ChangePreferences: Handler("preferences.own", _change_preferences),
    IssueSlips: Handler("slip.issue", _issue_slips, needs_contacts=True),
}
