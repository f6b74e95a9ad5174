"""Recompute the ratings of a bundle from its event logs alone: NĐ 90/2020 (with NĐ 48/2023) and NĐ 335/2025.

`python3 rating.py [FOLDER]`: FOLDER (default: this one) holds logs/tasks.jsonl, logs/scoring.jsonl and results.json.
Exit 0: all agree; 1: a difference; 2: cannot read. Plain Python 3.9+, none of the product's code, exact arithmetic.
Words of the rating rules: `as_of` is A, `end` is E, `cut` the cut-off; days are days in UTC+7.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Event = dict[str, Any]
LEVELS, HALF, DAY = ("khong_hoan_thanh", "hoan_thanh", "tot", "xuat_sac"), Fraction(1, 2), timedelta(days=1)
DEFAULTS = {"cut_off": "12-10", "days_6_months": 180, "days_3_months": 90, "min_tasks": 3, "blank_coefficient": "1"}
DEFAULTS.update({"period": "month", "late_reading": "deduct", "cap": "total"})
COMMON_335 = {"I.1", "I.2", "II.1", "II.2", "II.3", "II.4", "III.1", "III.2", "III.3", "III.4"}
ABSENT = {"nd90": ["insured", "unpaid", "other"], "nd335": ["unpaid", "other"]}  # protected counts as worked


def day(text: str | None, default: Any = None) -> Any:
    return date.fromisoformat(text) if text else default


def short(event: Event) -> tuple[date, str, Event]:
    """Day of recording (the time is UTC), type without `vn.cchc.` and version, data."""
    recorded = datetime.fromisoformat(event["time"][:19]) + timedelta(hours=7)
    return recorded.date(), event["type"][len("vn.cchc.") : event["type"].rindex(".v")], event["data"]


def bounds(period: str) -> tuple[date, date]:  # first and last day of 2026-03 or 2026-Q1
    year, part = int(period[:4]), int(period[5:].lstrip("Q"))
    first, last = (3 * part - 2, 3 * part) if "Q" in period else (part, part)
    return date(year, first, 1), date(year + last // 12, last % 12 + 1, 1) - DAY


def pinned(entry: Event, source: str) -> int:
    return next((p["position"] for p in entry["inputs"] if p["source"] == source), 0)


def fold(events: list[Any], end: date, as_of: date) -> Any:
    """A task as it counts at `end`, from all that is known: (position, day recorded, type, data), as recorded."""
    t = SimpleNamespace(versions=[], waiting=[], seen=[], asked=None)
    for order, (_, today, kind, d) in enumerate(events):
        due, effective, last = day((d.get("due") or {}).get("date")), today, (t.versions or [None])[-1]
        if kind == "task.assigned":
            t.given = effective = today = day(d.get("assigned_on"), today)  # noqa: PLW2901 that day counts for all
        elif kind == "task.extension_requested":
            t.asked = t.asked or today
        elif kind in {"task.extension_granted", "task.extension_refused"}:
            effective, t.asked = t.asked or today, None
        elif kind == "task.result_reported":
            t.waiting.append(day(d["on"]))
        elif kind == "task.result_returned":
            effective, t.waiting = (t.waiting or [today])[0], []
        elif kind == "task.completed":
            effective, t.waiting = day(d["on"]), []
        t.seen.append((order, kind, effective, d))
        correction = last and kind in {"task.due_confirmed", "task.due_recomputed"}
        if correction and (due == last.due or (due and last.due and due > last.due)):
            last.due, last.numbers = due, last.numbers | {d["due_version"]}  # it takes the place, with all else
        elif d.get("due") is not None:
            places = {"numbers": {d.get("due_version", 1)}, "effective": effective, "judged": today, "order": order}
            t.versions.append(SimpleNamespace(due=due, **places))
    causes = [(o, d["of"], d.get("due_version")) for o, kind, _, d in t.seen if kind.endswith("cause_confirmed")]
    steps = [s for s in t.seen if s[1] in {"task.completed", "task.reopened"}]
    standing = [s for s in steps if s[2] <= end][-1:]  # in order of recording; a reopening withdraws
    accepted = standing[0] if standing and standing[0][1] == "task.completed" else None
    late = [(o, number) for o, of, number in causes if of == "lateness"]
    excused = [v for v in t.versions if any(v.order < o if n is None else n in v.numbers for o, n in late)]

    def missed(v: Any, following: list[Any]) -> bool:
        if v.due is None or v.due > end or v.due >= as_of or v.effective > end or v.due < v.judged:
            return False  # has not passed, or (3) had already when it was set
        if (following and following[0].effective <= v.due) or any(on <= v.due and not accepted for on in t.waiting):
            return False  # (1) replaced in time, (2) a result of that time waits
        before = max((o for o, kind, *_ in steps if kind == "task.reopened" and o <= v.order), default=-1)
        return not any(kind == "task.completed" and on <= v.due and o > before for o, kind, on, _ in steps)  # (2)

    in_force = next((v for v in reversed(t.versions) if v.effective <= end), None)
    t.due, t.on = in_force and in_force.due, accepted and accepted[2]
    until = max((o for o, of, _ in causes if of == "quality"), default=-1)  # the failings before are excused
    t.quality_failures = sum(bool(d.get("quality_failure")) and on <= end and o > until for o, _, on, d in t.seen)
    t.late_times = sum(missed(v, t.versions[i + 1 :]) and v not in excused for i, v in enumerate(t.versions))
    t.poor = bool(accepted and accepted[3].get("quality") == "not_met" and accepted[0] > until)
    t.exceeded = bool(accepted and accepted[3].get("exceeded")) and not t.late_times and not t.poor
    t.coefficient = next((d["coefficient"] for *_, d in reversed(t.seen) if "coefficient" in d), None)
    t.cancelled = any(kind == "task.cancelled" for _, kind, *_ in t.seen)
    t.handed = next(((on, d["kind"]) for _, kind, on, d in t.seen if kind == "task.handed_back" and on <= end), None)
    by_due = t.handed and (t.due is None or t.handed[0] <= t.due)
    states = {
        "cancelled": t.cancelled,
        "unable": by_due and t.due and t.handed[1] == "unable",
        "handed_back": by_due,
        "completed": accepted and not t.handed,
        "pending": not t.handed and any(on <= end for on in t.waiting),
        "excused": t.due and t.due <= end and t.due < as_of and in_force in excused,
        "undone": t.due and t.due <= end and t.due < as_of,
    }
    t.state = next((state for state, applies in states.items() if applies), "open")
    return t


class Records:
    """What the logs say: all of it is known; it counts by its effective day, seen from `as_of`."""

    def __init__(self, logs: dict[str, list[Event]], as_of: date, cuts: dict[Any, Records] | None = None) -> None:
        self.logs, self.as_of, self.cuts = logs, as_of, {} if cuts is None else cuts
        self.tasks: dict[str, list[Any]] = {}
        self.said: list[tuple[int, str, Event]] = []  # what is not of a task, in order of recording
        self.stay_in: dict[tuple[str, str], dict[str, Any]] = {}
        for event in logs["tasks"] + logs["scoring"]:
            _, kind, data = short(event)
            if kind.startswith("task."):
                past = data["history"] if kind == "task.carried_over" else [event]
                self.tasks.setdefault(data["task"], []).extend((event["position"], *short(e)) for e in past)
            elif kind != "rating.score_updated":
                self.said.append((len(self.said), kind, data))
        self.origin = {k: d for k, events in self.tasks.items() for *_, kind, d in events if kind == "task.assigned"}

    def of(self, *kinds: str, **where: Any) -> list[tuple[int, str, Event]]:
        return [s for s in self.said if s[1] in kinds and all(s[2].get(k) == v for k, v in where.items())]

    def settings(self, year: int) -> Event:
        chosen = [d["settings"] for *_, d in self.of("rating.settings_chosen", year=year)]
        return {**DEFAULTS, **{name: value for some in chosen for name, value in some.items() if value is not None}}

    def cut(self, year: int) -> date:
        return date.fromisoformat(f"{year}-{self.settings(year)['cut_off']}")

    def end(self, year: int) -> date:
        return min(self.as_of, self.cut(year))

    def career(self, staff: str, on: date) -> tuple[Event, list[Any], list[Any]]:
        """Attributes on a day (out of post: the nearest), stays here, stays from `service_from`."""
        ends, stays, service = {}, list[Any](), list[Any]()
        said = self.of("staff.appointed", "staff.changed", staff=staff)
        posts = sorted((day(d["valid_from"]), order, kind == "staff.appointed", d) for order, kind, d in said)
        begins = [post for post in posts if post[2]]
        attributes = begins[0][3] if begins else Event()
        for order, _, d in self.of("staff.left", staff=staff):
            begun = [post[1] for post in begins if post[1] < order and post[0] <= day(d["valid_to"])]
            ends.update({o: day(d["valid_to"]) for o in begun[-1:]})
        for i, begin in enumerate(begins):  # a new appointment ends the one before and replaces all attributes
            first, following = begin[0], [later[0] - DAY for later in begins[i + 1 :]]
            last = min([ends.get(begin[1], date.max), *following])
            changes = [p for p in posts if not p[2] and p[:2] > begin[:2] and p[0] <= min(last, on)]
            known = [d for *_, d in [begin, *changes] if first <= on]
            attributes = {name: value for d in known for name, value in d.items()} or attributes
            since = [day(d["service_from"], first) for d in known if "service_from" in d][-1:]
            stays, service = [*stays, (first, last)], [*service, (min([first, *since]), last)]
        return attributes, stays, service

    def service(self, staff: str, year: int, kinds: list[str], on: date) -> tuple[set[date], set[date]]:
        """Days of the year in state service by the attributes of a day, and those with an absence of these kinds."""
        last = {d["absence"]: d for *_, d in self.of("staff.absence_recorded", staff=staff)}.values()
        absences = [(day(d["from"]), day(d.get("to"), date.max)) for d in last if d["kind"] in kinds]
        days, (*_, stays) = [date(year, 1, 1) + i * DAY for i in range(366)], self.career(staff, on)
        employed = {on for on in days if on.year == year and any(first <= on <= last for first, last in stays)}
        return employed, {on for on in employed if any(first <= on <= last for first, last in absences)}

    def acts(self, staff: str, year: int) -> list[list[Event]]:
        """The disciplined acts that belong to a year, each with its records."""
        acts: dict[str, list[Event]] = {}
        for _, kind, d in self.of("staff.disciplined", "staff.discipline_withdrawn", staff=staff):
            acts[d["act"]] = [*acts.get(d["act"], []), d] if kind == "staff.disciplined" else []
        decided = {k: int(min(d["decision_date"] for d in act)[:4]) for k, act in acts.items() if act}
        decided.update({k: d["used_in_year"] for k, act in acts.items() for d in act if d.get("used_in_year")})
        return [acts[k] for k, used in decided.items() if used == year]

    def unit_result(self, unit: str | None, year: int) -> Event:
        last = [d["figures"] for *_, d in self.of("rating.unit_result_recorded", unit=unit, year=year)][-1:]
        return last[0] if last and last[0].get("targets") else {}  # with 0 targets: not recorded

    def fact(self, key: str, end: date) -> Any:
        t, lead, below = fold(self.tasks[key], end, self.as_of), self.origin[key]["lead"], [key]
        for k in below:
            below.extend(part for part, d in self.origin.items() if d.get("parent") == k and part not in below)
        parts = [fold(self.tasks[k], end, self.as_of) for k in below[1:] if self.origin[k]["lead"] == lead]
        if any(p.given <= min(end, t.due or end) and not p.cancelled and not p.handed for p in parts):
            t.state = "split"
        return t

    def belongs(self, key: str, year: int) -> bool:
        """Is `year` the first whose cut-off, with that year's E, finds the earlier of due date and result?"""
        for y in range(fold(self.tasks[key], self.as_of, self.as_of).given.year, year + 1):
            t = fold(self.tasks[key], self.end(y), self.as_of)
            if min(t.due or date.max, t.on or date.max) <= self.cut(y):
                return y == year
        return False

    def nd90(self, staff: str, year: int, leader: bool, unit: Event, g: Event) -> str:
        own = [key for key, d in self.origin.items() if d["lead"] == staff and self.belongs(key, year)]
        facts, settings = [self.fact(key, self.end(year)) for key in own], self.settings(year)
        counted = [t for t in facts if t.state in {"completed", "undone"}]
        done, n = [t for t in counted if t.state == "completed"], len(counted)
        undone, late, poor = n - len(done), sum(t.late_times > 0 for t in done), sum(t.poor for t in done)
        failed, exceeded = undone + sum(t.late_times > 0 or t.poor for t in done), sum(t.exceeded for t in done)
        f = Fraction(failed, n or 1)
        g.update(n=n, completed=len(done), undone=undone, late=late, poor=poor, failed=failed, f=f, exceeded=exceeded)
        g.update({name: sum(vars(t)[name] for t in counted) for name in ("late_times", "quality_failures")})
        said = self.of("rating.common_assessed", stage="confirmed", staff=staff, year=year, period=None)
        common = dict.fromkeys(("k1", "k2", "k3", "k4"), "dap_ung")
        common.update({k: v for *_, d in said for k, v in d["items"].items() if k in common})  # each as last confirmed
        g.update(common)

        def share(name: str, of: str = "targets") -> Fraction:  # of 0 units: fulfilled
            return Fraction(unit.get(name, 0), unit[of]) if unit.get(of) else Fraction(1)

        units_met, sound = share("units_hoan_thanh", "units"), "khong" not in common.values()
        well = share("completed") >= 1 and units_met >= 1 and share("units_tot", "units") >= Fraction(7, 10)
        excellent = (well and share("exceeded") >= HALF) if leader else 2 * exceeded >= n
        good = not leader or (well and share("on_time_quality") >= Fraction(4, 5))
        fair = not leader or (share("completed") > Fraction(7, 10) and units_met >= Fraction(7, 10))
        rules = [  # rules 2 to 7 in their order; the first that applies decides
            (g["discipline"] or unit.get("corruption"), "khong_hoan_thanh"),
            (n == 0 and not unit, "chua_du_du_lieu"),
            (unit and share("completed") < HALF, "khong_hoan_thanh"),
            (f > HALF, "can_xem_xet" if n < int(settings["min_tasks"]) else "khong_hoan_thanh"),
            (leader and not unit, "can_xem_xet"),
            (failed == 0 and set(common.values()) == {"tot"} and excellent, "xuat_sac"),
            (failed == 0 and sound and good, "tot"),
            (undone == 0 and f <= Fraction(1, 5) and sound and fair, "hoan_thanh"),
        ]
        level = next((level for applies, level in rules if applies), "can_xem_xet")
        capped = g["days_absent"] >= int(settings["days_3_months"]) and level in {"tot", "xuat_sac"}
        return "hoan_thanh" if capped else level

    def closings(self, staff: str) -> dict[str, Event]:
        """The closings in force by period; reopening one reopens the later ones of the year."""
        found: dict[str, Event] = {}
        for _, kind, d in self.of("rating.period_closed", "rating.period_reopened"):
            year, begin = d["period"][:4], bounds(d["period"])[0]
            if staff in d["staff"] and kind == "rating.period_closed":
                found = {**{p: c for p, c in found.items() if p != d["period"]}, d["period"]: d}
            elif staff in d["staff"]:
                found = {p: c for p, c in found.items() if p[:4] != year or bounds(p)[0] < begin}
        return found

    def at(self, inputs: Event, on: str) -> Records:
        logs = {source: events[: pinned(inputs, source)] for source, events in self.logs.items()}
        key = (*map(len, logs.values()), on)  # pins may lie behind the end of what is itself a cut
        if key not in self.cuts:
            self.cuts[key] = Records(logs, day(on), self.cuts)
        return self.cuts[key]

    def inside(self, staff: str, period: str) -> list[str]:
        """Tasks by due date in force (without one: by the result's day), unless a closed period holds them."""
        if (staff, period) not in self.stay_in:  # closed from other records, a period is open in these
            closed = [(p, c, self.at(c, c["closed_on"])) for p, c in self.closings(staff).items() if p != period]
            self.stay_in[staff, period] = {k: (p, c) for p, c, then in closed[::-1] for k in then.inside(staff, p)}
        (first, last), stay, on = bounds(period), self.stay_in[staff, period], self.as_of
        own = {k: fold(self.tasks[k], on, on) for k, d in self.origin.items() if d["lead"] == staff and k not in stay}
        here = [k for k, t in own.items() if first <= (t.due or t.on or date.min) <= last]
        return here + [k for k, (home, _) in stay.items() if home == period]

    def compute(self, staff: str, year: int, period: str) -> Event:
        """A period's figures, as of the day of these records; `score` only where it may enter a mean."""
        settings, (first, last), own, later = self.settings(year), bounds(period), self.inside(staff, period), []
        for key, (home, closing) in self.stay_in[staff, period].items():  # first accepted here, behind that closing
            at, on = next(((e[0], e[1]) for e in self.tasks[key] if e[2] == "task.completed"), (0, date.min))
            later += [key] if home != period and at > pinned(closing, "tasks") and first <= on <= last else []
        facts = {key: self.fact(key, self.as_of) for key in own + later}
        for key, t in facts.items():
            t.value = Fraction(t.coefficient or settings["blank_coefficient"])
            t.planned = key in own and self.origin[key].get("origin") not in {"ad_hoc", "taken_over"}
        done = [t for t in facts.values() if t.state == "completed"]
        planned = [t.value for t in facts.values() if t.planned and t.state in {"completed", "undone", "unable"}]
        weight = sum(planned) or sum(t.value for t in done)
        leader = bool(self.career(staff, min(last, self.as_of))[0].get("leader"))
        said = [d for *_, d in self.of("rating.leader_criteria_recorded", staff=staff, period=period) if leader]
        g: Event = {k: Fraction(d[k], 100) for d in said for k in ("d", "dd", "e") if d.get(k) is not None}
        if weight:
            step = Fraction(1, 1 if settings["late_reading"] == "zero" else 4)
            g["a"] = sum(t.value for t in done) / weight
            g["b"] = sum(t.value * max(0, 1 - Fraction(t.quality_failures, 4)) for t in done if not t.poor) / weight
            g["c"] = sum(t.value * max(0, 1 - step * t.late_times) for t in done) / weight
            g.update({k: min(g[k], Fraction(1)) for k in "abc" if settings["cap"] == "each"})
            g.update({"R": sum(g.values()) / len(g)} if not leader or len(g) == 6 else {}, W=weight)
        confirmed = self.of("rating.common_assessed", stage="confirmed", staff=staff, period=period)
        points = {k: Fraction(str(v)) for *_, d in confirmed for k, v in d["items"].items() if k in COMMON_335}
        g.update({"common": sum(points.values())} if len(points) == len(COMMON_335) else {})
        employed, absent = self.service(staff, year, [*ABSENT["nd90"], "protected"], min(last, self.as_of))
        if "R" in g and "common" in g and any(first <= on <= last for on in employed - absent):
            score = g["common"] + 70 * g["R"]
            g["score"] = score if settings["cap"] == "none" else min(score, Fraction(100))
        return g

    def nd335(self, staff: str, year: int, unit: Event, g: Event) -> str:
        monthly, closed = self.settings(year)["period"] == "month", self.closings(staff)
        received = {d["period"]: d["score"] for *_, d in self.of("rating.period_result_received", staff=staff)}
        scores: dict[int, Fraction] = {}
        for period in [f"{year}-{m:02}" for m in range(1, 13)] if monthly else [f"{year}-Q{q}" for q in (1, 2, 3, 4)]:
            if bounds(period)[0] <= self.as_of:
                then = self.at(closed[period], closed[period]["closed_on"]) if period in closed else self
                found = then.compute(staff, year, period)
                found = {"score": Fraction(str(received[period])), **found} if period in received else found
                scores.update({bounds(period)[0].month: found["score"]} if "score" in found else {})
                g.update({f"{period}.{name}": value for name, value in found.items()})
        means = {"h1": (1, 6), "h2": (7, 12), "score": (1, 12), **{f"q{q}": (3 * q - 2, 3 * q) for q in (1, 2, 3, 4)}}
        for name, (first, last) in means.items():
            those = [score for month, score in scores.items() if first <= month <= last]
            g.update({name: sum(those, Fraction(0)) / len(those)} if those else {})
        on, (_, stays, _) = self.end(year), self.career(staff, self.end(year))
        acts = [act for act in self.acts(staff, year) if any(d.get("public_duty") or d.get("degradation") for d in act)]
        grave = [day(act[-1]["act_date"]) for act in acts]
        if unit.get("corruption") or any(a <= act <= b for act in grave for a, b in stays):  # while in post here
            return "khong_hoan_thanh"
        if "score" not in g:
            return "chua_du_du_lieu"
        units = sorted((d["valid_from"], order, d) for order, _, d in self.of("unit.defined"))
        in_force = {d["unit"]: d for first, _, d in units if day(first) <= on}.values()
        headed = [d["unit"] for d in in_force if d.get("head") == staff and day(d.get("valid_to"), date.max) >= on]
        caps = [LEVELS.index(lv) for lv in (self.unit_result(u, year).get("level") for u in headed) if lv in LEVELS]
        return LEVELS[min([sum(g["score"] >= bound for bound in (50, 70, 90)), *caps])]

    def rate(self, year: int, staff: str) -> Event:
        on, g, level = self.end(year), Event(), "can_xem_xet"
        attributes, stays, _ = self.career(staff, on)
        category, old = attributes.get("category", "dau_moi"), year <= 2025
        table = {"dau_moi": "none", "can_bo": "nd90", "cong_chuc": "nd90" if old else "nd335"}
        chosen = [d["rule_set"] for *_, d in self.of("rating.rule_set_chosen", year=year, category=category)]
        rule_set = [table.get(category, "nd90" if old else "none"), *chosen][-1]
        if rule_set in ABSENT:
            employed, absent = self.service(staff, year, ABSENT[rule_set], on)
            acts = len(self.acts(staff, year))
            g.update(days_worked=len(employed - absent), days_absent=len(absent), discipline=acts)
            leader = bool(attributes.get("leader")) or (category == "can_bo" and rule_set == "nd90")
            unit = self.unit_result(attributes.get("leads_unit"), year) if leader else {}
            level = self.nd90(staff, year, leader, unit, g) if rule_set == "nd90" else self.nd335(staff, year, unit, g)
        here = any(first <= on <= last for first, last in stays) and attributes.get("rated") is not False
        if not here or rule_set == "none" or g.get("days_worked", 366) < int(self.settings(year)["days_6_months"]):
            level = "khong_xep_loai"
        figures = {name: str(value) if isinstance(value, Fraction) else value for name, value in g.items()}
        return {"rule_set": rule_set, "level": level, "figures": figures}

    def rated_staff(self, year: int) -> list[str]:
        found = {d["staff"]: self.career(d["staff"], self.end(year)) for *_, d in self.of("staff.appointed")}
        here = [s for s, (_, stays, _) in found.items() if any(a <= b and a.year <= year <= b.year for a, b in stays)]
        merged = any(d.get("predecessors") and year < day(d["valid_from"]).year for *_, d in self.of("commune.opened"))
        return sorted(s for s in here if found[s][0].get("rated") is not False and not merged)


