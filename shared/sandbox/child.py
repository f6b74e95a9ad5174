"""The child process: limits itself, reads the content, writes one answer, ends."""

import contextlib
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

from shared.decoding import decoder
from shared.refusal import Refused
from shared.sandbox.limits import FAILED, NO_MEMORY, REFUSED, RESULT, Limits

PR_SET_PDEATHSIG = 1
FIRST_TO_END = "1000"  # when the container's memory runs out, the kernel ends the child, not the service


def main() -> None:
    reader, given, parent, said = sys.argv[1:]
    limits = decoder(Limits)(said)
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
    os._exit(0)


def _limit(limits: Limits, parent: int) -> None:
    """What a system does not know (macOS has no address space limit) is left out: the parent's deadline holds."""
    os.nice(5)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.alarm(limits.wall_s + 5)  # where the kernel cannot tie its life to the parent's
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(FIRST_TO_END, encoding="ascii")
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    for name, soft, hard in (
        ("RLIMIT_AS", limits.memory, limits.memory),
        ("RLIMIT_DATA", limits.memory, limits.memory),
        ("RLIMIT_FSIZE", limits.written, limits.written),
        ("RLIMIT_NOFILE", limits.descriptors, limits.descriptors),
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_CPU", limits.cpu_s, limits.cpu_s + 2),
    ):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (soft, hard))


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
