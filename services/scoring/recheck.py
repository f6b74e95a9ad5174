"""Compute proposals again from the log: the same pins must give the same sheet, byte by byte."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from services.scoring.domain import rules
from services.scoring.domain.records import Proposed, RatingRecord, Records
from services.scoring.domain.rules.facts.snapshot import Snapshot
from services.scoring.domain.sheet import sheet_bytes, sheet_of
from services.scoring.domain.standing import rested_on, standing
from services.scoring.views import PROJECTION, SOURCES
from shared.eventlog import EMPTY, Head, Log
from shared.events import RatingProposed
from shared.projection.replay import advance


class Finding(msgspec.Struct, frozen=True):
    """One difference from what was recorded."""

    code: str
    text: str


class Checked(msgspec.Struct, frozen=True):
    """A checked proposal. Without findings, its sheet came out the same, byte by byte."""

    staff: str
    standing: str
    level: str
    proposal: str
    rule_set: str
    evaluated_on: date
    sheet_sha256: str
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        return not self.findings


def recheck(
    logs: Mapping[str, Log],
    commune: str,
    records: Records,
    year: int,
    *,
    staff: str | None = None,
    every: bool = False,
) -> list[Checked]:
    """Check the proposals that the year's decisions rest on (with `every`, all that were made), by person.

    Raises CannotFold when the log does not fit together.
    """
    proposals = list(_proposals(records, year, staff, every))
    # Upwards through the log, so that it is read once however many proposals there are.
    proposals.sort(key=lambda of: ([pin.position for pin in of[1].inputs], of[1].evaluated_on))
    walk = _Walk(logs, commune)
    checked = []
    for kind, proposed in proposals:
        positions = {pin.source: pin.position for pin in proposed.inputs}
        if walk.is_past(positions):
            walk = _Walk(logs, commune)
        checked.append(
            Checked(
                proposed.staff,
                kind,
                proposed.level,
                proposed.proposal,
                proposed.rule_set,
                proposed.evaluated_on,
                proposed.sheet_sha256,
                list(_findings(walk, year, proposed, positions)),
            )
        )
    return sorted(checked, key=lambda proposal: (proposal.staff, proposal.evaluated_on))


def _proposals(records: Records, year: int, staff: str | None, every: bool) -> Iterator[tuple[str, RatingProposed]]:
    ratings: dict[str, RatingRecord] = records.by_kind["rating"]
    for rating in ratings.values():
        if rating.year != year or staff not in (None, rating.staff):
            continue
        stands = standing(records, year, rating.staff)
        rests = rested_on(records, stands) if stands.decision else None
        for moment in rating.moments:
            if isinstance(moment, Proposed):
                proposed = moment.data
                in_force = rests is not None and proposed.proposal == rests.proposal
                if every or in_force:
                    yield (stands.kind if in_force else "proposed"), proposed


class _Walk:
    """The records at pinned positions, reached one after the other. It goes forward only."""

    def __init__(self, logs: Mapping[str, Log], commune: str) -> None:
        self._logs, self._commune = logs, commune
        self._heads: dict[str, Head] = dict.fromkeys(SOURCES, EMPTY)
        self._records = PROJECTION.empty(commune)
        self._snapshot: tuple[date, Snapshot] | None = None

    def is_past(self, positions: Mapping[str, int]) -> bool:
        """Does a pin lie behind the records, so that only another walk reaches it?"""
        return any(self._heads[source].position > positions.get(source, 0) for source in SOURCES)

    def heads_at(self, positions: Mapping[str, int]) -> dict[str, Head]:
        """Go on to these positions; the heads that were reached, where a log is shorter."""
        for source in SOURCES:
            if self._heads[source].position < positions[source]:
                log, until = self._logs[source], positions[source]
                self._heads[source] = advance(
                    PROJECTION, self._records, log, self._commune, self._heads[source], until=until
                )
                self._snapshot = None
        return self._heads

    def snapshot(self, on: date) -> Snapshot:
        """The records where the walk stands, seen on a day; sheets of the same pins share it."""
        if self._snapshot is None or self._snapshot[0] != on:
            self._snapshot = on, Snapshot(self._records, on)
        return self._snapshot[1]


def _findings(walk: _Walk, year: int, proposed: RatingProposed, positions: Mapping[str, int]) -> Iterator[Finding]:
    if set(positions) != set(SOURCES) or min(positions.values()) < 0:
        yield Finding("pins-malformed", "Đề xuất không ghim đúng một vị trí của mỗi nhật ký tasks và scoring")
        return
    heads = walk.heads_at(positions)
    for pin in proposed.inputs:
        head = heads[pin.source]
        if head.position < pin.position:
            yield Finding("log-shorter", f"Nhật ký {pin.source} chỉ có đến vị trí {head.position}, cần {pin.position}")
        elif head.hash != pin.hash:
            yield Finding("pin-differs", f"Sự kiện {pin.source} #{pin.position} không còn như khi đề xuất")
    rule_set = rules.installed(proposed.rule_set)
    if proposed.rule_set_sha256 != (rule_set and rule_set.sha256):
        wanted, held = (
            sha256[:12] if sha256 else "không có" for sha256 in (proposed.rule_set_sha256, rule_set and rule_set.sha256)
        )
        yield Finding(
            "rule-set-missing",
            f"Thiếu bộ quy tắc {proposed.rule_set} bản {wanted}; bản đang cài: {held}. Cài đúng bản đó",
        )
        return
    then = walk.snapshot(proposed.evaluated_on)
    if proposed.staff not in then.records.people:
        yield Finding("staff-unknown", f"Ở vị trí đã ghim chưa có {proposed.staff} trong danh sách của xã")
        return
    again = sheet_of(then, year, proposed.staff)
    if again.rule_set != proposed.rule_set:
        yield Finding("rule-set-differs", f"Tính lại theo bộ quy tắc {again.rule_set}, đề xuất ghi {proposed.rule_set}")
    if again.level != proposed.level:
        yield Finding("level-differs", f"Tính lại được mức {again.level}, đề xuất ghi {proposed.level}")
    figures = {
        name for name in again.figures | proposed.figures if again.figures.get(name) != proposed.figures.get(name)
    }
    if figures:
        yield Finding("figures-differ", f"Con số tính lại khác đề xuất: {', '.join(sorted(figures))}")
    if hashlib.sha256(sheet_bytes(again)).hexdigest() != proposed.sheet_sha256:
        yield Finding("sheet-differs", "Phiếu tính lại không trùng từng byte với phiếu đã đề xuất")
