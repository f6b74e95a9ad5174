"""The commands of scoring: authorise, read who is in post, decide, append to scoring's own log."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from services.scoring.domain.assessment import Context
from services.scoring.domain.records import decode_record
from services.scoring.domain.rules.facts.people import post_on
from services.scoring.views import records
from shared.eventlog import Appended, Decision, Key, Log, Transaction

Decide = Callable[[Context, Any], Sequence[Any]]


def execute(log: Log, commune: str, actor: str, decide: Decide, command: Any, *, key: Key | None = None) -> Appended:
    """Let `decide` answer a command while the head of the commune is held, and append its events."""

    def in_transaction(tx: Transaction) -> Decision:
        return Decision(decide(_context(tx, actor), command))

    return log.append(commune, in_transaction, actor=actor, key=key)


def _context(tx: Transaction, actor: str) -> Context:
    """Who is in post today, as far as this service has folded the tasks log."""
    kind, _, name = actor.partition("/")
    rows = tx.connection.execute(
        select(records.c.kind, records.c.id, records.c.body).where(
            records.c.commune == tx.commune, records.c.kind.in_(("person", "unit"))
        )
    ).all()
    people = {row.id: post_on(decode_record("person", row.body), tx.today) for row in rows if row.kind == "person"}
    return Context(
        actor=name if kind == "staff" else None,
        posts={staff: post for staff, post in people.items() if post},
        # The commune itself is the root unit, led by its Chairman.
        units=frozenset(row.id for row in rows if row.kind == "unit") | {tx.commune},
    )
