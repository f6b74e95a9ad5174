"""Fields of Word: which of them start a program or fetch something when a document is opened."""

import re
import unicodedata
from collections.abc import Hashable, Iterator

import msgspec

from services.tasks.inspection import places

STARTS = "trường gọi chương trình (DDE)"
FETCHES = "trường tải nội dung từ nơi khác ({name})"
BUILT = "trường có lệnh ghép từ nơi khác"
LEADS = "liên kết tới chương trình hoặc máy khác"

# ECMA-376-1, 17.16.5, and the older names that Word still takes.
FETCHING = {"LINK", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "DATABASE", "DATA", "RD"}
DDE = re.compile(r"ddeauto|(?:^|[^\w/.\-])dde(?=[\s\\\"“”]|$)", re.IGNORECASE)
NAME = re.compile(r"\s*(=|[^\W\d_]*)")
# In place of a field inside another one's instruction: what it gives is known only to Word.
COMPUTED = "\0"
# In place of a sign that is no letter: some end a name, some are passed over.
BREAK = "\1"
KEPT = (COMPUTED, BREAK, "\t", "\r", "\n")
TOKEN = re.compile(r"\\([a-z])|[\"“”]([^\"“”]*)[\"“”]?|(\S+)", re.IGNORECASE)
# INCLUDEPICTURE as pasting leaves it.
PICTURE = re.compile(r"\s*\"([^\"]*)\"(?:\s*\\(?:\*\s*MERGEFORMAT(?:INET)?|[dxy]))*\s*", re.IGNORECASE)
WITH_ARGUMENT = ("l", "o", "t")  # switches of HYPERLINK


class _Field(msgspec.Struct):
    place: Hashable
    instruction: list[str] = msgspec.field(default_factory=list)
    has_result: bool = False


class Fields:
    """Follows the marks of fields through a text.

    A place is whatever a reader may pass over as a whole: a branch of alternatives, an element that it does not know,
    text that was deleted. The pieces of a field are in one place; else every program could read another instruction.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        # Instructions outside of any field come last.
        self._open = [_Field(None, has_result=True)]

    @property
    def in_instruction(self) -> bool:
        return not self._open[-1].has_result

    def begin(self, place: Hashable) -> None:
        if self.in_instruction:
            self._open[-1].instruction.append(COMPUTED)
        self._open.append(_Field(place))

    def separate(self, place: Hashable) -> None:
        if len(self._open) > 1:
            self._must_be_at(place)
            self._open[-1].has_result = True

    def end(self, place: Hashable) -> None:
        if len(self._open) > 1:
            self._must_be_at(place)
            self.whole("".join(self._open.pop().instruction))

    def piece(self, text: str, place: Hashable) -> None:
        self._must_be_at(place)
        self._open[-1].instruction.append(text)

    def whole(self, instruction: str) -> None:
        self.found.update(_found(instruction))

    def close(self) -> None:
        """The text has ended, and with it the fields that have no end."""
        for field in self._open:
            self.whole("".join(field.instruction))

    def _must_be_at(self, place: Hashable) -> None:
        if self._open[-1].place not in (place, None):
            self.found.add(BUILT)


def _found(instruction: str) -> Iterator[str]:
    seen = "".join(char for char in instruction if char in KEPT or unicodedata.category(char)[0] != "C")
    for text in {seen.replace(BREAK, " "), seen.replace(BREAK, "")}:
        yield from _found_in(text)


def _found_in(text: str) -> Iterator[str]:
    if DDE.search(text.replace(COMPUTED, "")):
        yield STARTS
    match = NAME.match(text)
    assert match is not None  # noqa: S101 - for the type checker: it matches nothing as well
    name, arguments = match[1].upper(), text[match.end() :]
    if name != "=" and arguments.startswith(COMPUTED):
        yield BUILT
    elif name == "HYPERLINK" and not places.may_be_clicked(_target(arguments)):
        yield LEADS
    elif name in FETCHING and not (name == "INCLUDEPICTURE" and _is_left_by_pasting(arguments)):
        yield FETCHES.format(name=name)


def _is_left_by_pasting(arguments: str) -> bool:
    picture = PICTURE.fullmatch(arguments)
    return picture is not None and places.is_left_by_pasting(_plain(picture[1]))


def _plain(argument: str) -> str:
    return argument.replace("\\\\", "\\")


def _target(arguments: str) -> str:
    """The first argument that belongs to no switch; none leads to a place in the document."""
    of_switch = False
    for switch, quoted, bare in TOKEN.findall(arguments):
        if switch:
            of_switch = switch.lower() in WITH_ARGUMENT
        elif of_switch:
            of_switch = False
        else:
            return _plain(quoted or bare)
    return ""
