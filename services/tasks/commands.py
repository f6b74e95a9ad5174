"""Commands of the tasks service: read → authorise → decide → append, the same few lines for all of them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from services.tasks import personal, views
from services.tasks.access import ACTIONS
from services.tasks.domain import decisions, refusals
from services.tasks.domain.context import Command, Context
from services.tasks.domain.decisions import Case
from services.tasks.domain.limits import LONGEST
from services.tasks.domain.staff import Post
from services.tasks.domain.templates import text_to_come
from services.tasks.service import Neighbours, Tasks
from shared.eventlog import EVERY_COMMUNE, Appended, Decision, Key, StaleVersion, Transaction
from shared.events import Evidence
from shared.limits import overlong
from shared.roles import in_words
from shared.web.auth import Principal


def execute(
    service: Tasks,
    principal: Principal,
    command: Command,
    *,
    commune: str,
    if_match: int | None = None,
    key: Key | None = None,
    outside_log: Callable[[Transaction], None] | None = None,
) -> Appended:
    """Run a command and append what it leads to. Refuses overlong texts before anything is read.

    `if_match` is the stream version the caller saw; `outside_log` writes what is kept outside the log (names, file
    names) in the same transaction. Raises Refused, StaleVersion, and what `Log.append` raises; then nothing has
    happened.
    """
    if found := overlong(command, LONGEST):
        raise refusals.TEXT_TOO_LONG(**found)
    case = decisions.case(command, commune)

    def decide(tx: Transaction) -> Decision:
        own = read_streams(tx, case.streams)
        context = read_context(service, tx, principal, case, own)
        must_be_allowed(context, principal, case)
        version = tx.version(case.subject)
        stale = StaleVersion(case.subject, if_match, version) if if_match not in (None, version) else None
        if stale and version:
            raise stale
        events = decisions.decide(case, context)
        if stale:  # nothing is there, which the decision says unless the command begins it
            raise stale
        if outside_log:
            outside_log(tx)
        return Decision(events, result=case.subject, read=own.states, later=text_to_come(events, tx.today))

    reads = views.reads(commune, {*case.streams, views.NEIGHBOURS_MARK})
    return service.log.append(commune, decide, actor=principal.actor, key=key, reads=reads)


class Streams(NamedTuple):
    """The states that came with the lock, by subject, and the position at which a neighbour changed last."""

    states: Mapping[str, Any]
    neighbours_changed_at: int


def read_context(service: Tasks, tx: Transaction, principal: Principal, case: Case, own: Streams) -> Context:
    """Everything that the decision may look at, as it is while the commune's head is held."""
    states = {**_neighbours(service, tx, own.neighbours_changed_at), **own.states}
    if case.needs_running_tasks:
        states |= views.load(tx.connection, tx.commune, (), kinds=("template",), running=True)
    roles = principal.roles
    if principal.staff is not None:
        person = states.get(f"staff/{principal.staff}")
        roles = roles_granted(principal, person.post_on(tx.today) if person else None)
    files = {task: _stored_files(tx, task) for task in case.files_of}
    return Context(tx.commune, tx.today, principal.actor, roles, states, files=files)


def read_streams(tx: Transaction, subjects: Collection[str]) -> Streams:
    """The states of the streams that came with the lock; the transaction remembers their versions."""
    came = {stored.subject: stored for answer in tx.answers for stored in views.decoded(answer)}
    mark = came.pop(views.NEIGHBOURS_MARK, None)
    tx.remember(dict.fromkeys(subjects, 0) | {subject: stored.version for subject, stored in came.items()})
    return Streams({subject: stored.state for subject, stored in came.items()}, mark.version if mark else 0)


def _neighbours(service: Tasks, tx: Transaction, changed_at: int) -> Mapping[str, Any]:
    """Staff, units, directives and calendars, cached until one of them changes."""
    remembered = service.neighbours.get(tx.commune)
    if remembered is None or remembered.position != changed_at:
        states = dict(views.load(tx.connection, tx.commune, ()))
        remembered = service.neighbours[tx.commune] = Neighbours(changed_at, states)
    return remembered.states


def _stored_files(tx: Transaction, task: str) -> dict[str, Evidence]:
    """The files stored for a task, by hash, as an event names them."""
    return {
        file.sha256: Evidence(sha256=file.sha256, size=file.size, media_type=file.media_type)
        for file in personal.evidence_of(tx.connection, tx.commune, task)
    }


def roles_granted(principal: Principal, post: Post | None) -> frozenset[str]:
    """A person's roles of today's post, as far as the token grants them; those of an operator are the token's."""
    if principal.staff is None:
        return principal.roles
    return principal.roles & frozenset(post.roles if post else ())


def must_be_allowed(context: Context, principal: Principal, case: Case) -> None:
    """Each action of the command against the role × action table. Object rules come after, in the decision."""
    if principal.commune not in (EVERY_COMMUNE, context.commune):
        raise refusals.OTHER_COMMUNE(commune=context.commune)
    if context.actor_staff is not None and context.post(context.actor_staff) is None:
        raise refusals.NOT_IN_POST(staff=context.actor_staff)
    for action in sorted(case.actions):
        if context.roles.isdisjoint(ACTIONS[action]):
            raise refusals.ROLE_NOT_ALLOWED(who=in_words(ACTIONS[action]))
