"""The child process of `shared.sandbox`: limits itself, reads the content, writes one answer, ends."""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import sys
import traceback
import typing
from pathlib import Path
from typing import Any

import msgspec

from shared.refusal import Refused
from shared.sandbox import FAILED, NO_MEMORY, REFUSED, RESULT, Limits

PR_SET_PDEATHSIG = 1
FIRST_TO_END = "1000"  # when the container's memory runs out, the kernel ends the child, not the service


def main() -> None:
    reader, given, parent, said = sys.argv[1:]
    limits = msgspec.json.decode(said, type=Limits)
    _limit(limits, int(parent))
    try:
        answer = RESULT + _read(reader, int(given))
    except Refused as refused:
        answer = REFUSED + msgspec.msgpack.encode((refused.refusal, refused.params))
    except MemoryError:
        answer = NO_MEMORY
    except BaseException as error:  # noqa: BLE001 a library in Rust panics with an exception of its own
        answer = FAILED + _where(error).encode()
    with os.fdopen(1, "wb") as out:
        out.write(answer)
        out.flush()
    os._exit(0)


def _limit(limits: Limits, parent: int) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_END, encoding="ascii")
    os.nice(10)
    signal.alarm(limits.wall_s + 5)  # where the kernel cannot tie its life to the parent's
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    for kind, limit in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.written),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 2))


def _read(reader: str, given: int) -> bytes:
    module, _, name = reader.partition(":")
    function = getattr(importlib.import_module(module), name)
    with os.fdopen(given, "rb") as file:
        said: dict[str, Any] = msgspec.msgpack.decode(file.read())
    types = typing.get_type_hints(function)
    arguments = {name: msgspec.convert(value, types[name], strict=False) for name, value in said.items()}
    with os.fdopen(0, "rb") as file:
        content = file.read()
    return msgspec.msgpack.encode(function(content, **arguments))


def _where(error: BaseException) -> str:
    """The kind of an error and the lines that led to it: never its words, which may quote the file."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at " + ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
