"""Which period sheets are awaited of whom (a year scored by month or quarter; rating.md)."""

from collections.abc import Iterable, Mapping
from typing import Literal

from services.notifications.domain import records as kept
from services.notifications.domain.people import Post
from services.notifications.domain.records import Records
from shared.law import law


def period_length(records: Records, year: int, at: str) -> Literal["month", "quarter"]:
    """How long a period of a year is, as chosen by a time; a month by default."""
    chosen = [
        moment.data.settings["period"]
        for moment in _year(records, year, at)
        if isinstance(moment, kept.Chosen) and "period" in moment.data.settings
    ]
    return "quarter" if chosen and chosen[-1] == "quarter" else "month"


def scored_by_period(records: Records, posts: Mapping[str, Post], year: int, at: str) -> list[str]:
    """Who of those in post is scored by periods in a year: by law, or by a rule set picked for their category."""
    picks = {m.data.category: m.data.rule_set for m in _year(records, year, at) if isinstance(m, kept.RuleSetPick)}

    def scored(post: Post) -> bool:
        rule_set = picks[post.category] if post.category in picks else law().rule_set(year, post.category)
        return post.rated and rule_set in law().by_period

    return sorted(staff for staff, post in posts.items() if scored(post))


def missing(records: Records, period: str, year: int, staff: str, at: str) -> set[str]:
    """The stages (self, confirmed) that a person's sheet of a period lacked at a time; none once it is closed."""
    closed = records.get("period", period)
    if closed and _is_closed(closed.moments, staff, at):
        return set()
    sheet = records.get("sheet", f"{year}/{staff}")
    stages = {m.data.stage for m in (sheet.moments if sheet else ()) if m.time <= at and m.data.period == period}
    return {"self", "confirmed"} - stages - ({"self"} if "confirmed" in stages else set())


def _is_closed(moments: Iterable[kept.Closing | kept.Reopening], staff: str, at: str) -> bool:
    last = [moment for moment in moments if moment.time <= at and staff in moment.data.staff]
    return bool(last) and isinstance(last[-1], kept.Closing)


def _year(records: Records, year: int, at: str) -> list[kept.Chosen | kept.RuleSetPick]:
    record = records.get("year", str(year))
    return [moment for moment in record.moments if moment.time <= at] if record else []
