"""Record `v2/` anew: `python -m tests.golden.record_v2`.

Its proposals name the rule sets by their hashes of this day, so it is recorded again whenever a rule set changes before
it is released, and never afterwards: then a changed rule set is a new version beside the old one.
"""

import tempfile
from pathlib import Path

from tests.golden.test_golden import COMMUNE, FOLDER, write_results
from tests.support.year_2026 import Year2026


def main() -> None:
    folder = FOLDER / "v2"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        year = Year2026(Path(scratch))
        year.live()
        for source, log in year.scoring.logs.items():
            (folder / f"{source}.jsonl").write_bytes(b"".join(body + b"\n" for body in log.read_all(COMMUNE)))
        year.scoring.engine.dispose()
    write_results("v2")


if __name__ == "__main__":
    main()
