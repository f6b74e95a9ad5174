"""Taking a backup while everything runs: consumers first, each database as it is at one moment."""

import os
import re
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, text

from cchc.backups.archive import CHECKPOINT_KEYS, EVIDENCE, OWNER_KEYS, ArchiveWriter, Database, Manifest, Table
from cchc.backups.tables import read_tables, revision_of
from cchc.installation import Installation
from cchc.services import SERVICES
from shared.eventlog import EVERY_COMMUNE, Head, snapshot, utcnow
from shared.eventlog.database import run
from shared.events import format_time

# Other names are files being written: evidence has a temporary name until it is whole.
STORED_BY_HASH = re.compile(r"[0-9a-f]{64}")


class NotMigrated(Exception):
    """A database is not there, or was never brought to any schema."""


def take_backup(installation: Installation, target: Path) -> tuple[Path, Manifest]:
    """Write a backup to a new file, or to a file named by the time in an existing folder.

    The file is there when it is whole and on disk, or not at all; its owner alone may read it. Raises FileExistsError,
    OSError, NotMigrated.
    """
    taken_at = format_time(utcnow())
    if target.is_dir():
        target /= f"cchc-{re.sub('[^0-9TZ]', '', taken_at.partition('.')[0])}Z.zip"
    if target.exists():
        raise FileExistsError(target)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            archive = ArchiveWriter(file, version("cchc"), taken_at)
            _write(installation, archive)
            manifest = archive.finish()
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).rename(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return target, manifest


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(installation: Installation, archive: ArchiveWriter) -> None:
    # Consumers first: what a restored consumer has folded or holds of another's log is then in the other's backup too.
    for service in reversed(SERVICES):
        with snapshot(installation.owner(service), EVERY_COMMUNE) as connection:
            archive.add_database(service, _write_database(connection, archive, service))
    # After the rows that name them.
    evidence = installation.settings.evidence
    for path in sorted(evidence.rglob("*")):
        if path.is_file() and STORED_BY_HASH.fullmatch(path.name):
            with suppress(FileNotFoundError):  # erased meanwhile
                archive.add_file(EVIDENCE + path.relative_to(evidence).as_posix(), path)
    settings = installation.settings
    for prefix, folder in ((CHECKPOINT_KEYS, settings.checkpoint_keys), (OWNER_KEYS, settings.owner_keys)):
        for path in sorted(folder.rglob("*.pem")):
            archive.add_file(prefix + path.relative_to(folder).as_posix(), path)


def _write_database(connection: Connection, archive: ArchiveWriter, service: str) -> Database:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    revision = revision_of(connection)
    if revision is None:
        raise NotMigrated(service)
    tables = {}
    for table, (columns, rows) in read_tables(connection).items():
        tables[table] = Table(list(columns), archive.add_table(service, table, rows))
    heads: dict[str, dict[str, Head]] = {}
    for source, commune, *head in run(connection, _HEADS):
        heads.setdefault(source, {})[commune] = Head(*head)
    return Database(revision, tables, heads)


_HEADS = "SELECT source, commune, position, hash, time FROM heads WHERE position > 0 ORDER BY source, commune"
