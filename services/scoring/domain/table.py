"""A commune's ratings of a year as a table, and whether its xuất sắc are more than the quota allows."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from services.scoring.domain import rules, texts
from services.scoring.domain.records import Records, UnitResultRecord
from services.scoring.domain.rules.description import Figure, merged
from services.scoring.domain.settings import settings_of
from services.scoring.domain.sheet import Sheet, sheets
from services.scoring.domain.standing import Kind, Standing, on_the_list, standing


class Quota(msgspec.Struct):
    """The excellent quota of the commune (`agency`) or of a group of similar duties, by both readings of the
    denominator. It counts the levels that stand: decided, else proposed, else computed. It flags an excess and lists
    the candidates; it drops nobody (NĐ 48/2023: NĐ 90/2020 Đ2 k6; NĐ 335/2025 Đ20 k5)."""

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
    """One person's line. `level` stands: the decided one, else the proposed, else the computed one, as `standing` says.
    `over_quota` names the groups whose quota the candidates together exceed."""

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
    standing: Kind
    computed_level: str
    proposed_level: str | None
    decided_level: str | None
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


class _Candidate(msgspec.Struct, frozen=True):
    """A person with the level that counts for the quota."""

    sheet: Sheet
    standing: Standing

    @property
    def level(self) -> str:
        return self.standing.level or self.sheet.level


def table(records: Records, year: int, on: date) -> Table:
    """The ratings of all who are rated, as of the end of a day."""
    listed = on_the_list(records, year, on)
    candidates = [
        _Candidate(sheet, standing(records, year, sheet.staff)) for sheet in sheets(records, year, on, listed)
    ]
    quotas = _quotas(records, year, candidates)
    return Table(records.commune, year, on, [_row(candidate, quotas) for candidate in candidates], quotas)


def columns(of: Iterable[Row]) -> list[Figure]:
    """The figures that a table of these rows shows, as their rule sets declare them."""
    return rules.columns({row.rule_set for row in of}, lambda description: description.table)


def table_bytes(of: Table) -> bytes:
    return msgspec.json.encode(of, order="deterministic")


Scope = Literal["similar_group", "category"]


def _quotas(records: Records, year: int, candidates: Sequence[_Candidate]) -> list[Quota]:
    """The quota within the agency, and within each similar group (people without one: those of their category)."""
    groups: dict[tuple[Scope, str], list[_Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(_group(candidate.sheet), []).append(candidate)
    settings = settings_of(records, year)
    outstanding = _is_outstanding(records, year)

    def quota(scope: Literal["agency", "similar_group", "category"], name: str, of: Sequence[_Candidate]) -> Quota:
        percent = max([settings.quota_percent, *_raised(of)]) if outstanding else settings.quota_percent
        return _quota(scope, name, of, percent, settings.quota_denominator)

    parts = [quota(scope, name, groups[scope, name]) for scope, name in sorted(groups)]
    return [quota("agency", "", candidates), *parts]


def _is_outstanding(records: Records, year: int) -> bool:
    """Was the commune's own result of the year recorded as outstanding?"""
    result: UnitResultRecord | None = records.get("unit_result", f"{year}/{records.commune}")
    return result is not None and result.moments[-1].data.figures.outstanding


def _raised(of: Iterable[_Candidate]) -> list[int]:
    """What the decrees of these people's rule sets grant an outstanding organisation, in per cent."""
    rule_sets = [rules.installed(name) for name in {candidate.sheet.rule_set for candidate in of}]
    return [rule_set.quota_outstanding for rule_set in rule_sets if rule_set and rule_set.quota_outstanding is not None]


def _group(sheet: Sheet) -> tuple[Scope, str]:
    return ("similar_group", sheet.similar_group) if sheet.similar_group else ("category", sheet.category)


def _quota(
    scope: Literal["agency", "similar_group", "category"],
    name: str,
    group: Sequence[_Candidate],
    percent: int,
    denominator: str,
) -> Quota:
    tot = sum(member.level == "tot" for member in group)
    candidates = [member.sheet for member in group if member.level == "xuat_sac"]
    narrow = tot * percent // 100
    wide = (tot + len(candidates)) * percent // 100
    limit = narrow if denominator == "tot" else wide
    return Quota(
        scope=scope,
        name=name,
        percent=percent,
        tot=tot,
        xuat_sac=len(candidates),
        limit_tot=narrow,
        limit_tot_and_xuat_sac=wide,
        denominator=denominator,
        limit=limit,
        excess=max(0, len(candidates) - limit),
        candidates=[sheet.staff for sheet in _by_figures(candidates)],
    )


def _by_figures(candidates: Iterable[Sheet]) -> list[Sheet]:
    """The best first, by the rankings of their rule sets; those of the newest decree lead."""
    of = list(candidates)
    newest_first = reversed(rules.in_order(sheet.rule_set for sheet in of))
    ranking = merged(rules.described(name).ranking for name in newest_first)
    return sorted(of, key=lambda sheet: ([-_value(sheet, entry) for entry in ranking], sheet.staff))


def _value(sheet: Sheet, entry: str) -> Fraction:
    """A figure, or the ratio of two; 0 where the sheet has none."""
    part, _, whole = entry.partition("/")
    value = Fraction(sheet.figures.get(part, 0))
    if not whole:
        return value
    by = Fraction(sheet.figures.get(whole, 0))
    return value / by if by else by


def _row(candidate: _Candidate, quotas: Iterable[Quota]) -> Row:
    sheet, stands = candidate.sheet, candidate.standing
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
        level=candidate.level,
        level_text=texts.LEVELS[candidate.level],
        standing=stands.kind,
        computed_level=sheet.level,
        proposed_level=stands.proposed_level,
        decided_level=stands.decided_level,
        figures=sheet.figures,
        shown=sheet.shown,
        missing=[missing.text for missing in sheet.missing],
        can_be_proposed=not sheet.blockers,
        over_quota=over,
    )
