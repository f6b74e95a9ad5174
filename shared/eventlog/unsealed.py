"""What came from a topic and is not vouched for yet: it waits in memory, within bounds, for a seal of its owner."""

from collections.abc import Callable, Mapping, Sequence
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

    __slots__ = ("_hash", "_vouched", "body", "came", "link", "record", "seal", "size")

    def __init__(self, record: Record, link: Link, came: float = 0.0) -> None:
        self.record = record
        self.link = link
        self.came = came
        self.body: bytes = record.value
        self.size = len(self.body) + OVERHEAD
        self.seal: bytes | None = None
        for name, value in record.headers:
            if name == HEADER:
                self.seal = value
                break
        self._hash: str | None = None
        self._vouched: bool | None = None

    @property
    def hash(self) -> str:
        if self._hash is None:
            self._hash = event_hash(self.body)
        return self._hash

    def is_vouched(self, keys: Keys | None) -> bool:
        """Does a seal of its own vouch for it? Without `keys` nobody needs one."""
        if self._vouched is None:
            self._vouched = keys is None or (bool(self.seal) and self._is_signed(self.seal or b"", keys))
        return self._vouched

    def _is_signed(self, seal: bytes, keys: Keys) -> bool:
        return vouches(seal, keys, self.link.source[1:], self.link.commune, self.link.position, self.hash)


class Unsealed:
    """The candidates of one topic by commune, in the order in which they came.

    When all of them take more than `most` bytes, the communes that take most give way; `evicted` counts candidates.
    Without `keys` everything counts as vouched for.
    """

    def __init__(self, keys: Keys | None, *, most: int = MOST_BYTES) -> None:
        self.evicted = 0
        self.size = 0
        self._keys = keys
        self._most = most
        self._waiting: dict[str, list[Candidate]] = {}

    def add(self, candidate: Candidate) -> None:
        self._waiting.setdefault(candidate.link.commune, []).append(candidate)
        self.size += candidate.size
        if self.size > self._most:
            self._evict()

    def of(self, commune: str) -> list[Candidate]:
        return self._waiting.get(commune, [])

    def keep(self, commune: str, candidates: list[Candidate]) -> None:
        """Of this commune only these wait on."""
        self.size += _size(candidates) - _size(self._waiting.pop(commune, ()))
        if candidates:
            self._waiting[commune] = candidates

    def clear(self) -> None:
        self._waiting.clear()
        self.size = 0

    def communes(self) -> list[str]:
        return list(self._waiting)

    def is_vouched(self, candidate: Candidate) -> bool:
        return candidate.is_vouched(self._keys)

    def waiting_since(self, moment: float) -> set[str]:
        """The communes with a candidate that came at this moment or earlier."""
        return {commune for commune, waiting in self._waiting.items() if waiting[0].came <= moment}

    def first_offsets(self) -> dict[int, int]:
        """Partition → the offset of its first record that still waits."""
        first: dict[int, int] = {}
        for waiting in self._waiting.values():
            record = waiting[0].record
            first[record.partition] = min(record.offset, first.get(record.partition, record.offset))
        return first

    def _evict(self) -> None:
        for commune in sorted(self._waiting, key=lambda commune: _size(self._waiting[commune]), reverse=True):
            self.evicted += len(self._waiting[commune])
            self.keep(commune, [])
            if self.size <= self._most // 2:
                return


def _size(candidates: Sequence[Candidate]) -> int:
    return sum(each.size for each in candidates)


class Sealed(NamedTuple):
    """Of candidates those after a head that seals vouch for, in order; `gap`: others are vouched for, but something is
    missing in between; `misfit`: one is vouched for that does not follow the head."""

    chain: list[Candidate]
    gap: bool = False
    misfit: Candidate | None = None


def sealed(candidates: Sequence[Candidate], head: Head, is_vouched: Callable[[Candidate], bool]) -> Sealed:
    """What follows `head`, up to the furthest event that is vouched for and whose predecessors are all here."""
    chain = _straight(candidates, head, is_vouched)
    if len(chain) == len(candidates):
        return Sealed(chain)
    places: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        places.setdefault(candidate.link.position, []).append(candidate)
    gap, misfit = False, None
    furthest = chain[-1].link.position if chain else head.position
    for place in sorted((place for place in places if place > furthest), reverse=True):
        for candidate in filter(is_vouched, places[place]):
            longer = _back_to(head, candidate, places)
            if not longer:
                gap = True
            elif longer[0].link.previoushash == head.hash:
                return Sealed(longer, gap, misfit)
            else:
                misfit = longer[0]
    return Sealed(chain, gap, misfit)


def _straight(candidates: Sequence[Candidate], head: Head, is_vouched: Callable[[Candidate], bool]) -> list[Candidate]:
    """As far as they follow `head` just as they came, which they do unless something happened."""
    position, previous = head.position, head.hash
    count = 0
    for candidate in candidates:
        link = candidate.link
        if link.position != position + 1 or link.previoushash != previous:
            break
        position, previous = position + 1, candidate.hash
        count += 1
    while count and not is_vouched(candidates[count - 1]):
        count -= 1
    return list(candidates[:count])


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
    waiting = unsealed.of(commune)
    chain, gap, contested = sealed(waiting, head, unsealed.is_vouched)
    new = 0
    if chain:
        new = log.append_linked(commune, chain, mark_broken=mark_broken)
        last = chain[-1]
        head = Head(last.link.position, last.hash, last.link.time)
        if waiting[: len(chain)] == chain:
            waiting = waiting[len(chain) :]
        else:
            taken = set(chain)
            waiting = [each for each in waiting if each not in taken]
    rejected = []
    passed = [each for each in waiting if each.link.position <= head.position]
    waiting = [each for each in waiting if each.link.position > head.position]
    for candidate in different(log, commune, passed):
        if unsealed.is_vouched(candidate):
            contested = candidate
            waiting.insert(0, candidate)
        else:
            rejected.append(candidate)
    unsealed.keep(commune, waiting)
    return Taken(head, new, gap, rejected, contested)


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
