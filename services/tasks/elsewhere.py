"""What other services keep of a person, erased over HTTP in the name of whoever asks this service for it."""

import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import NamedTuple

import msgspec

from services.tasks.domain import refusals
from shared.decoding import decoder
from shared.web.asking import client_address
from shared.web.auth import token

# Reading the documents of a commune's slips takes a while.
TIMEOUT_S = 30


class Erased(NamedTuple):
    """How many addresses and stored documents of slips were erased."""

    addresses: int = 0
    slips: int = 0


# (commune, staff, the names that are known) → what was erased.
EraseElsewhere = Callable[[str, str, Sequence[str]], Erased]


class _Answer(msgspec.Struct):
    addresses: int
    slips: int


_answer = decoder(_Answer)


def nowhere(commune: str, staff: str, names: Sequence[str]) -> Erased:
    """For a service that stands alone."""
    return Erased()


def over_http(base: str) -> EraseElsewhere:
    """Asks the notifications service below `base`, with the token of the request under way.

    Refuses `erasure-elsewhere` when it does not do it: then nothing must be erased here, as the names find the rest.
    """

    def erase(commune: str, staff: str, names: Sequence[str]) -> Erased:
        request = urllib.request.Request(  # noqa: S310 - the base is set by the operator
            f"{base.rstrip('/')}/communes/{urllib.parse.quote(commune, safe='')}/erasures",
            msgspec.json.encode({"staff": staff, "name": next(iter(names), None), "former_names": names[1:]}),
            {
                "Authorization": f"Bearer {token()}",
                "Content-Type": "application/json",
                "X-Forwarded-For": client_address(),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                found = _answer(answer.read())
        except (OSError, HTTPException, msgspec.DecodeError) as error:  # OSError includes urllib's errors
            raise refusals.ERASURE_ELSEWHERE(staff=staff) from error
        return Erased(found.addresses, found.slips)

    return erase
