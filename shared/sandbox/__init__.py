"""Reads a file that somebody sent in a child process, so that whatever the file does ends there.

A limit inside a reader gives the clear refusal; the limits here hold for what no reader foresaw. The child is a fresh
interpreter without the parent's secrets, descriptors and threads. It may use so much memory, processor time and disk,
and dies with its parent or its caller. This module knows no format: a reader is a function that a module names.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import IO, Any, BinaryIO, TypeAlias, TypeVar, cast

import msgspec

from shared import refusals
from shared.refusal import Refusal, Refused

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
CHILDREN = 1  # at a time in a process: parent and child fit in the 320 MB of a container (docs/adr/0032)
WAIT_S = 10  # for a place, before the caller is asked to come again
CHUNK = 64 * 1024

T = TypeVar("T")
Content: TypeAlias = bytes | BinaryIO  # a file that the child reads itself costs this process no memory

# What the first byte of an answer says of the rest.
RESULT, REFUSED, FAILED, NO_MEMORY = b"=", b"!", b"?", b"M"

# The connection of the request that this thread answers; without one, a reader works until it is done.
caller: ContextVar[socket.socket | None] = ContextVar("caller", default=None)


class Limits(msgspec.Struct, frozen=True):
    """What a child may use. `memory` (address space), `result` and `written` (a temporary file) in bytes."""

    memory: int = 192 * MEBIBYTE
    cpu_s: int = 10
    wall_s: int = 15
    result: int = 16 * MEBIBYTE
    written: int = 64 * MEBIBYTE
    descriptors: int = 32


LIMITS = Limits()


class Busy(Exception):
    """All places are taken, and none became free in time."""


class _Places:
    """Hands out the places for children; the one who waits longest is next."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        if not self._free.acquire(timeout=WAIT_S):
            raise Busy
        try:
            yield
        finally:
            self._free.release()


_places = _Places(CHILDREN)


def run(reader: str, content: Content, result: type[T], limits: Limits = LIMITS, /, **arguments: Any) -> T:
    """What the function `module:name` makes of the content, in a child process.

    The function takes the content as bytes, then the arguments; those and the result travel as msgspec data.

    Refuses what the function refuses, and `file-too-heavy`, `file-too-slow`, `file-unreadable`, `file-not-awaited`.
    Raises Busy.
    """
    with _places.one(), _as_file(content) as file, tempfile.TemporaryFile() as given:
        given.write(msgspec.msgpack.encode(arguments))
        given.seek(0)
        answer = _answer(reader, file, given.fileno(), limits)
    return _result(answer, result, limits)


@contextlib.contextmanager
def _as_file(content: Content) -> Iterator[int]:
    """A descriptor to read the content from, from its beginning."""
    if isinstance(content, bytes):
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            yield file.fileno()
    else:
        content.seek(0)
        content.flush()
        os.lseek(content.fileno(), 0, os.SEEK_SET)
        yield content.fileno()
        content.seek(0)


def _answer(reader: str, file: int, given: int, limits: Limits) -> bytes:
    program = f"import sys; sys.path[:] = {sys.path!r}; from shared.sandbox import child; child.main()"
    # Isolated: neither the environment nor the working directory adds modules.
    command = [sys.executable, "-I", *(["-B"] if sys.dont_write_bytecode else []), "-c", program]
    command += [reader, str(given), str(os.getpid()), msgspec.json.encode(limits).decode()]
    with subprocess.Popen(
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback would quote the file
        pass_fds=[given],
        env=_environment(),
    ) as process:
        try:
            answer = _read(process, limits)
        finally:
            process.kill()
    return answer or _end(process.returncode, limits)


def _environment() -> dict[str, str]:
    """Nothing that the parent keeps secret; one arena, since each counts as address space."""
    kept = {name: os.environ[name] for name in ("TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", **kept}


def _read(process: "subprocess.Popen[bytes]", limits: Limits) -> bytes:
    """All that the child writes; b"" when it ended without an answer."""
    deadline = time.monotonic() + limits.wall_s
    out, connection = cast(IO[bytes], process.stdout).fileno(), _connection()
    waiting = select.poll()
    waiting.register(out, select.POLLIN)
    if connection is not None:
        waiting.register(connection, HUNG_UP)
    answer = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise refusals.FILE_TOO_SLOW(limit_s=limits.wall_s)
        ready = dict(waiting.poll(left * 1000))
        if connection in ready:
            raise refusals.FILE_NOT_AWAITED()
        if out in ready:
            chunk = os.read(out, CHUNK)
            if not chunk:
                process.wait(max(left, 1))
                return bytes(answer)
            answer += chunk
            if len(answer) > limits.result:
                raise refusals.FILE_TOO_HEAVY(limit_mb=limits.result // MEBIBYTE)


HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


def _connection() -> int | None:
    connection = caller.get()
    return connection.fileno() if connection is not None and connection.fileno() >= 0 else None


def _end(code: int, limits: Limits) -> bytes:
    """The answer of a child that was ended: by the kernel, or by a library that could not go on."""
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise refusals.FILE_TOO_SLOW(limit_s=limits.cpu_s)
    if code in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGXFSZ):
        return NO_MEMORY
    return FAILED + f"it ended with {code}".encode()


def _result(answer: bytes, result: type[T], limits: Limits) -> T:
    kind, said = answer[:1], answer[1:]
    if kind == RESULT:
        return msgspec.msgpack.decode(said, type=result)
    if kind == REFUSED:
        refusal, params = msgspec.msgpack.decode(said, type=tuple[Refusal, dict[str, Any]])
        raise Refused(refusal, **params)
    if kind == NO_MEMORY:
        raise refusals.FILE_TOO_HEAVY(limit_mb=limits.memory // MEBIBYTE)
    log.error("a file could not be read: %s", said.decode("utf-8", "replace")[:300])
    raise refusals.FILE_UNREADABLE()
