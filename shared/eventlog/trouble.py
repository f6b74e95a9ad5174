"""Why a database or a disk takes nothing just now, as one word for programs; the edges add the sentences."""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

STORAGE_FULL = "storage-full"
STORAGE_FAILING = "storage-failing"
READ_ONLY = "read-only"
TOO_MANY_CONNECTIONS = "too-many-connections"

_OF_POSTGRESQL = {
    "53100": STORAGE_FULL,
    "58030": STORAGE_FAILING,
    "25006": READ_ONLY,
    "53300": TOO_MANY_CONNECTIONS,
}
# While connecting, libpq passes on the server's message but not its code.
_CONNECTING = {
    "too many clients": TOO_MANY_CONNECTIONS,
    "too many connections": TOO_MANY_CONNECTIONS,
    "remaining connection slots": TOO_MANY_CONNECTIONS,
}
# By extended code first, then by the primary one in its lowest byte.
_OF_SQLITE = {
    sqlite3.SQLITE_IOERR_SHMSIZE: STORAGE_FULL,  # no room for the shared memory of the write-ahead log
    sqlite3.SQLITE_FULL: STORAGE_FULL,
    sqlite3.SQLITE_IOERR: STORAGE_FAILING,
    sqlite3.SQLITE_READONLY: READ_ONLY,
}
_OF_FILES = {
    errno.ENOSPC: STORAGE_FULL,
    errno.EDQUOT: STORAGE_FULL,
    errno.EIO: STORAGE_FAILING,
    errno.EROFS: READ_ONLY,
}


def lacks_tables(error: DBAPIError) -> bool:
    """Whether a statement met a table or column that is not there: the database was not migrated to this release."""
    if isinstance(error.orig, sqlite3.Error):
        return str(error.orig).startswith(("no such table", "no such column"))
    return getattr(error.orig, "sqlstate", None) in ("42P01", "42703")


def trouble_of(error: BaseException) -> str | None:
    """The word for an error of SQLAlchemy or of a file that is the storage's doing; None for any other."""
    if isinstance(error, OSError):
        return _OF_FILES.get(error.errno or 0)
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)
        return _OF_SQLITE.get(code) or _OF_SQLITE.get(code & 0xFF)
    if state := getattr(cause, "sqlstate", None):
        return _OF_POSTGRESQL.get(state)
    return next((word for said, word in _CONNECTING.items() if said in str(cause)), None)
