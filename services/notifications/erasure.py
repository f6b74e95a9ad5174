"""What the service keeps of a person outside the log, erased: where they are reached, and slips that name them."""

import io
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from services.notifications import tables
from shared import journal
from shared.eventlog import writing
from shared.eventlog.database import leave_nothing
from shared.journal import kinds

if TYPE_CHECKING:
    from services.notifications.service import Notifications

# Where the database's files are to hold no byte of what was deleted.
TABLES = ("addresses", "slip_files")

TAG = re.compile(r"<[^>]*>")


def erase_person(service: "Notifications", commune: str, staff: str, name: str | None) -> tuple[int, int]:
    """Erase a person's addresses, and the stored documents of slips that hold their name. The slips' hashes stay in the
    log, so that a printed one can still be checked. Returns how many addresses and documents that were."""
    addresses, files = tables.addresses.c, tables.slip_files.c
    with writing(service.engine, commune) as connection:
        reached = connection.execute(
            delete(tables.addresses).where(addresses.commune == commune, addresses.staff == staff)
        ).rowcount
        if reached:
            journal.record(connection, commune, kinds.ADDRESS_ERASED, [f"staff/{staff}"])
        named = []
        if name:
            rows = connection.execute(select(files.slip, files.body).where(files.commune == commune))
            named = [row.slip for row in rows if _compact(name) in _compact(_text_of(row.body))]
        if named:
            connection.execute(delete(tables.slip_files).where(files.commune == commune, files.slip.in_(named)))
            journal.record(connection, commune, kinds.SLIPS_ERASED, [f"slip/{slip}" for slip in named])
    leave_nothing(service.engine, TABLES)
    return reached, len(named)


def _text_of(document: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(document)) as parts:
        texts = [parts.read(part).decode("utf-8") for part in parts.namelist() if part.endswith(".xml")]
    return TAG.sub("", " ".join(texts))


def _compact(text: str) -> str:
    """For comparing: neither case nor spaces count, as a document may break lines and write in capitals."""
    return "".join(unicodedata.normalize("NFC", text).casefold().split())
