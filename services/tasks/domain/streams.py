"""Every kind of stream of this service: its state, and the one fold over all of them."""

from datetime import date
from typing import Any

import msgspec

from services.tasks.domain import Evolvers, communes, directives, imports, staff, task, templates, units
from services.tasks.domain import calendars as calendar_years
from shared.events import CheckpointSigned, Envelope

STATES: dict[str, type[msgspec.Struct]] = {
    "commune": communes.Commune,
    "unit": units.Unit,
    "staff": staff.Staff,
    "directive": directives.Directive,
    "task": task.Task,
    "template": templates.Template,
    "calendar": calendar_years.CalendarYear,
    "import": imports.Import,
}

EVOLVE: Evolvers = {
    **communes.EVOLVE,
    **units.EVOLVE,
    **staff.EVOLVE,
    **directives.EVOLVE,
    **task.EVOLVE,
    **templates.EVOLVE,
    **calendar_years.EVOLVE,
    **imports.EVOLVE,
    # The stream `checkpoint` says something of the log: it has no state.
    CheckpointSigned: lambda state, _data, _day: state,
}

_DECODERS = {kind: msgspec.json.Decoder(state) for kind, state in STATES.items()}


def evolve(state: Any, envelope: Envelope) -> Any:
    """The state after an event; None is the state of a stream that has not begun. An unknown event changes nothing."""
    return state if envelope.data is None else after(state, envelope.data, envelope.day)


def after(state: Any, data: Any, day: date) -> Any:
    """The state after an event's data, recorded on `day`."""
    return EVOLVE[type(data)](state, data, day)


def kind_of(subject: str) -> str:
    return subject.partition("/")[0]


def encode_state(state: Any) -> bytes:
    return msgspec.json.encode(state)


def decode_state(subject: str, stored: bytes) -> Any:
    """The state of a stream; None for a row that stands for no stream."""
    decoder = _DECODERS.get(kind_of(subject))
    return decoder.decode(stored) if decoder else None