def rate(logs: dict[str, list[Event]], year: int, staff: str, on: date) -> Event:  # seen from the day `on`
    return Records(logs, on).rate(year, staff)


def rated_staff(logs: dict[str, list[Event]], year: int, on: date) -> list[str]:
    return Records(logs, on).rated_staff(year)


def differences(own: Event, entry: Event, known: Records, year: int, sheet: Event) -> list[str]:
    """What the results say of a person, against what was recomputed and against the rating's events."""
    found = [(name, entry["figures"].get(name), value) for name, value in own["figures"].items()]
    found += [("rule_set", entry["rule_set"], own["rule_set"])]
    parts = (("level", "computed_level"), ("figures", "figures"), ("rule_set", "rule_set"))
    found += [(f"{b} (phiếu)", entry[b], sheet[a]) for a, b in parts if a in sheet]
    if own["rule_set"] in {*ABSENT, "none"}:
        found += [("computed_level", entry["computed_level"], own["level"])]
    if entry.get("proposal"):
        proposed = [d for *_, d in known.of("rating.proposed", staff=entry["staff"], proposal=entry["proposal"])]
        keys = {"level": "computed_level", **{k: k for k in ("rule_set", "evaluated_on", "inputs", "sheet_sha256")}}
        found += [(f"{b} (đề xuất)", entry.get(b), (proposed or [{}])[0].get(a)) for a, b in keys.items()]
    decided = [d["level"] for *_, d in known.of("rating.decided", "rating.re_rated", staff=entry["staff"], year=year)]
    found += [("level", entry["level"], [entry["computed_level"], *decided][-1])]
    found += [("standing (đã quyết định)", entry["standing"] in {"decided", "re_rated"}, bool(decided))]
    found += [("decided_level thuộc các quyết định", entry.get("decided_level") in (decided or [None]), True)]
    return [f"{name}: results.json ghi {theirs}, tính lại {ours}" for name, theirs, ours in found if theirs != ours]


