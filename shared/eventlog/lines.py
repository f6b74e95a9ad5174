"""Export and import of a log as JSON lines, one line = the stored bytes: the format of the feed."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

import msgspec

from shared.eventlog.chain import read_link
from shared.eventlog.log import Log
from shared.events import MalformedEvent

BATCH = 500


def export_lines(log: Log, commune: str) -> Iterator[bytes]:
    """The stored bytes of a commune's log without line ends, in order."""
    return log.read_all(commune)


def import_lines(log: Log, lines: Iterable[bytes]) -> int:
    """Take over exported lines of any number of communes, one after the other; return how many were new.

    Raises ChainBreak, Ahead or MalformedEvent where a line does not fit. The lines before it are kept, and the log
    stays usable: a wrong file does not break it.
    """
    taken = 0
    for commune, bodies in groupby((line.rstrip(b"\r\n") for line in lines if line.strip()), key=_commune):
        while batch := list(islice(bodies, BATCH)):
            taken += log.append_verbatim(commune, batch, mark_broken=False)
    return taken


def _commune(line: bytes) -> str:
    try:
        return read_link(line).commune
    except msgspec.DecodeError as error:
        raise MalformedEvent(f"a line of {len(line)} bytes is no event") from error
