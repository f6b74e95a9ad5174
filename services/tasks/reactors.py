"""Opens the occurrences of recurring tasks as their periods begin; live only, never in a replay."""

import threading
from collections.abc import Collection

from services.tasks import views
from services.tasks.domain.communes import Commune
from services.tasks.domain.context import Context
from services.tasks.domain.templates import Held, Occurrence, expected, open_occurrences
from services.tasks.service import Tasks
from shared.eventlog import Decision, Transaction, reading

ACTOR = "service/tasks"


def react(service: Tasks, stop: threading.Event | None = None) -> None:
    """Open the occurrences of every commune's recurring tasks whose period has begun, until told to stop."""
    for commune in service.log.heads():
        if stop and stop.is_set():
            return
        open_recurring(service, commune)


def open_recurring(service: Tasks, commune: str) -> list[Held]:
    """Open every occurrence that has begun and is not open yet; returns those that wait for a person.

    Repeatable: an occurrence's task id follows from its template and period, and an open one is passed over.
    """
    with reading(service.engine, commune) as connection:
        states = views.load(connection, commune, (), kinds={"template"})
        begun = list(expected(states.values(), commune, service.today))
        known = views.load(connection, commune, _subjects(begun), kinds=())
    if all(subject in known for subject in _subjects(begun)):
        return []
    held: list[Held] = []

    def decide(tx: Transaction) -> Decision:
        templates = views.load(tx.connection, commune, (), kinds={"template"})
        occurrences = list(expected(templates.values(), commune, tx.today))
        context = Context(commune, tx.today, ACTOR, states=views.load(tx.connection, commune, _subjects(occurrences)))
        state: Commune | None = context.state(f"commune/{commune}")
        if state is None or (state.closed_on is not None and tx.today > state.closed_on):
            return Decision([])
        events, waiting = open_occurrences(occurrences, context)
        held.extend(waiting)
        return Decision(events)

    service.log.append(commune, decide, actor=ACTOR)
    return held


def _subjects(occurrences: Collection[Occurrence]) -> set[str]:
    return {f"task/{occurrence.task}" for occurrence in occurrences}