def main(folder: Path) -> int:
    said = list[str]()
    try:
        results = json.loads((folder / "results.json").read_bytes())
        paths = {name: folder / "logs" / f"{name}.jsonl" for name in ("tasks", "scoring")}
        logs = {name: [json.loads(line) for line in path.read_bytes().splitlines()] for name, path in paths.items()}
        sheets = {path.stem: json.loads(path.read_bytes()) for path in folder.glob("sheets/*.json")}
        year, entries, full = results["year"], results["ratings"], Records(logs, date.max - DAY)
        for entry in entries:
            own = full.at(entry, entry["evaluated_on"]).rate(year, entry["staff"])
            found = differences(own, entry, full, year, sheets.get(entry["staff"], {}))
            found += [f"nhật ký {s} ngắn hơn vị trí đã ghim" for s in logs if pinned(entry, s) > len(logs[s])]
            agree = "khớp" if own["rule_set"] in {*ABSENT, "none"} else "khớp (bộ quy tắc không tính lại được ở đây)"
            said.append(f"{entry['staff']}: {'LỆCH: ' + '; '.join(found) if found else agree}")
        last = max(entries, key=lambda e: (pinned(e, "tasks"), pinned(e, "scoring"), e["evaluated_on"]), default=None)
        rated = (full.at(last, last["evaluated_on"]) if last else full).rated_staff(year)
        missing = sorted(set(rated) - {entry["staff"] for entry in entries}) if not results.get("person") else []
        said += [f"{staff}: LỆCH: có xếp loại theo nhật ký, thiếu trong results.json" for staff in missing]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        print(f"Không đọc được bộ hồ sơ {folder}: {type(problem).__name__}: {problem}")
        return 2
    wrong = sum(": LỆCH: " in line for line in said)
    print(*said, f"Năm {year}: {len(entries)} người trong results.json, {wrong} người lệch.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parent))
