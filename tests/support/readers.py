"""What `shared.sandbox` may meet in a child: readers that do as a file wants."""

import ctypes
import os
import signal
import time
from pathlib import Path


def length(content: bytes) -> int:
    return len(content)


def repeat(content: bytes, times: int) -> bytes:
    return content * times


def take_memory(content: bytes) -> int:
    return len([content + bytes(1024 * 1024) for _ in range(10_000)])


def count_for_ever(content: bytes) -> int:
    while content:
        pass
    return 0


def sleep(content: bytes) -> int:
    time.sleep(600)
    return len(content)


def end(content: bytes, *, how: str) -> int:
    if how == "segmentation fault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        os._exit(0)
    elif how == "exit 3":
        os._exit(3)
    elif how == "no answer":
        os.close(1)
        time.sleep(600)
    elif how == "half an answer":
        os.write(1, b"=\xda")
        os._exit(0)
    elif how == "recursion":
        end(content, how=how)
    raise ValueError(content)


def write_much(content: bytes) -> int:
    with Path(os.environ.get("TMPDIR", "/tmp"), f"much-{os.getpid()}").open("wb") as file:
        Path(file.name).unlink()
        while True:
            file.write(content * 1024)


def environment(_: bytes) -> dict[str, str]:
    return dict(os.environ)


def descriptors(_: bytes) -> list[str]:
    here = Path("/proc/self/fd")
    return sorted(os.readlink(here / one) for one in os.listdir(here) if (here / one).exists())
