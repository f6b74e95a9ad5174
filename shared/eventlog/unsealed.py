"""What came from a topic and is not vouched for yet: it waits in memory, within bounds, for a seal of its owner."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from shared.eventlog.broker import Record
from shared.eventlog.chain import Head, Link, read_link
from shared.eventlog.log import Log
from shared.eventlog.seals import HEADER, Keys, vouches
from shared.events import event_hash
from shared.said import said_of

# Owners seal so often (SEALED_EVERY in relay.py) that this holds what they publish many times over. What a flood of
# others pushes out comes from the owner's feed.
MOST_BYTES = 16 * 1024 * 1024
# What a candidate takes besides its event, roughly.
OVERHEAD = 1024


class Candidate:
    """A record of a topic that claims to be an event of a log. `came`: monotonic seconds."""

    __slots__ = ("_hash", "_vouched", "came", "link", "record", "seal")

    def __init__(self, record: Record, link: Link, came: float = 0.0) -> None:
        self.record = record
        self.link = link
        self.came = came
        self.seal = next((value for name, value in record.headers if name == HEADER and value), None)
        self._hash: str | None = None
        self._vouched: bool | None = None

    @property
    def body(self) -> bytes:
        body: bytes = self.record.value
        return body

    @property
    def size(self) -> int:
        return len(self.body) + OVERHEAD

    @property
    def hash(self) -> str:
        if self._hash is None:
            self._hash = event_hash(self.body)
        return self._hash

    def is_vouched(self, keys: Keys) -> bool:
        """Does a seal of its own vouch for it?"""
        if self._vouched is None:
            source, commune, position = self.link.source[1:], self.link.commune, self.link.position
            self._vouched = self.seal is not None and vouches(self.seal, keys, source, commune, position, self.hash)
        return self._vouched


class Sealed(NamedTuple):
    """The events after a head that seals vouch for, in order; `gap`: further ones are vouched for, but something is
    missing in between; `misfit`: one is vouched for that does not follow the head."""

    chain: Sequence[Candidate]
    gap: bool
    misfit: Candidate | None


class Unsealed:
    """The candidates of one topic by commune and position.

    When all of them take more than `most` bytes the oldest give way; `evicted` counts them. Without `keys` everything
    counts as vouched for.
    """

    def __init__(self, keys: Keys | None, *, most: int = MOST_BYTES) -> None:
        self.evicted = 0
        self._keys = keys
        self._most = most
        self._size = 0
        self._order: OrderedDict[Candidate, None] = OrderedDict()
        self._places: dict[str, dict[int, list[Candidate]]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def add(self, candidate: Candidate) -> None:
        link = candidate.link
        self._places.setdefault(link.commune, {}).setdefault(link.position, []).append(candidate)
        self._order[candidate] = None
        self._size += candidate.size
        while self._size > self._most:
            self.remove([next(iter(self._order))])
            self.evicted += 1

    def remove(self, candidates: Iterable[Candidate]) -> None:
        for candidate in candidates:
            del self._order[candidate]
            self._size -= candidate.size
            of_commune = self._places[candidate.link.commune]
            of_place = of_commune[candidate.link.position]
            of_place.remove(candidate)
            if not of_place:
                del of_commune[candidate.link.position]
                if not of_commune:
                    del self._places[candidate.link.commune]

    def clear(self) -> None:
        self._order.clear()
        self._places.clear()
        self._size = 0

    def communes(self) -> Collection[str]:
        return self._places.keys()

    def of(self, commune: str, until: int | None = None) -> list[Candidate]:
        """Those of a commune, up to a position."""
        places = self._places.get(commune, {})
        return [each for place, there in places.items() if until is None or place <= until for each in there]

    def sealed(self, commune: str, head: Head) -> Sealed:
        """What follows `head`, up to the furthest event that is vouched for and whose predecessors are all here."""
        places = self._places.get(commune, {})
        gap, misfit = False, None
        for place in sorted((place for place in places if place > head.position), reverse=True):
            for candidate in filter(self.is_vouched, places[place]):
                chain = _back_to(head, candidate, places)
                if not chain:
                    gap = True
                elif chain[0].link.previoushash == head.hash:
                    return Sealed(chain, gap, misfit)
                else:
                    misfit = chain[0]
        return Sealed([], gap, misfit)

    def is_vouched(self, candidate: Candidate) -> bool:
        return self._keys is None or candidate.is_vouched(self._keys)

    def waiting_since(self, moment: float) -> set[str]:
        """The communes with a candidate that came at this moment or earlier."""
        old: set[str] = set()
        for candidate in self._order:
            if candidate.came > moment:
                break
            old.add(candidate.link.commune)
        return old

    def first_offsets(self) -> dict[int, int]:
        """Partition → the offset of its first record that still waits."""
        first: dict[int, int] = {}
        for candidate in self._order:
            first.setdefault(candidate.record.partition, candidate.record.offset)
        return first


def _back_to(head: Head, candidate: Candidate, places: Mapping[int, Sequence[Candidate]]) -> list[Candidate]:
    """The chain from the event after `head` to this one; empty when one of them is missing."""
    chain = [candidate]
    while (place := chain[-1].link.position - 1) > head.position:
        wanted = chain[-1].link.previoushash
        before = next((each for each in places.get(place, ()) if each.hash == wanted), None)
        if before is None:
            return []
        chain.append(before)
    chain.reverse()
    return chain


class Taken(NamedTuple):
    """What became of the candidates of one commune.

    head       where the replica stands now
    new        how many events were new
    gap        something is missing before what is vouched for
    rejected   what is no event of this log
    contested  what is vouched for, while the replica holds something else in its place
    """

    head: Head
    new: int
    gap: bool
    rejected: Sequence[Candidate]
    contested: Candidate | None


def take_sealed(log: Log, unsealed: Unsealed, commune: str, head: Head, *, mark_broken: bool = True) -> Taken:
    """Append to a replica, which stands at `head`, what is vouched for; then settle what claims a place it has reached.

    What is contested keeps waiting. Raises Ahead and ChainBreak, as `append_verbatim` does.
    """
    found = unsealed.sealed(commune, head)
    new, contested = 0, found.misfit
    if found.chain:
        new = log.append_verbatim(commune, [each.body for each in found.chain], mark_broken=mark_broken)
        last = found.chain[-1]
        head = Head(last.link.position, last.hash, last.link.time)
        unsealed.remove(found.chain)
    rejected = []
    for candidate in different(log, commune, passed := unsealed.of(commune, head.position)):
        if unsealed.is_vouched(candidate):
            contested = candidate
            passed.remove(candidate)
        else:
            rejected.append(candidate)
    unsealed.remove(passed)
    return Taken(head, new, found.gap, rejected, contested)


def different(log: Log, commune: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that are not what the log holds in their places."""
    if not candidates:
        return []
    places = {each.link.position for each in candidates}
    first, last = max(1, min(places)), max(places)
    if last - first < 2 * len(places):  # repeats, which come in a row
        stored = dict(enumerate(log.read_all(commune, first - 1, last), first))
    else:
        stored = {place: body for place in places if place > 0 for body in log.read(commune, place - 1, 1)}
    return [each for each in candidates if stored.get(each.link.position) != each.body]


def link_of(record: Record, source: str) -> Link | str:
    """The links of a record of this log's topic; why it is no event of this log, if it is none."""
    if not record.key or not record.value:
        return "không có khóa hoặc không có nội dung"
    try:
        link = read_link(record.value)
    except msgspec.DecodeError as error:
        return f"không phải sự kiện: {said_of(error)}"
    if link.source != f"/{source}":
        return f"là của {link.source[:60]}"
    if link.commune.encode() != record.key:
        return f"có khóa của xã khác, không phải {link.commune[:60]}"
    return link
