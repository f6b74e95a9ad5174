"""Commands of the tasks service: authorise → read → decide → append, the same few lines for all of them."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from services.tasks import views
from services.tasks.domain import decisions
from services.tasks.domain.access import ACTIONS
from services.tasks.domain.context import Command, Context
from shared.eventlog import EVERY_COMMUNE, Appended, Decision, Key, Log, StaleVersion, Transaction
from shared.refusal import Refused

if TYPE_CHECKING:
    from shared.web.auth import Principal


def execute(
    log: Log,
    principal: "Principal",
    command: Command,
    *,
    commune: str,
    if_match: int | None = None,
    key: Key | None = None,
    beside: Callable[[Transaction], None] | None = None,
    correlationid: str | None = None,
) -> Appended:
    """Run a command and append what it leads to.

    `if_match` is the stream version the caller saw; `beside` writes what lies beside the log (names, file names) in
    the same transaction. Raises Refused, StaleVersion, and what `Log.append` raises; then nothing has happened.
    """

    streams = decisions.looks_at(command, commune)

    def decide(tx: Transaction) -> Decision:
        context = read_context(log, tx, principal, command, streams)
        must_be_allowed(context, principal, command)
        subject = decisions.subject(command, commune)
        if if_match is not None and tx.version(subject) != if_match:
            raise StaleVersion(subject, if_match, tx.version(subject))
        events = decisions.decide(command, context)
        if beside:
            beside(tx)
        return Decision(events)

    reads = views.reads(commune, {*streams, views.NEIGHBOURS_MARK})
    return log.append(commune, decide, actor=principal.actor, key=key, correlationid=correlationid, reads=reads)


def read_context(
    log: Log, tx: Transaction, principal: "Principal", command: Command, streams: Collection[str]
) -> Context:
    """What the decision may look at, as it is while the commune's head is held."""
    own = read_streams(tx, streams)
    states = {**_neighbours(log, tx), **own}
    if decisions.looks_at_running_tasks(command):
        states |= views.load(tx.connection, tx.commune, (), kinds=(), running=True)
    return Context(tx.commune, tx.today, principal.actor, roles_in_force(principal, states, tx.today), states)


class _Remembered(NamedTuple):
    """A commune's neighbours as of the event that last changed one of them."""

    position: int
    states: Mapping[str, Any]


# Staff, units, directives and calendars change seldom and every decision looks at them: each log remembers them, and
# the mark that is read with the command's own streams tells whether they are still what they were.
_remembered: WeakKeyDictionary[Log, dict[str, _Remembered]] = WeakKeyDictionary()


def read_streams(tx: Transaction, subjects: Collection[str]) -> dict[str, Any]:
    """The states of the streams that came with the lock; remembered, so that they are not asked for again."""
    found = [one for answer in tx.answers for one in views.decoded(answer)]
    tx.versions = dict.fromkeys(subjects, 0) | {one.subject: one.version for one in found}
    tx.read = {one.subject: one.state for one in found if one.subject != views.NEIGHBOURS_MARK}
    return dict(tx.read)


def _neighbours(log: Log, tx: Transaction) -> Mapping[str, Any]:
    of_log = _remembered.setdefault(log, {})
    changed_at = tx.versions.pop(views.NEIGHBOURS_MARK, 0)
    remembered = of_log.get(tx.commune)
    if remembered is None or remembered.position != changed_at:
        states = dict(views.load(tx.connection, tx.commune, ()))
        remembered = of_log[tx.commune] = _Remembered(changed_at, states)
    return remembered.states


def roles_in_force(principal: "Principal", states: Mapping[str, Any], today: date) -> frozenset[str]:
    """A person's roles of today's post, as far as the token grants them; an operator's or service's are the token's."""
    if principal.staff is None:
        return principal.roles
    staff = states.get(f"staff/{principal.staff}")
    post = staff.post_on(today) if staff else None
    return principal.roles & frozenset(post.roles if post else ())


def must_be_allowed(context: Context, principal: "Principal", command: Command) -> None:
    """Each action of the command against the role × action table. Object rules come after, in the decision."""
    if principal.commune not in (EVERY_COMMUNE, context.commune):
        raise Refused("other-commune", commune=context.commune)
    if context.actor_staff is not None and context.post(context.actor_staff) is None:
        raise Refused("holds-no-post", staff=context.actor_staff)
    for action in sorted(decisions.actions(command)):
        if context.roles.isdisjoint(ACTIONS[action]):
            raise Refused("may-not", action=action)
