"""How long the texts of a command may be, whichever door it came through. Pure: a domain checks by it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.text import LONGEST_ID

# Letters by the name of a field, or by `Struct.field` where one name means several things.
Longest = Mapping[str, int]
BEGINNING = 40


def overlong(command: msgspec.Struct, longest: Longest) -> dict[str, Any]:
    """What the refusal of a text that is too long says; empty when there is none. A text whose name `longest` does not
    have is an id."""
    for text, most in _texts(command, type(command).__name__, "", longest):
        if len(text) > most:
            return {"letters": len(text), "most": most, "beginning": text[:BEGINNING]}
    return {}


def _texts(value: Any, owner: str, name: str, longest: Longest) -> Iterator[tuple[str, int]]:
    """The texts inside a value, with how long they may be."""
    if isinstance(value, str):
        yield value, longest.get(f"{owner}.{name}") or longest.get(name, LONGEST_ID)
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _texts(getattr(value, field), type(value).__name__, field, longest)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key), LONGEST_ID
            yield from _texts(inner, owner, name if name in longest else str(key), longest)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, owner, name, longest)
