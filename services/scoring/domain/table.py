"""A commune's ratings of a year as a table, and whether its xuất sắc are more than the quota allows."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from services.scoring.domain.records import Records
from services.scoring.domain.settings import Settings, settings_of
from services.scoring.domain.sheet import Sheet, sheets


class Quota(msgspec.Struct):
    """The excellent quota of the commune (`agency`) or of a group of similar duties, by both readings of the
    denominator. It flags an excess and lists the candidates; it drops nobody (NĐ 48/2023: NĐ 90/2020 Đ2 k6)."""

    scope: Literal["agency", "similar_group", "category"]
    name: str
    percent: int
    tot: int
    xuat_sac: int
    limit_tot: int
    limit_tot_and_xuat_sac: int
    denominator: str
    limit: int
    excess: int
    candidates: list[str]


class Row(msgspec.Struct):
    """One person's line. `over_quota` names the groups whose quota the candidates together exceed."""

    staff: str
    post: str
    category: str
    unit: str
    leader: bool
    similar_group: str | None
    rule_set: str
    rule_set_sha256: str | None
    level: str
    level_text: str
    figures: dict[str, int | str]
    shown: dict[str, str]
    missing: list[str]
    can_be_proposed: bool
    over_quota: list[str]


class Table(msgspec.Struct):
    commune: str
    year: int
    evaluated_on: date
    rows: list[Row]
    quotas: list[Quota]


def table(records: Records, year: int, on: date) -> Table:
    """The ratings of all who are rated, as of the end of a day."""
    found = sheets(records, year, on)
    quotas = quotas_of(found, settings_of(records, year))
    return Table(records.commune, year, on, [_row(sheet, quotas) for sheet in found], quotas)


def table_bytes(of: Table) -> bytes:
    return msgspec.json.encode(of, order="deterministic")


def quotas_of(found: Sequence[Sheet], settings: Settings) -> list[Quota]:
    """The quota within the agency, and within each similar group (people without one: those of their category)."""
    groups: dict[tuple[Literal["similar_group", "category"], str], list[Sheet]] = {}
    for sheet in found:
        groups.setdefault(_group(sheet), []).append(sheet)
    parts = [_quota(scope, name, groups[scope, name], settings) for scope, name in sorted(groups)]
    return [_quota("agency", "", found, settings), *parts]


def _group(sheet: Sheet) -> tuple[Literal["similar_group", "category"], str]:
    return ("similar_group", sheet.similar_group) if sheet.similar_group else ("category", sheet.category)


def _quota(
    scope: Literal["agency", "similar_group", "category"], name: str, group: Iterable[Sheet], settings: Settings
) -> Quota:
    levels = [(sheet.level, sheet) for sheet in group]
    tot = sum(level == "tot" for level, _ in levels)
    candidates = [sheet for level, sheet in levels if level == "xuat_sac"]
    narrow = tot * settings.quota_percent // 100
    wide = (tot + len(candidates)) * settings.quota_percent // 100
    limit = narrow if settings.quota_denominator == "tot" else wide
    return Quota(
        scope=scope,
        name=name,
        percent=settings.quota_percent,
        tot=tot,
        xuat_sac=len(candidates),
        limit_tot=narrow,
        limit_tot_and_xuat_sac=wide,
        denominator=settings.quota_denominator,
        limit=limit,
        excess=max(0, len(candidates) - limit),
        candidates=[sheet.staff for sheet in sorted(candidates, key=_by_figures)],
    )


def _by_figures(sheet: Sheet) -> tuple[Fraction, int, str]:
    """Candidates with the largest share of exceeded tasks first, then with the most tasks."""
    n, exceeded = int(sheet.figures["n"]), int(sheet.figures["exceeded"])
    return -Fraction(exceeded, n) if n else Fraction(0), -n, sheet.staff


def _row(sheet: Sheet, quotas: Iterable[Quota]) -> Row:
    over = [quota.name or quota.scope for quota in quotas if quota.excess and sheet.staff in quota.candidates]
    return Row(
        staff=sheet.staff,
        post=sheet.post,
        category=sheet.category,
        unit=sheet.unit,
        leader=sheet.leader,
        similar_group=sheet.similar_group,
        rule_set=sheet.rule_set,
        rule_set_sha256=sheet.rule_set_sha256,
        level=sheet.level,
        level_text=sheet.level_text,
        figures=sheet.figures,
        shown=sheet.shown,
        missing=[missing.text for missing in sheet.missing],
        can_be_proposed=not sheet.blockers,
        over_quota=over,
    )
