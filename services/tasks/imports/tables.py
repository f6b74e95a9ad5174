"""Finding the table in a sheet: its header anywhere, in other words and orders, and which rows are no rows."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from services.tasks.domain import limits, refusals
from services.tasks.imports.cells import Rows, Sheet, Value, column_letters
from services.tasks.imports.results import Cells, Remark, Skipped, SkippedSheet, Table, cell_text
from services.tasks.imports.words import compact, one_line, without_brackets
from shared.collation import fold

# The words for each column, the most telling first; compared without case, diacritics, spaces and punctuation.
Columns = Mapping[str, tuple[str, ...]]

LONGEST_LABEL = 60
HEADER_DEPTH = 3
PREFIX_LENGTH = 6  # letters of a known beginning after which a label may continue

COLUMN_NUMBER = re.compile(r"\(?\d{1,2}\)?(?:\s*=.*)?|\(?[A-Za-z]\)?")
TOTAL = re.compile(r"(?:tong cong|tong so|tong|cong)(?:\s*[:(\d].*)?")
NOTE = re.compile(r"\(?\*+\)?.*|(?:ghi chu|luu y|chu thich)\s*[:.].*")
FOOTER = re.compile(
    r"(?:noi nhan|nguoi lap(?: bieu| bang)?|thay mat|nguoi ky|thu truong|xac nhan cua)(?!\w).*|(?:tm|kt|tl|tuq)\..*"
    r"|(?:[^,]{1,40},\s*)?ngay\s*[\d.…]*\s*thang\s*[\d.…]*\s*nam\s*[\d.…]*|\(da ky\)|\(ky.*\)"
)


class Line(msgspec.Struct, frozen=True):
    """One row below a header: its cells by column name."""

    table: Table
    row: int
    values: dict[str, Value]
    others: tuple[str, ...]

    def text(self, name: str) -> str:
        """The cell as one line of text; "" when the table has no such column."""
        return one_line(cell_text(self.values.get(name, "")))

    def cell(self, name: str) -> str:
        """The address of the cell; a column that the table lacks is named by the row's first column."""
        column = self.table.columns.get(name) or min(
            self.table.columns.values(), key=lambda letter: (len(letter), letter)
        )
        return f"{column}{self.row}"

    def raw(self) -> Cells:
        return {name: cell_text(value) for name, value in self.values.items() if value != ""}

    def overlong(self, longest: Mapping[str, int]) -> list[Remark]:
        """Errors for the cells, and the sheet's name, that are longer than a command takes."""
        texts = [(self.cell(name), self.text(name), most) for name, most in longest.items()]
        texts.append((self.cell("no"), self.table.sheet, limits.NAME))
        return [
            Remark("qua_dai", cell, {"letters": len(text), "most": most})
            for cell, text, most in texts
            if len(text) > most
        ]

    def filled(self) -> set[str]:
        return {name for name, value in self.values.items() if value != ""}


class Vocabulary:
    """The words for a table's columns, looked up by label."""

    def __init__(self, columns: Columns, required: frozenset[str]) -> None:
        self.columns = columns
        self.required = required
        self._ranks = {
            compact(synonym): (name, rank)
            for name, synonyms in reversed(list(columns.items()))
            for rank, synonym in reversed(list(enumerate(synonyms)))
        }
        self._beginnings = [label for label in self._ranks if len(label) >= PREFIX_LENGTH]
        self._known: dict[str, tuple[str, int] | None] = {}

    def column(self, cell: Value) -> tuple[str, int] | None:
        """Which column a label names, and how tellingly (0 is best)."""
        if not isinstance(cell, str) or not 1 <= len(cell) <= LONGEST_LABEL:
            return None
        if cell not in self._known:
            self._known[cell] = self._look_up(cell)
        return self._known[cell]

    def _look_up(self, cell: str) -> tuple[str, int] | None:
        label = compact(cell)
        found = self._ranks.get(label) or self._ranks.get(compact(without_brackets(cell)))
        if found or not label:
            return found
        fitting = [known for known in self._beginnings if label.startswith(known) and len(label) <= 2 * len(known)]
        if not fitting:
            return None
        name, rank = self._ranks[max(fitting, key=len)]
        return name, rank + len(self.columns[name])


class Found(msgspec.Struct):
    """The tables of a file, their lines, and everything that was passed over."""

    tables: list[Table]
    lines: list[Line]
    skipped: list[Skipped]
    skipped_sheets: list[SkippedSheet]


