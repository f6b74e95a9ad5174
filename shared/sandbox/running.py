"""The parent's side: starts a child, gives it the file, waits for one bounded answer, and ends it.

A limit inside a reader gives the clear refusal; the limits here hold for what no reader foresaw. The child is a fresh
interpreter without the parent's secrets, descriptors and threads. It may use so much memory, processor time and disk,
and dies with its parent. This package knows no format: a reader is a function that a module names.
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeAlias, TypeVar, cast

import msgspec

from shared import refusals
from shared.journal import acting
from shared.refusal import Refusal, Refused
from shared.sandbox.limits import FAILED, LIMITS, MEBIBYTE, NO_MEMORY, REFUSED, RESULT, Limits
from shared.sandbox.places import PLACES

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
ROOT = str(Path(__file__).parents[2])
# Isolated, and without `site`: neither the environment, the working directory nor a .pth file adds modules, and the
# child starts sooner.
OPTIONS = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]

T = TypeVar("T")
Content: TypeAlias = bytes | BinaryIO  # a file that the child reads itself costs this process no memory


def in_child(reader: str, content: Content, result: type[T], limits: Limits = LIMITS, /, **arguments: Any) -> T:
    """What the function `module:name` makes of the content, in a child process.

    The function takes the content as bytes, then the arguments; those and the result travel as msgspec data.

    Refuses what the function refuses, and `file-too-heavy`, `file-too-slow`, `file-unreadable`. Raises ReadersBusy.
    """
    with PLACES.one(acting.get().actor), _as_file(content) as file, tempfile.TemporaryFile() as given:
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
    path = [ROOT, *(entry for entry in sys.path if entry)]
    program = f"import sys; sys.path[:] = {path!r}; from shared.sandbox import child; child.main()"
    command = [sys.executable, *OPTIONS, "-c", program, reader, str(given), str(os.getpid())]
    with subprocess.Popen(
        [*command, msgspec.json.encode(limits).decode()],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback would quote the file
        pass_fds=[given],
        env=_environment(),
        cwd="/",
    ) as process:
        try:
            answer = _read(process, limits)
        finally:
            process.kill()
    return answer or _end(process.returncode, limits)


def _environment() -> dict[str, str]:
    """Nothing that the parent keeps secret; one arena, since each counts as address space."""
    kept = {name: os.environ[name] for name in ("TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", **kept}


def _read(process: "subprocess.Popen[bytes]", limits: Limits) -> bytes:
    """All that the child writes; b"" when it ended without an answer."""
    deadline = time.monotonic() + limits.wall_s
    out = cast(IO[bytes], process.stdout).fileno()
    answer = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([out], [], [], left)[0]:
            break
        chunk = os.read(out, CHUNK)
        if not chunk:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(left)
                return bytes(answer)
            break
        answer += chunk
        if len(answer) > limits.result:
            raise refusals.FILE_TOO_HEAVY(limit_mb=limits.memory // MEBIBYTE)
    raise refusals.FILE_TOO_SLOW(limit_s=limits.wall_s)


def _end(code: int, limits: Limits) -> bytes:
    """The answer of a child that was ended: by the kernel, or by a library that could not go on."""
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise refusals.FILE_TOO_SLOW(limit_s=limits.wall_s)
    if code in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGXFSZ):
        return NO_MEMORY
    return FAILED + f"it ended with {code}".encode()


def _result(answer: bytes, result: type[T], limits: Limits) -> T:
    kind, said = answer[:1], answer[1:]
    try:
        if kind == RESULT:
            return msgspec.msgpack.decode(said, type=result)
        if kind == REFUSED:
            refusal, params = msgspec.msgpack.decode(said, type=tuple[Refusal, dict[str, Any]])
            raise Refused(refusal, **params)
    except msgspec.DecodeError as error:  # it was ended while it wrote; a message would quote the file
        said = type(error).__name__.encode()
    if kind == NO_MEMORY:
        raise refusals.FILE_TOO_HEAVY(limit_mb=limits.memory // MEBIBYTE)
    log.error("a file could not be read: %s", said.decode("utf-8", "replace")[:300])
    raise refusals.FILE_UNREADABLE()
