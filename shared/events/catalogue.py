"""The registry of event types: their names, versions, subjects and upcasters, and the decoding that rests on it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from shared.events.envelope import Envelope, MalformedEvent, UnknownVersion

PREFIX = "vn.cchc."
VERSION = re.compile("0|[1-9][0-9]{0,5}")

# The source of an event that every log records: the sources of all other events.
EVERY_LOG = ()

# What bytes that are no event make of decoding, or of an upcaster that expects the fields of its version.
FOREIGN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

T = TypeVar("T", bound=type)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class EventType(msgspec.Struct, frozen=True):
    """One current event type: `name` without prefix and version, the Struct of its data, whose logs record it."""

    name: str
    version: int
    data: type
    sources: tuple[str, ...]
    subject: str

    @property
    def type_name(self) -> str:
        return f"{PREFIX}{self.name}.v{self.version}"


class Catalogue:
    """Event types by name. Older versions are read through a chain of upcasters, each one version further."""

    def __init__(self) -> None:
        self._current: dict[str, EventType] = {}
        self._by_class: dict[type, EventType] = {}
        self._decoders: dict[str, Callable[[msgspec.Raw], Any]] = {}
        self._upcasters: dict[str, dict[int, Upcaster]] = {}
        self._sources: dict[str, None] = {}  # in the order in which they were first named
        self._of_every_log: set[str] = set()

    def event(self, name: str, *, source: str | tuple[str, ...], subject: str, version: int = 1) -> Callable[[T], T]:
        """Register a Struct as the data of `vn.cchc.<name>.v<version>`.

        `source` names the logs that record it, or is EVERY_LOG; `subject` is a template over its fields.
        """

        def register(data: T) -> T:
            if name in self._current:
                raise ValueError(f"event {name} is declared twice")
            sources = (source,) if isinstance(source, str) else source
            if not sources:
                self._of_every_log.add(name)
            self._declare(EventType(name, version, data, sources, subject))
            self._sources |= dict.fromkeys(sources)
            for of_every_log in self._of_every_log:
                self._declare(msgspec.structs.replace(self._current[of_every_log], sources=tuple(self._sources)))
            return data

        return register

    def _declare(self, declared: EventType) -> None:
        self._current[declared.name] = declared
        self._by_class[declared.data] = declared
        self._decoders[declared.type_name] = msgspec.json.Decoder(declared.data).decode

    def upcaster(self, name: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Register the step from one version of `name` to the next."""

        def register(step: Upcaster) -> Upcaster:
            if from_version in self._upcasters.setdefault(name, {}):
                raise ValueError(f"{name}.v{from_version} has two upcasters")
            self._upcasters[name][from_version] = step
            return step

        return register

    def check(self) -> None:
        """Raise ValueError unless each chain leads from its first version, without a gap, to the current one.

        A step leads exactly one version further, so a chain that stays below the current version has no cycle.
        """
        for name, steps in self._upcasters.items():
            if name not in self._current:
                raise ValueError(f"upcaster for the unknown event {name}")
            current = self._current[name].version
            expected = set(range(min(steps), current))
            if set(steps) != expected:
                raise ValueError(f"upcasters of {name} go {sorted(steps)}, expected {sorted(expected)}")

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._current.values())

    def of(self, data: Any) -> EventType:
        """The declared type of an event's data (its Struct or an instance of it)."""
        return self._by_class[data if isinstance(data, type) else type(data)]

    def decode(self, body: bytes) -> Envelope:
        """Read stored bytes. An event nobody here knows has `data` None: a fold passes over it.

        Raises UnknownVersion for another version of a known event, MalformedEvent for what is no event at all.
        """
        try:
            envelope = _decode_envelope(body)
            decode_data = self._decoders.get(envelope.type)
            envelope.data = (
                decode_data(envelope.data) if decode_data else self._decode_other(envelope.type, envelope.data)
            )
        except UnknownVersion:
            raise
        except FOREIGN as error:
            raise MalformedEvent(f"{type(error).__name__}: {error}") from error
        return envelope

    def decode_data(self, type_name: str, data: Any) -> Any:
        """The data of an event that another event tells of; as in `decode`, None for a type nobody here knows."""
        encoded = msgspec.Raw(msgspec.json.encode(data))
        decode_data = self._decoders.get(type_name)
        return decode_data(encoded) if decode_data else self._decode_other(type_name, encoded)

    def _decode_other(self, type_name: str, encoded: msgspec.Raw) -> Any:
        name, _, version = type_name.removeprefix(PREFIX).rpartition(".v")
        current = self._current.get(name)
        if current is None:
            return None
        steps = self._upcasters.get(name, {})
        if not VERSION.fullmatch(version) or int(version) not in steps:
            raise UnknownVersion(type_name)
        data = msgspec.json.decode(encoded, type=dict[str, Any])
        for at in range(int(version), current.version):
            data = steps[at](data)
        return msgspec.convert(data, current.data)


_decode_envelope = msgspec.json.Decoder(Envelope).decode

CATALOGUE = Catalogue()
event = CATALOGUE.event
upcaster = CATALOGUE.upcaster
