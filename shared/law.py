"""Which rule set rates whom by law: by category and rating year, with what provinces add. law.json is the table."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule set rates these categories from this rating year on; `none`: they are not rated."""

    rule_set: str
    categories: Sequence[str]
    from_year: int = 0


class Law(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`by_period` are the rule sets that score a year by months or quarters. Where none applies, tasks are followed up
    as `by_analogy` reads them. Of several rows that fit, the last one counts."""

    rows: Sequence[Row]
    by_period: frozenset[str]
    by_analogy: str

    def rule_set(self, year: int, category: str) -> str:
        """The name of the rule set for a rating year and staff category."""
        fitting = [row for row in self.rows if category in row.categories and row.from_year <= year]
        return fitting[-1].rule_set

    def rule_sets(self) -> list[str]:
        """Every rule set that the table names, the oldest first."""
        return list(dict.fromkeys(row.rule_set for row in self.rows if row.rule_set != "none"))


DECREES = msgspec.json.decode(Path(__file__).with_name("law.json").read_bytes(), type=Law)
_in_force = DECREES


def law() -> Law:
    """The decrees' table, and the rows that this process was started with."""
    return _in_force


def amend(rows: Iterable[Row], by_period: Iterable[str]) -> None:
    """Start from the decrees again, and add a province's rows. Called once, when a process starts."""
    global _in_force  # noqa: PLW0603 - the services of a process share one law, and none may import another
    _in_force = msgspec.structs.replace(
        DECREES, rows=[*DECREES.rows, *rows], by_period=DECREES.by_period.union(by_period)
    )
