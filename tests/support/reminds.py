"""A worker process that reminds at one moment, and may kill itself (SIGKILL) at a named place.

usage: python -m tests.support.reminds ROLE URL SMTP_PORT MOMENT
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from services.notifications import views
from services.notifications.channels.email import Email
from services.notifications.channels.interface import Message
from services.notifications.reach import Reach
from services.notifications.reactors import Reminding
from services.notifications.sender import Sender
from shared.eventlog import Log, open_database
from shared.eventlog.database import Query, run_together
from tests.support.reminding import World, mail_channel


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mail:
    """Sends, counts, and dies before or after it."""

    def __init__(self, channel: Email, role: str) -> None:
        self.channel = channel
        self.role = role
        self.sent = 0

    def send(self, message: Message) -> None:
        if self.role == "claim":
            die()
        self.channel.send(message)
        self.sent += 1
        if self.role == "send":
            die()


class LogDyingBeforeItsCommit(Log):
    """When it queues; or, once something was sent, when it records that."""

    mail: Mail

    def _finish(self, connection: Connection, writes: Sequence[Query]) -> None:
        if not writes or (self.mail.role == "record" and not self.mail.sent):
            return super()._finish(connection, writes)
        run_together(connection, writes)
        return die()


class DyingOnceQueued(Sender):
    def deliver(self, commune: str, reach: Reach, at: str, stop: threading.Event) -> int:
        die()
        return 0


def main(role: str, url: str, port: str, now: str) -> None:
    engine = open_database(url, poolclass=NullPool) if "postgres" in url else open_database(url)
    mail = Mail(mail_channel(int(port)), role)
    world = World(engine, now, email=mail)
    notifications = world.notifications
    if role in ("queue", "record"):
        log = LogDyingBeforeItsCommit(engine, "notifications", clock=world.clock, on_append=views.on_append)
        log.mail = mail
        notifications = msgspec.structs.replace(notifications, logs={**notifications.logs, "notifications": log})
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    reminding = Reminding(notifications)
    if role == "queued":
        reminding.sender = DyingOnceQueued(notifications)
    reminding.run(stop)
    sys.stdout.write(str(mail.sent))


if __name__ == "__main__":
    main(*sys.argv[1:])
