"""Run seeds and print what they met: `python -m tests.simulation --seeds 10000`; `--seed 7` replays one."""

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.run import Result


def main() -> int:
    from tests.simulation.broken import BROKEN
    from tests.simulation.faults import FAULTS, USUAL

    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--add", nargs="*", choices=sorted(FAULTS.keys() - USUAL), default=[], help="further faults")
    parser.add_argument("--broken", choices=sorted(BROKEN), help="put this fault back into the product")
    parser.add_argument("--until-found", action="store_true", help="stop at the first seed that breaks a promise")
    given = parser.parse_args()
    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + given.seeds)
    kinds = USUAL | frozenset(given.add)
    again = " ".join(f'--add "{kind}"' for kind in given.add) + (f' --broken "{given.broken}"' if given.broken else "")
    return report(simulate(seeds, kinds, given.broken, given.jobs), again, until_found=given.until_found)


def simulate(seeds: Sequence[int], kinds: frozenset[str], broken: str | None, jobs: int) -> "Iterator[Result]":
    """The result of each seed, in order."""
    from tests.simulation.beginning import made
    from tests.simulation.run import run

    _quietly()
    one = partial(run, kinds=kinds, broken=broken)
    if len(seeds) == 1 or jobs == 1:
        yield from map(one, seeds)
        return
    made()
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(one, seeds, chunksize=2)


def _quietly() -> None:
    """What the programs would log is about faults that are meant; what they dump, too."""
    logging.disable(logging.CRITICAL)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process


def report(results: "Iterable[Result]", again: str, *, until_found: bool) -> int:
    begun, faults, figures, failed, digest = time.monotonic(), Counter[str](), Counter[str](), list[int](), 0
    for result in results:
        faults += result.faults
        figures.update(seeds=1, steps=result.steps, commits=result.commits, commands=result.acknowledged)
        digest ^= result.digest
        if result.problem:
            failed.append(result.seed)
            print(*result.trace, sep="\n")
            print(f"seed {result.seed}: {result.problem}")
            print(f"again: python -m tests.simulation --seed {result.seed} {again}\n")
            if until_found:
                break
    for kind, count in sorted(faults.items()):
        print(f"{count:9,}  {kind}")
    print(", ".join(f"{count:,} {name}" for name, count in figures.items()), f"in {time.monotonic() - begun:.0f} s")
    print(f"digest {digest:08x}")
    print(f"broken promises: {len(failed)}" + (f", seeds {', '.join(map(str, failed))}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets is part of a run.
        fixed = os.environ | {"PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], fixed)  # noqa: S606
    sys.exit(main())
