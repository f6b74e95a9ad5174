"""What may be said of an exception where others read it: in logs, statuses, answers and on terminals.

An exception's own words often repeat what was sent or stored: a constraint's DETAIL line a name and an address, a mail
server's answer a recipient, a parser the text it could not read, a client the URL with its token. So only its kind is
said, and what is known to hold nothing of that: codes, and words of our own.
"""

import errno
import os
import socket
import sqlite3
import ssl
import traceback

from shared.refusal import Refused

# Our own exceptions name ids, positions and places.
OURS = ("shared", "services", "cchc", "web", "bench", "demo")


def said_of(error: BaseException) -> str:
    """An exception in one line: its kind, with its code or our own words."""
    kind = type(error)
    own = kind.__module__.partition(".")[0] in OURS
    name = kind.__name__ if own or kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    words = _words(error, own)
    return f"{name}: {words}" if words else name


def stack_of(error: BaseException) -> str:
    """An exception's stack as Python prints it, with those that it came from, in the words of `said_of`."""
    return "".join(_stack(error, set()))


def _words(error: BaseException, own: bool) -> str:
    if isinstance(error, Refused):
        return error.code
    if own:
        return str(error)
    cause = getattr(error, "orig", None)
    if isinstance(cause, BaseException):  # SQLAlchemy's, around the driver's
        return said_of(cause)
    if isinstance(error, sqlite3.Error):
        return str(error)  # names tables, columns and files, never a value
    if type(error).__module__.startswith("psycopg"):
        return _of_postgresql(error)
    if isinstance(error, OSError):
        return _of_system(error)
    return ""


def _of_postgresql(error: BaseException) -> str:
    """The state and what it is about; while connecting there is no state, and the words are of hosts and roles."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return str(error) if type(error).__name__ == "OperationalError" else ""
    about = getattr(error, "diag", None)
    names = [getattr(about, f"{part}_name", None) for part in ("table", "column", "constraint")]
    return " ".join([state, *(name for name in names if name)])


def _of_system(error: OSError) -> str:
    """The number's meaning, without the file or address that the call was about."""
    if isinstance(error, ssl.SSLError):
        return error.reason or ""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):  # urllib's, around the system's
        return said_of(reason)
    if isinstance(error, socket.gaierror):
        return str(error.errno)
    if error.errno is not None and error.errno in errno.errorcode:
        return f"[{errno.errorcode[error.errno]}] {os.strerror(error.errno)}"
    code = getattr(error, "code", None)  # of HTTP
    return str(code) if isinstance(code, int) else ""


def _stack(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    before, how = error.__cause__, "The above exception was the direct cause of the following exception"
    if before is None and not error.__suppress_context__:
        before, how = error.__context__, "During handling of the above exception, another exception occurred"
    lines = []
    if before is not None and id(before) not in seen:
        lines += [*_stack(before, seen), f"\n\n{how}:\n\n"]
    if error.__traceback__:
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    lines.append(said_of(error))
    for inner in getattr(error, "exceptions", ()):  # of a group
        if isinstance(inner, BaseException) and id(inner) not in seen:
            lines += ["\n", *_stack(inner, seen)]
    return lines
