"""A lease: the right to do what only one of several processes may do, until a time by the database's clock.

It has a number that grows with each new holder. A holder renews it while its work goes on; once it has expired, anyone
may take it. What a holder writes counts only while the lease has its number (`fence`), so a process that was frozen or
cut off while another took over changes nothing when it comes back.
"""

import os
import socket
import uuid

from sqlalchemy import Engine

from shared.eventlog.database import NO_COMMUNE, Rows, read_together, write_together
from shared.eventlog.fencing import Fence

# Longer than a healthy database ever keeps a renewal waiting; takeovers take this long and a look.
LASTS_S = 8.0


class Lease:
    """One row of the table `leases` in a PostgreSQL database, as one process sees it."""

    def __init__(self, engine: Engine, name: str, lasts_s: float = LASTS_S) -> None:
        self.engine = engine
        self.name = name
        self.lasts_s = lasts_s
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.number = 0

    def is_free(self) -> bool:
        """Was it never taken, or has it expired?"""
        return not self._run(_HELD, self.name, write=False)

    def take(self) -> bool:
        """Take it, unless somebody holds it."""
        rows = self._run(_TAKE, self.name, self.holder, self.lasts_s, self.lasts_s)
        if rows:
            self.number = rows[0][0]
        return bool(rows)

    def renew(self) -> bool:
        """Hold it for longer, also when it has expired; False when another has taken it."""
        return bool(self._run(_RENEW, self.lasts_s, *self._mine()))

    def let_go(self) -> bool:
        """Let another take it. It can be renewed until one does; False when one has."""
        return bool(self._run(_LET_GO, *self._mine()))

    def fence(self) -> Fence:
        """Under it, this process writes only while nobody else has taken the lease, nor takes it before the commit."""
        return Fence(self.engine.url, (_FENCE, self._mine()))

    def _mine(self) -> tuple[str, str, int]:
        return self.name, self.holder, self.number

    def _run(self, statement: str, *parameters: object, write: bool = True) -> Rows:
        together = write_together if write else read_together
        # A crash of the server may forget a renewal, or a takeover that wrote nothing yet: both are found out. Every
        # commit that is waited for makes those before it durable.
        first = [("SET LOCAL synchronous_commit = off", ())] if write else []
        *_, rows = together(self.engine, NO_COMMUNE, *first, (statement, parameters))
        return rows


_HELD = "SELECT holder FROM leases WHERE name = ? AND until > clock_timestamp()"
_TAKE = (
    "INSERT INTO leases AS held (name, holder, number, until)"
    " VALUES (?, ?, 1, clock_timestamp() + make_interval(secs => ?))"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, number = held.number + 1,"
    " until = clock_timestamp() + make_interval(secs => ?) WHERE held.until <= clock_timestamp() RETURNING number"
)
_RENEW = (
    "UPDATE leases SET until = clock_timestamp() + make_interval(secs => ?)"
    " WHERE name = ? AND holder = ? AND number = ? RETURNING number"
)
_LET_GO = (
    "UPDATE leases SET until = least(until, clock_timestamp())"
    " WHERE name = ? AND holder = ? AND number = ? RETURNING number"
)
# Another's takeover waits for this row until the transaction ends.
_FENCE = "SELECT number FROM leases WHERE name = ? AND holder = ? AND number = ? FOR SHARE"
