"""What the service keeps of a person outside the log, erased; and uploads that nobody needs any more."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from services.tasks import personal
from services.tasks.elsewhere import EraseElsewhere
from services.tasks.evidence import UPLOADS, folder
from services.tasks.service import Tasks
from shared import journal
from shared.eventlog import reading, writing
from shared.eventlog.database import leave_nothing
from shared.journal import kinds

# Where the database's files are to hold no byte of what was deleted.
TABLES = ("people", "evidence_files", "unit_names")

logger = logging.getLogger(__name__)


class Erased(NamedTuple):
    """Counts of what was erased; `evidence`, `units`: the tasks with files, and the units, that are named after the
    person, which stay until somebody has looked at them."""

    people: int
    uploads: int
    addresses: int
    slips: int
    evidence: list[str]
    units: list[str]


def erase_everywhere(service: Tasks, commune: str, staff: str, elsewhere: EraseElsewhere | None = None) -> Erased:
    """Erase what all services keep of a person. `elsewhere`: by default as the service was opened with.

    Refuses what `elsewhere` does; then nothing was erased here either.
    """
    with reading(service.engine, commune) as connection:
        names = personal.names_of(connection, commune, staff)
        evidence = personal.tasks_with_files_named(connection, commune, names)
        units = personal.units_named(connection, commune, names)
    # The others first: which slips of earlier releases name the person is known only while the names are.
    addresses, slips = (elsewhere or service.erase_elsewhere)(commune, staff, names)
    people, uploads = erase_person(service, commune, staff)
    return Erased(people, uploads, addresses, slips, evidence, units)


def erase_person(service: Tasks, commune: str, staff: str) -> tuple[int, int]:
    """Erase a person's name and addresses, and every uploaded file of the commune: any of them may name the person.

    Returns how many rows and files that were. The person's code stays in the log.
    """
    with writing(service.engine, commune) as connection:
        rows = int(staff in personal.people_of(connection, commune))
        personal.erase_person(connection, commune, staff)
        files = _remove(list(_uploads(service, commune)))
        if files:
            journal.record(connection, commune, kinds.UPLOADS_ERASED, detail={"files": files})
    leave_nothing(service.engine, TABLES)
    return rows, files


def expire_uploads(service: Tasks) -> int:
    """Remove the uploads that were last looked at longer ago than they are kept; returns how many."""
    count, kept_s = 0, service.uploads_kept.total_seconds()
    for place in service.evidence.glob(f"*/{UPLOADS}") if service.evidence.exists() else ():
        commune = place.parent.name
        old = [file for file in _uploads(service, commune) if time.time() - _age_of(file) > kept_s]
        if not old:
            continue
        with writing(service.engine, commune) as connection:
            count += (removed := _remove(old))
            journal.record(connection, commune, kinds.UPLOADS_ERASED, detail={"files": removed})
    return count


def _uploads(service: Tasks, commune: str) -> Iterator[Path]:
    return (file for file in (folder(service, commune) / UPLOADS).glob("*/*") if file.is_file())


def _age_of(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _remove(files: list[Path]) -> int:
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)
