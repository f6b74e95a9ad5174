"""The commands of scoring: authorise, read what the decision rests on, decide, append to scoring's own log."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, select

from services.scoring.domain.assessment import Context
from services.scoring.domain.procedure import Present, Verdict
from services.scoring.domain.records import Records, decode_record
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.service import OwnerHeads
from services.scoring.views import PROJECTION, Moment, known_at, records
from shared.eventlog import Appended, Decision, Key, Log, Transaction
from shared.eventlog.feed import FeedError
from shared.projection import all_positions
from shared.refusal import Refused

Decide = Callable[[Context, Any], Sequence[Any]]
Judge = Callable[[Present, Any], Verdict]


def execute(log: Log, commune: str, actor: str, decide: Decide, command: Any, *, key: Key | None = None) -> Appended:
    """Let `decide` answer a command while the head of the commune is held, and append its events."""

    def in_transaction(tx: Transaction) -> Decision:
        return Decision(decide(_context(tx, actor), command))

    return log.append(commune, in_transaction, actor=actor, key=key)


def judge(
    logs: Mapping[str, Log], commune: str, actor: str, decide: Judge, command: Any, *, key: Key | None = None
) -> Appended:
    """Let a step of the procedure be decided on the records at the ends of both local logs, while the head of
    scoring's own is held: what it finds, and what it pins, is exactly what stood before it."""

    def in_transaction(tx: Transaction) -> Decision:
        ends = {"tasks": logs["tasks"].head(commune).position, "scoring": tx.head.position}
        known = known_at(logs, commune, Moment(ends, tx.today))
        posts = {staff: post_on(person, tx.today) for staff, person in known.records.people.items()}
        present = Present(
            actor=_staff(actor),
            posts={staff: post for staff, post in posts.items() if post},
            units=_units(commune, known.records.by_kind["unit"]),
            records=known.records,
            today=tx.today,
            inputs=known.inputs,
            new_id=tx.new_id,
        )
        verdict = decide(present, command)
        return Decision(verdict.events, msgspec.to_builtins(verdict.result))

    return logs["scoring"].append(commune, in_transaction, actor=actor, key=key)


def must_be_up_to_date(engine: Engine, logs: Mapping[str, Log], commune: str, owner_heads: OwnerHeads | None) -> None:
    """What is pinned must be all there is. Refuses while the commune is parked here, its tasks log is broken or behind
    its owner's, or the owner does not say how long it is."""
    reached = all_positions(engine, PROJECTION.name).get(commune, {})
    if any(at.parked for at in reached.values()) or commune in logs["tasks"].broken():
        raise Refused("commune-parked")
    if owner_heads is None:
        return
    try:
        owner = owner_heads().get(commune)
    except FeedError as error:
        raise Refused("owner-away") from error
    here = logs["tasks"].head(commune).position
    if owner is not None and owner.position > here:
        raise Refused("tasks-behind", here=here, there=owner.position)


def _context(tx: Transaction, actor: str) -> Context:
    """Who is in post today, as far as this service has folded the tasks log."""
    rows = tx.connection.execute(
        select(records.c.kind, records.c.id, records.c.body).where(
            records.c.commune == tx.commune, records.c.kind.in_(("person", "unit", "year"))
        )
    ).all()
    known = Records(tx.commune)
    for row in rows:
        known.put(row.kind, row.id, decode_record(row.kind, row.body))
    posts = {staff: post_on(person, tx.today) for staff, person in known.people.items()}
    return Context(
        actor=_staff(actor),
        posts={staff: post for staff, post in posts.items() if post},
        units=_units(tx.commune, known.by_kind["unit"]),
        records=known,
        today=tx.today,
    )


def _staff(actor: str) -> str | None:
    kind, _, name = actor.partition("/")
    return name if kind == "staff" else None


def _units(commune: str, defined: Iterable[str]) -> frozenset[str]:
    # The commune itself is the root unit, led by its Chairman.
    return frozenset(defined) | {commune}
