"""`python -m tests.support.leads URL LEASE WHO [STOP_AT]`: a process that marks its name in a table while it leads.

The table `marks` (id, lease, who, number) shows in which order what was written counted.
"""

import logging
import os
import signal
import sys
import threading
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from shared.eventlog import NO_COMMUNE, open_database, writing
from shared.eventlog.database import run
from shared.leader import Leader
from shared.lease import Lease
from shared.worker import Loop, Loops

PAUSE_S = 0.02


def marking(engine: Engine, lease: str, who: str, stop_at: int = 0) -> Loop:
    """A loop that marks. It stops its process in the transaction of the mark with the number `stop_at`."""

    def mark(stop: threading.Event) -> None:
        number = 0
        while not stop.wait(PAUSE_S):
            number += 1
            # The server ends a transaction that stands still; this loop goes on, as all do.
            with suppress(SQLAlchemyError), writing(engine, NO_COMMUNE) as connection:
                run(connection, "INSERT INTO marks (lease, who, number) VALUES (?, ?, ?)", [lease, who, number])
                if number == stop_at:
                    os.kill(os.getpid(), signal.SIGSTOP)

    return mark


def main(url: str, lease: str, who: str, stop_at: str = "0") -> None:
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    engine = open_database(url)
    leader = Leader(lease, Lease(engine, lease), {"mark": marking(engine, lease, who, int(stop_at))})
    loops = Loops({lease: leader.run})
    loops.start()
    signal.sigwait({signal.SIGTERM})
    loops.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(*sys.argv[1:])
