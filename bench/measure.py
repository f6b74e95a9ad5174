"""Measuring side by side: child processes of their own, rounds in turn, medians, one table."""

import importlib
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

MEBIBYTE = 2**20
WIDTHS = (46, 24, 36, 7, 15)


def in_child(function: str, *arguments: Any) -> Any:
    """What `package.module:function` returns in a process of its own, so that neither heap nor caches are shared."""
    command = [sys.executable, "-m", "bench.measure", function, json.dumps(arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def call(function: str, arguments: list[Any]) -> Any:
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def peak_memory() -> int:
    """The most bytes this process ever held in memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure over rounds that run all of them one after the other: noise hits all alike."""
    results = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(of_one) for of_one in zip(*results, strict=True)]


def show(
    what: str, figure: str, beside: str = "", ratio: float | None = None, bound: str = "", ok: bool = True
) -> None:
    """One line of the table; a bound that does not hold is marked."""
    cells = (what, figure, beside, "" if ratio is None else f"{ratio:.2f} ×", bound)
    line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    print(f"{line}  {'' if not bound else 'ok' if ok else 'BELOW FLOOR (DƯỚI SÀN)'}".rstrip(), flush=True)


def show_rates(what: str, rate: float, unit: str, beside: str, other: float, floor: float) -> None:
    """A rate beside its baseline's, of which it has to reach `floor` times."""
    ratio = rate / other
    show(what, f"{rate:,.0f} {unit}/s", f"{beside} {other:,.0f}/s", ratio, f"≥ {floor:g} ×", ratio >= floor)


if __name__ == "__main__":
    print(json.dumps(call(sys.argv[1], json.loads(sys.argv[2]))))
