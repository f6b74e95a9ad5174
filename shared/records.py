"""Records: what a fold keeps of one commune, by kind and id, and the table of events that it folds.

Pure, so that a domain may use it; `shared.projection.records` keeps records as rows.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from shared.events import Envelope

Key: TypeAlias = tuple[str, str]  # kind, id

_ENCODER = msgspec.json.Encoder()


class Records:
    """All records of one commune; `changed` collects the keys of the rows to write. A subclass names its KINDS."""

    __slots__ = ("by_kind", "changed", "commune")

    KINDS: ClassVar[Mapping[str, type[msgspec.Struct]]] = {}
    _DECODERS: ClassVar[Mapping[str, msgspec.json.Decoder[Any]]] = {}

    def __init_subclass__(cls) -> None:
        cls._DECODERS = {kind: msgspec.json.Decoder(record) for kind, record in cls.KINDS.items()}

    def __init__(self, commune: str) -> None:
        self.commune = commune
        self.by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in self.KINDS}
        self.changed: set[Key] = set()

    @staticmethod
    def encode(record: msgspec.Struct) -> bytes:
        return _ENCODER.encode(record)

    @classmethod
    def decode(cls, kind: str, body: bytes) -> Any:
        return cls._DECODERS[kind].decode(body)

    def get(self, kind: str, key: str) -> Any:
        return self.by_kind[kind].get(key)

    def put(self, kind: str, key: str, record: msgspec.Struct) -> None:
        """Take in a record that was read from its row."""
        self.by_kind[kind][key] = record

    def note(self, kind: str, moment: msgspec.Struct, *identity: Any) -> Key:
        """Add a moment to the record of these identifying fields, which begins with its first moment."""
        key = "/".join(map(str, identity))
        record = self.by_kind[kind].get(key)
        if record is None:
            self.by_kind[kind][key] = self.KINDS[kind](*identity, [moment])
        else:
            record.moments.append(moment)
        return kind, key

    def take_changed(self) -> set[Key]:
        """The keys that changed since this was last called."""
        changed, self.changed = self.changed, set()
        return changed

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """Every record as (kind, id, record)."""
        for kind, records in self.by_kind.items():
            for key, record in records.items():
                yield kind, key, record

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        """Every record as (kind, id, bytes)."""
        for kind, key, record in self.items():
            yield kind, key, self.encode(record)


R = TypeVar("R", bound=Records)
Handler: TypeAlias = Callable[[R, Envelope, Any], Key]


class FoldError(ValueError):
    """An event that contradicts the records: its commune is parked until the fold or the log is fixed."""

    def __init__(self, envelope: Envelope, why: str) -> None:
        super().__init__(f"{envelope.source} {envelope.position} {envelope.type}: {why}")
        self.envelope = envelope


class Fold(Generic[R]):
    """Which events a fold handles, and which it declines because no record keeps them.

    A test fails on an event of its sources that is in neither: it was forgotten.
    """

    def __init__(self, handles: Mapping[type, Handler[R]], declines: Collection[type]) -> None:
        self.handles = handles
        self.declines = frozenset(declines)

    def evolve(self, records: R, envelope: Envelope) -> None:
        """Fold one event in place. Raises FoldError."""
        data = envelope.data
        handler = self.handles.get(type(data))
        if handler is not None:
            records.changed.add(handler(records, envelope, data))


def commune_name(records: Records) -> str:
    """The commune as it was last named (records of kind `commune`); its id until then."""
    record = records.get("commune", records.commune)
    named = [getattr(moment.data, "name", None) for moment in record.moments] if record else []
    return next((name for name in reversed(named) if name), records.commune)
