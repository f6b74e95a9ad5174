"""What the API answers with, around what the queries found."""

from collections.abc import Mapping
from datetime import date
from typing import Generic, TypeVar

import msgspec

from services.scoring.domain.differences import Differences
from services.scoring.domain.flags import Flag
from services.scoring.domain.table import Table
from services.scoring.queries import Answer, Column, Flagged
from services.scoring.views import Known
from shared.events import Input
from shared.records import commune_name

T = TypeVar("T")


class AsKnown(msgspec.Struct, Generic[T], frozen=True):
    """A result with the positions and the evaluation date that it was computed from: asking by both gives the same
    bytes."""

    commune: str
    evaluated_on: date
    inputs: list[Input]
    result: T


class FlaggedAsKnown(AsKnown[T], Generic[T], frozen=True):
    """The same of a sheet; `flags` stand beside the result, whose bytes are what its SHA-256 is taken of."""

    flags: list[Flag]


class TableAsKnown(msgspec.Struct, frozen=True):
    """The year's table; `columns` are the figures that head it, `words` the Vietnamese words for the codes in it."""

    commune: str
    name: str
    words: Mapping[str, Mapping[str, str]]
    columns: list[Column]
    evaluated_on: date
    inputs: list[Input]
    result: Table


class Instant(msgspec.Struct, frozen=True):
    """A moment's evaluation date, and its positions in the logs."""

    evaluated_on: date
    inputs: list[Input]


class DifferencesAsKnown(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """What changed a person's sheet from one moment to another."""

    commune: str
    first: Instant
    last: Instant
    result: Differences


def as_known(found: Answer[T]) -> AsKnown[T]:
    known = found.known
    return AsKnown(known.records.commune, known.on, known.inputs, found.result)


def flagged(found: Flagged[T]) -> FlaggedAsKnown[T]:
    known = found.known
    return FlaggedAsKnown(known.records.commune, known.on, known.inputs, found.result, found.flags)


def table(found: Answer[Table], columns: list[Column], words: Mapping[str, Mapping[str, str]]) -> TableAsKnown:
    known = found.known
    name = commune_name(known.records)
    return TableAsKnown(known.records.commune, name, words, columns, known.on, known.inputs, found.result)


def instant(known: Known) -> Instant:
    return Instant(known.on, known.inputs)
