"""The commands of scoring: authorise → read → decide → append, the same few lines for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from services.scoring import tables
from services.scoring.access import ACTIONS
from services.scoring.domain import decisions, refusals
from services.scoring.domain.context import Command, Context, ProcedureContext
from services.scoring.domain.limits import LONGEST
from services.scoring.domain.records import PersonRecord
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.service import Scoring
from services.scoring.views import PROJECTION, Moment, known_at
from shared.eventlog import Appended, Decision, Key, StaleVersion, Transaction
from shared.eventlog.feed import FeedError
from shared.events import Data, subject_of
from shared.limits import overlong
from shared.projection import all_positions
from shared.web.auth import Principal, authorise


def execute(
    service: Scoring,
    principal: Principal,
    command: Command,
    *,
    commune: str,
    if_match: int | None = None,
    key: Key | None = None,
) -> Appended:
    """Run a command while the head of the commune is held, and append what it leads to to scoring's own log.

    `if_match` is the version of the stream that the caller saw. Raises Rejected (`role`, `commune`), Refused,
    StaleVersion, and what `Log.append` raises; then nothing has happened.
    """
    if found := overlong(command, LONGEST):
        raise refusals.TEXT_TOO_LONG(**found)
    handler = decisions.HANDLERS[type(command)]
    authorise(ACTIONS, handler.action, principal, commune)
    if handler.pins:
        must_be_up_to_date(service, commune)

    def decide(tx: Transaction) -> Decision:
        context = _at_the_ends(service, tx, principal) if handler.step else _as_folded(tx, principal)
        authorise(ACTIONS, handler.action, replace(principal, roles=context.roles or frozenset()), commune)
        decision = decisions.decide(command, context)
        if if_match is not None:
            _must_be_at(if_match, tx, decision.events)
        return Decision(decision.events, msgspec.to_builtins(decision.result))

    return service.log.append(commune, decide, actor=principal.actor, key=key)


def must_be_up_to_date(service: Scoring, commune: str) -> None:
    """What is pinned must be all there is. Refuses while the commune is parked here, its tasks log is broken or behind
    its owner's, or the owner does not say how long it is."""
    tasks = service.logs["tasks"]
    reached = all_positions(service.engine, PROJECTION.name).get(commune, {})
    if any(at.parked for at in reached.values()) or commune in tasks.broken():
        raise refusals.COMMUNE_PARKED()
    if service.owner_heads is None:
        return
    try:
        owner = service.owner_heads().get(commune)
    except FeedError as error:
        raise refusals.OWNER_AWAY() from error
    here = tasks.head(commune).position
    if owner is not None and owner.position > here:
        raise refusals.TASKS_BEHIND(here=here, there=owner.position)


def _must_be_at(version: int, tx: Transaction, events: Sequence[Data]) -> None:
    for subject in (subject_of(event, tx.commune) for event in events):
        if tx.version(subject) != version:
            raise StaleVersion(subject, version, tx.version(subject))


def _as_folded(tx: Transaction, principal: Principal) -> Context:
    """People, units and years as far as this service has folded the tasks log."""
    records = PROJECTION.read(tx.connection, tx.commune, tables.records.c.kind.in_(("person", "unit", "year")))
    posts = _posts(records.people, tx)
    return Context(
        actor=principal.staff,
        operator=principal.actor,
        roles=_roles_granted(principal, posts),
        posts=posts,
        units=_units(tx.commune, records.by_kind["unit"]),
        records=records,
        today=tx.today,
    )


def _at_the_ends(service: Scoring, tx: Transaction, principal: Principal) -> ProcedureContext:
    """All records at the ends of both local logs: what is decided, and what it pins, is exactly what stood before."""
    ends = {"tasks": service.logs["tasks"].head(tx.commune).position, "scoring": tx.head.position}
    known = known_at(service.logs, tx.commune, Moment(ends, tx.today))
    posts = _posts(known.records.people, tx)
    return ProcedureContext(
        actor=principal.staff,
        operator=principal.actor,
        roles=_roles_granted(principal, posts),
        posts=posts,
        units=_units(tx.commune, known.records.by_kind["unit"]),
        records=known.records,
        today=tx.today,
        inputs=known.inputs,
        new_id=tx.new_id,
    )


def _roles_granted(principal: Principal, posts: Mapping[str, Post]) -> frozenset[str]:
    """A person's roles of today's post, as far as the token grants them; those of an operator are the token's."""
    if principal.staff is None:
        return principal.roles
    post = posts.get(principal.staff)
    return principal.roles & frozenset(post.roles if post and post.in_post else ())


def _posts(people: Mapping[str, PersonRecord], tx: Transaction) -> dict[str, Post]:
    posts = {staff: post_on(person, tx.today) for staff, person in people.items()}
    return {staff: post for staff, post in posts.items() if post}


def _units(commune: str, defined: Iterable[str]) -> frozenset[str]:
    # The commune itself is the root unit, led by its Chairman.
    return frozenset(defined) | {commune}