def find(sheets: Iterable[Sheet], vocabulary: Vocabulary) -> Found:
    """Every table with the required columns in the visible sheets. Refuses `file-no-header` when there is none."""
    found = Found([], [], [], [])
    for sheet in sheets:
        if sheet.hidden or not sheet.rows:
            found.skipped_sheets.append(SkippedSheet(sheet.name, "hidden" if sheet.hidden else "empty"))
            continue
        before = len(found.tables)
        _scan(sheet, vocabulary, found)
        if len(found.tables) == before:
            found.skipped_sheets.append(SkippedSheet(sheet.name, "no_header"))
    if not found.tables:
        needed = [words[0] for name, words in vocabulary.columns.items() if name in vocabulary.required]
        raise refusals.FILE_NO_HEADER(columns=", ".join(needed))
    return found


def _scan(sheet: Sheet, vocabulary: Vocabulary, found: Found) -> None:
    table: Table | None = None
    places: dict[str, int] = {}
    ended = False
    row = 0
    while row < len(sheet.rows):
        header = _header(sheet.rows, row, vocabulary)
        if header:
            last, places = header
            letters = {name: column_letters(place + 1) for name, place in places.items()}
            if table and table.columns == letters:
                found.skipped.append(Skipped(sheet.name, row + 1, "header", _text_of(sheet.rows[row])))
            else:
                found.tables.append(table := Table(sheet.name, last + 1, letters))
            ended = False
            row = last + 1
            continue
        if table and any(value != "" for value in sheet.rows[row]):
            line = _line(table, places, sheet.rows[row], row)
            kind = "footer" if ended else _passed_over(line, vocabulary.required)
            if kind:
                ended = ended or kind == "footer"
                found.skipped.append(Skipped(sheet.name, row + 1, kind, _text_of(sheet.rows[row])))
            else:
                found.lines.append(line)
        row += 1


def _line(table: Table, places: dict[str, int], cells: list[Value], row: int) -> Line:
    values = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
    used = set(places.values())
    others = tuple(cell_text(value) for place, value in enumerate(cells) if value != "" and place not in used)
    return Line(table, row + 1, values, others)


def _passed_over(line: Line, required: frozenset[str]) -> str | None:
    texts = [text for text in (line.text(name) for name in line.values) if text]
    if not texts:
        return "note"
    first = fold(texts[0])
    if len(texts) >= 3 and all(COLUMN_NUMBER.fullmatch(text) for text in texts):
        return "numbers"
    if all(line.text(name) for name in required) or any(char.isdigit() for char in line.text("no")[:3]):
        return None
    if any(FOOTER.fullmatch(fold(text)) for text in texts[:3]):
        return "footer"
    if NOTE.fullmatch(first):
        return "note"
    if any(TOTAL.fullmatch(fold(text)) for text in texts[:2]):
        return "total"
    return None


def _header(rows: Rows, row: int, vocabulary: Vocabulary) -> tuple[int, dict[str, int]] | None:
    """The last row of the header that starts here and where its columns are; the lowest label of a column wins."""
    labels: dict[int, tuple[str, int]] = {}
    best: tuple[int, dict[str, int]] | None = None
    for last in range(row, min(row + HEADER_DEPTH, len(rows))):
        cells = rows[last]
        known = {place: match for place, cell in enumerate(cells) if (match := vocabulary.column(cell))}
        if len(known) < 2 or (last > row and not _goes_on(rows, last, known, labels, vocabulary.required)):
            break
        labels.update(known)
        places = _places(labels)
        if vocabulary.required <= places.keys():
            best = last, places
    return best


def _goes_on(
    rows: Rows,
    last: int,
    known: dict[int, tuple[str, int]],
    above: dict[int, tuple[str, int]],
    required: frozenset[str],
) -> bool:
    """Whether a further row still is header: texts only, and no content yet under the columns that every row fills."""
    if not all(isinstance(cell, str) for cell in rows[last]):
        return False
    return all(
        place in known or rows[last][place] in ("", rows[last - 1][place])
        for place, (name, _) in above.items()
        if name in required
    )


def _places(labels: dict[int, tuple[str, int]]) -> dict[str, int]:
    """One place per column: the one with the more telling word, else the first."""
    best: dict[str, tuple[int, int]] = {}
    for place, (name, rank) in labels.items():
        best[name] = min(best.get(name, (rank, place)), (rank, place))
    return {name: place for name, (_, place) in best.items()}


def _text_of(cells: list[Value]) -> str:
    return " | ".join(dict.fromkeys(one_line(cell_text(cell)) for cell in cells if cell != ""))[:200]
