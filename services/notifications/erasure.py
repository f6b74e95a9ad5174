"""What the service keeps of a person outside the log, erased: where they are reached, and slips that name them."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select

from services.notifications import outside_log, tables, views
from services.notifications.domain.slips import addressee_of
from shared import journal
from shared.eventlog import reading, writing
from shared.eventlog.database import leave_nothing
from shared.journal import kinds
from shared.names import holds_name

if TYPE_CHECKING:
    from services.notifications.service import Notifications

# Where the database's files are to hold no byte of what was deleted.
TABLES = ("addresses", "slip_files")

TAG = re.compile(r"<[^>]*>")


def is_known(service: "Notifications", commune: str, staff: str) -> bool:
    """Is anything kept of this person here?"""
    addresses = tables.addresses.c
    with reading(service.engine, commune) as connection:
        reached = select(addresses.staff).where(addresses.commune == commune, addresses.staff == staff).limit(1)
        return connection.execute(reached).first() is not None or bool(
            outside_log.slips_naming(connection, commune, staff)
        )


def erase_person(service: "Notifications", commune: str, staff: str, names: Sequence[str] = ()) -> tuple[int, int]:
    """Erase a person's addresses, and the stored documents of slips that name them, under whatever name. `names` are
    those that the person is known by, for documents of earlier releases. Returns how many addresses and documents that
    were."""
    addresses = tables.addresses.c
    with writing(service.engine, commune) as connection:
        reached = connection.execute(
            delete(tables.addresses).where(addresses.commune == commune, addresses.staff == staff)
        ).rowcount
        if reached:
            journal.record(connection, commune, kinds.ADDRESS_ERASED, [f"staff/{staff}"])
        slips = outside_log.slips_naming(connection, commune, staff)
        slips += _of_earlier_releases(connection, commune, staff, names)
        if slips:
            outside_log.erase_slips(connection, commune, slips)
    leave_nothing(service.engine, TABLES)
    return reached, len(slips)


def _of_earlier_releases(connection: Connection, commune: str, staff: str, names: Sequence[str]) -> Iterator[str]:
    """Slips whose documents name a person by what the log says of them, or by their words."""
    documents = outside_log.slips_of_earlier_releases(connection, commune)
    if not documents:
        return
    issued = {slip.slip: slip for slip in views.slips(connection, commune)}
    records = views.of_tasks(connection, commune, {task for slip in issued.values() for task in slip.tasks})
    for slip, document in documents.items():
        people: set[str | None] = set()
        if said := issued.get(slip):
            leads = (records.tasks[task].lead for task in said.tasks if task in records.tasks)
            people = {said.signed_by, *(addressee_of(records, lead, said.time) for lead in leads)}
        if staff in people or holds_name(_text_of(document), names):
            yield slip


def _text_of(document: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(document)) as parts:
        texts = [parts.read(part).decode("utf-8") for part in parts.namelist() if part.endswith(".xml")]
    return TAG.sub("", " ".join(texts))
