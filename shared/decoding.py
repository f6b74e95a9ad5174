"""Reading JSON that others wrote: whatever the bytes are, only one kind of error comes out."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

# What msgspec raises besides its own errors: for bytes that are no UTF-8, for brackets nested a thousand deep, and for
# what is no bytes at all (a database column of another type).
OTHERS = (UnicodeDecodeError, RecursionError, TypeError)


@overload
def decoder(kind: type[T]) -> Callable[[Any], T]: ...
@overload
def decoder(kind: Any) -> Callable[[Any], Any]: ...
def decoder(kind: Any) -> Callable[[Any], Any]:
    """Reads JSON bytes as `kind`. The reader raises msgspec.DecodeError for everything else, and nothing besides."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: Any) -> Any:
        try:
            return decode(body)
        except OTHERS as error:
            raise msgspec.DecodeError(f"{type(error).__name__}: {error}") from error

    return read


read_any: Callable[[Any], Any] = decoder(Any)
