"""How an uploaded list is read: in the child process of `shared.sandbox`, and nowhere else."""

from collections.abc import Sequence
from datetime import date

from services.tasks.imports.annex import AnnexImport, annex_of
from services.tasks.imports.leads import Person
from services.tasks.imports.roster import RosterImport, roster_of
from services.tasks.imports.sheets import read


def read_annex(data: bytes, people: list[Person], *, issued_on: date, on: date | None = None) -> AnnexImport:
    """The tasks that a file proposes. Refuses a file as `sheets.read` does, or `file-no-header`."""
    return annex_of(read(data), people, issued_on=issued_on, on=on)


def read_roster(data: bytes, taken: Sequence[str] = ()) -> RosterImport:
    """The staff that a file proposes beside those whose codes are `taken`. Refuses a file as `sheets.read` does, or
    `file-no-header`."""
    return roster_of(read(data), taken)
