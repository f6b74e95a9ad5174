"""The notifications service on a database of its own, with a clock that is told the time.

p01 is the Chairman, p02 the vice-chair who tracks p07 and p08, p14 the Office. Times are those of Vietnam.
"""

from collections.abc import Mapping
from datetime import date, datetime
from email.headerregistry import Address
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Engine

from services.notifications.channels.email import Email, Server
from services.notifications.channels.interface import Channel, Channels, Contact
from services.notifications.domain.occurrence import Occurrence, Wanted
from services.notifications.domain.policy import default_policy
from services.notifications.links import Links
from services.notifications.reactors import Reminding
from services.notifications.service import Notifications, open_notifications
from services.notifications.views import PROJECTION, occurrences
from shared.eventlog import Decision, Log, reading
from shared.events import (
    VIETNAM,
    CalendarPublished,
    Data,
    DayOff,
    ReminderQueued,
    StaffAppointed,
    decode,
    type_name,
)
from shared.events.authors import authors
from shared.projection import Runner
from tests.support.histories import COMMUNE, appointed, opened

PEOPLE: list[StaffAppointed] = [
    appointed("p01", roles=["chair"]),
    appointed("p02", roles=["vice_chair"], tracker="p01"),
    appointed("p07", tracker="p02"),
    appointed("p08", tracker="p02"),
    appointed("p14", roles=["office"], tracker="p01"),
]
LINKS = Links("https://xa.example", b"secret")
# Enough people for ten thousand reminders of twenty tasks.
CROWD: list[StaffAppointed] = [appointed(f"q{number:03}") for number in range(500)]
TET = [date(2024, 2, day) for day in (8, 9, 12, 13, 14)]


def moment(text: str) -> datetime:
    """A time of day in Vietnam as people write it."""
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def calendar(year: int = 2024, revision: int = 1, off: list[date] | None = None) -> CalendarPublished:
    days = [DayOff(date=day, name="Nghỉ", legal_basis="Thông báo") for day in (TET if off is None else off)]
    return CalendarPublished(calendar=f"vn-{year}-r{revision}", year=year, days_off=days, working_weekends=[], by="p14")


def contacts(commune: str) -> Mapping[str, Contact]:
    """Everybody has an address but p08."""
    return {
        one.staff: Contact(one.staff, f"Người {one.staff}", None if one.staff == "p08" else f"{one.staff}@xa.example")
        for one in [*PEOPLE, *CROWD]
    }


def mail_channel(port: int, directory: Any = contacts) -> Email:
    return Email(Server("127.0.0.1", port), Address("UBND xã", addr_spec="vanphong@xa.example"), directory)


class World:
    """`now` is the present for everything; `record` lives in the tasks log, `look` is one look of the worker."""

    def __init__(self, engine: Engine, now: str, **last_hops: Channel) -> None:
        self.now = moment(now)
        self.engine = engine
        self.tasks = Log(engine, "tasks", clock=self.clock)
        self.notifications = self.service(**last_hops)
        self.runner = Runner(engine, self.notifications.logs, PROJECTION)
        self.reminding = Reminding(self.notifications)

    def clock(self) -> datetime:
        return self.now

    def service(self, **last_hops: Channel) -> Notifications:
        return open_notifications(self.engine, channels=Channels(last_hops, contacts, LINKS), clock=self.clock)

    def open(self, commune: str = COMMUNE) -> "World":
        """The commune with its people and a calendar begins, and with it the watch."""
        self.record(opened(), calendar(), *PEOPLE, commune=commune)
        self.look()
        return self

    def record(self, *events: Data, commune: str = COMMUNE, actor: str | None = None) -> None:
        """Everybody records their own acts, the Office what is nobody's; or `actor` records all of it at once."""
        if actor is not None:
            self.tasks.append(commune, lambda _: Decision(events), actor=actor)
            return
        for by, theirs in groupby(events, key=lambda each: min(authors(each), default="p14")):
            self.record(*theirs, commune=commune, actor=f"staff/{by}")

    def queue(self, *wanted: Wanted, commune: str = COMMUNE) -> None:
        """Queue what a person asks for."""
        events = [
            ReminderQueued(
                reminder=each.id(commune),
                about=each.about,
                rule=each.rule,
                run_on=each.run_on,
                recipient=each.recipient,
                channel=each.channel,
                urgency=each.urgency,
                due_version=each.due_version,
                by=each.by,
                note=each.note,
            )
            for each in wanted
        ]
        self.notifications.log.append(commune, lambda _: Decision(events), actor="staff/p14")

    def look(self) -> None:
        """Fold, then plan and deliver until nothing is left to do."""
        self.runner.catch_up()
        while self.reminding.step():
            pass

    def to(self, text: str) -> None:
        """Time passes with nobody looking, until one look then."""
        self.now = moment(text)
        self.look()

    # What became of it

    def occurrences(self, commune: str = COMMUNE, **asked: Any) -> list[Occurrence]:
        with reading(self.engine, commune) as connection:
            return occurrences(connection, commune, **asked)

    def states(self, commune: str = COMMUNE, **asked: Any) -> set[tuple[str, str, str, str, str]]:
        """About, rule, recipient, channel, and the state with its reason."""
        return {
            (each.about, each.rule, each.recipient, each.channel, " ".join(filter(None, [each.state, each.reason])))
            for each in self.occurrences(commune, **asked)
        }

    def events(self, commune: str = COMMUNE) -> list[Data]:
        return [decode(body).data for body in self.notifications.log.read_all(commune)]

    def kinds(self, commune: str = COMMUNE) -> list[str]:
        return [type_name(data).removeprefix("vn.cchc.").removesuffix(".v1") for data in self.events(commune)]


def urging(task: str, recipient: str, on: str, channel: Any = "email", *, urgency: Any = "immediate") -> Wanted:
    """What the Office asks for by hand."""
    day = date.fromisoformat(on)
    return Wanted(
        about=f"task/{task}",
        rule="urge",
        run_on=day,
        recipient=recipient,
        channel=channel,
        urgency=urgency,
        wanted_at="",
        due_version=1,
        by="p14",
    )


# Asks for nothing by itself.
SILENT = msgspec.structs.replace(default_policy(), policy="im-lang", rules=[])
