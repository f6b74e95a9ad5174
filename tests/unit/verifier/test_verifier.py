"""The stand-alone verifier: the worked examples of the rating rules, their edges, and bundles tampered with."""

import ast
import base64
import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from verifier import chain, rating

FOLDER = Path(rating.__file__).parent
GOLDEN = Path(__file__).parents[2] / "golden" / "v1"
TEN = {item: "5" if item in {"I.1", "I.2"} else "2.5" for item in rating.COMMON_335}  # 30 points
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH")


class Commune:
    """Two logs, written by hand: `tasks("2026-03-01", "task.assigned", task="t1", …)`."""

    def __init__(self):
        self.lines: dict[str, list[bytes]] = {"tasks": [], "scoring": []}
        self.add("tasks", "2020-01-01", "commune.opened", name="xã thử", code="1", valid_from="2020-01-01")

    def add(self, log, day, kind, /, **data):
        lines = self.lines[log]
        known = [json.loads(line) for line in lines]
        subject = f"{kind.split('.', maxsplit=1)[0]}/{data.get('task') or data.get('staff') or data.get('year', '')}"
        event: dict[str, Any] = {
            "specversion": "1.0",
            "source": f"/{log}",
            "type": f"vn.cchc.{kind}.v1",
            "subject": subject,
        }
        event["time"] = max(f"{day}T01:00:00.000Z", known[-1]["time"] if known else "")
        event.update(commune="thu", position=len(lines) + 1, actor="staff/p1")
        event["streamversion"] = 1 + sum(e["subject"] == subject for e in known)
        event["previoushash"] = chain.digest(lines[-1]) if lines else "0" * 64
        lines.append(json.dumps({**event, "data": data}, ensure_ascii=False).encode())

    def tasks(self, day, kind, /, **data):
        self.add("tasks", day, kind, **data)

    def scoring(self, day, kind, /, **data):
        self.add("scoring", day, kind, **data)

    def appoint(self, staff="p1", category="cong_chuc", valid_from="2020-01-01", **data):
        self.tasks(valid_from, "staff.appointed", staff=staff, category=category, valid_from=valid_from, **data)

    def task(self, task, *steps, due=None, given="2024-01-05", coefficient="1", lead="p1", **data):
        data = {"lead": lead, "coefficient": coefficient, "origin": "planned", "due_version": 1, **data}
        given_due = {"text": "", **({"date": due} if due else {})}
        self.tasks(given, "task.assigned", task=task, due=given_due, assigned_on=given, **data)
        for step in steps:
            self.step(task, *step)

    def step(self, task, day, kind, on=None, due=None, /, **data):
        """What happens to a task; a due version is numbered by itself."""
        if on or kind in {"result_reported", "completed"}:
            data["on"] = on or day
        if due:
            numbers = [e["data"].get("due_version", 0) for e in self.logs["tasks"] if e["data"].get("task") == task]
            data.update(due={"text": "", "date": due}, due_version=max(numbers) + 1)
        self.tasks(day, f"task.{kind}", task=task, **data)

    def done(self, task, due, on=None, **data):
        on = on or due
        self.task(task, (on, "result_reported"), (on, "completed"), due=due, **data)

    def close(self, period, on):
        self.scoring(on, "rating.period_closed", period=period, staff=["p1"], closed_on=on, inputs=self.inputs())

    def confirm(self, period, points):
        """Confirm so many of the 30 points for a period."""
        items = dict(TEN, **{"I.1": str(Fraction(points) - 25)})
        data = {"staff": "p1", "year": int(period[:4]), "items": items, "stage": "confirmed", "by": "p2"}
        self.scoring(f"{period}-28", "rating.common_assessed", period=period, **data)

    def common(self, *values, year=2024):
        items = {f"k{i}": value for i, value in enumerate(values, 1)}
        self.scoring(f"{year}-12-01", "rating.common_assessed", staff="p1", year=year, items=items, stage="confirmed")

    def inputs(self):
        hashes = {log: chain.digest(lines[-1]) if lines else "0" * 64 for log, lines in self.lines.items()}
        return [{"source": log, "position": len(self.lines[log]), "hash": hashes[log]} for log in self.lines]

    @property
    def logs(self):
        return {log: [json.loads(line) for line in lines] for log, lines in self.lines.items()}

    def rate(self, on="2024-12-31", year=None, staff="p1"):
        return rating.rate(self.logs, year or int(on[:4]), staff, date.fromisoformat(on))

    def level(self, on="2024-12-31", **where):
        return self.rate(on, **where)["level"]


@pytest.fixture
def commune():
    made = Commune()
    made.appoint()
    return made


# The worked examples


def test_example_1_coefficients_lateness_and_quality(commune):
    commune.done("t1", "2026-03-10", given="2026-03-01", coefficient="1")
    commune.done("t2", "2026-03-10", given="2026-03-01", coefficient="2")
    failed = ("2026-03-05", "result_returned", None, "2026-03-10")
    commune.task("t3", ("2026-03-05", "result_reported"), due="2026-03-10", given="2026-03-01", coefficient="3")
    commune.step("t3", *failed, quality_failure=True)
    commune.step("t3", "2026-03-09", "result_reported")
    commune.step("t3", "2026-03-09", "completed")
    commune.done("t4", "2026-03-10", on="2026-03-11", given="2026-03-01", coefficient="4")
    commune.confirm("2026-03", 28)
    figures = commune.rate("2026-04-15")["figures"]
    found = {name: figures[f"2026-03.{name}"] for name in ("W", "a", "b", "c", "R", "common", "score")}
    assert found == {"W": "10", "a": "1", "b": "37/40", "c": "9/10", "R": "113/120", "common": "28", "score": "1127/12"}
    assert (commune.level("2026-04-15"), figures["q1"], figures["score"]) == ("xuat_sac", "1127/12", "1127/12")
    assert "2026-04.W" not in figures and "2026-05.common" not in figures


@pytest.mark.parametrize(
    ("asked", "granted", "late", "level"), [("06-28", "07-03", 0, "tot"), ("07-01", "07-02", 1, "hoan_thanh")]
)
def test_example_2_extension(commune, asked, granted, late, level):
    commune.task("t0", (f"2024-{asked}", "extension_requested"), due="2024-06-30")
    commune.step("t0", f"2024-{granted}", "extension_granted", None, "2024-07-15")
    commune.step("t0", "2024-07-12", "result_reported")
    commune.step("t0", "2024-07-20", "completed", "2024-07-12")
    for i in range(1, 5):
        commune.done(f"t{i}", "2024-05-31")
    rated = commune.rate()
    figures = rated["figures"]
    assert (rated["level"], figures["late_times"], figures["f"]) == (level, late, "1/5" if late else "0")


def test_example_3_returned_over_the_cut_off(commune):
    for i in range(1, 5):
        commune.done(f"t{i}", "2024-05-31")
    commune.task("t5", ("2024-12-08", "result_reported"), due="2024-12-08")
    commune.step("t5", "2024-12-12", "result_returned", None, "2024-12-20")
    rated = commune.rate()
    assert (rated["level"], rated["figures"]["n"], rated["figures"]["f"]) == ("tot", 4, "0")
    assert commune.rate("2025-12-31")["figures"]["n"] == 1


def test_example_3_extended_over_the_cut_off(commune):
    for i in range(1, 5):
        commune.done(f"t{i}", "2024-05-31")
    commune.task("t5", ("2024-12-11", "extension_requested"), due="2024-12-08")
    commune.step("t5", "2024-12-12", "extension_granted", None, "2024-12-20")
    rated = commune.rate()
    assert (rated["level"], rated["figures"]["undone"], rated["figures"]["f"]) == ("can_xem_xet", 1, "1/5")
    assert commune.rate("2025-12-31")["figures"]["n"] == 0


@pytest.mark.parametrize(("again", "late"), [("2024-09-25", 0), ("2024-10-05", 1)])
def test_example_4_reopened(commune, again, late):
    commune.done("t1", "2024-06-30", on="2024-06-29")
    commune.step("t1", "2024-09-10", "reopened", None, "2024-09-30")
    commune.step("t1", again, "result_reported")
    commune.step("t1", again, "completed")
    figures = commune.rate()["figures"]
    assert (figures["n"], figures["late_times"], figures["late"]) == (1, late, late)


def test_example_5_late_after_closing(commune):
    commune.done("t1", "2026-06-20", given="2026-06-01", coefficient="3")
    commune.task("t2", due="2026-06-25", given="2026-06-01")
    commune.done("t3", "2026-07-03", given="2026-06-01", coefficient="4")
    commune.confirm("2026-06", 27)
    commune.close("2026-06", "2026-07-05")
    commune.step("t2", "2026-07-09", "result_reported")
    commune.step("t2", "2026-07-09", "completed")
    commune.confirm("2026-07", 27)
    figures = commune.rate("2026-08-01")["figures"]
    assert {figures[f"2026-06.{name}"] for name in "abcR"} == {"3/4"}
    assert (figures["2026-06.score"], figures["2026-07.score"]) == ("159/2", "100")
    assert [figures[f"2026-07.{name}"] for name in ("W", "a", "b", "c", "R")] == ["4", "5/4", "5/4", "19/16", "59/48"]
    commune.scoring("2026-08-02", "rating.period_reopened", period="2026-06", staff=["p1"], reason="")
    assert commune.rate("2026-08-03")["figures"]["2026-06.a"] == "1"
    assert commune.rate("2026-08-03")["figures"]["2026-07.a"] == "1"


def test_example_6_only_an_ad_hoc_task(commune):
    commune.done("t1", "2026-06-20", on="2026-06-21", given="2026-06-01", coefficient="2", origin="ad_hoc")
    commune.confirm("2026-06", 25)
    rated = commune.rate("2026-07-05")
    assert [rated["figures"][f"2026-06.{name}"] for name in ("W", "a", "b", "c")] == ["2", "1", "1", "3/4"]
    assert (rated["figures"]["score"], rated["level"]) == ("535/6", "tot")


# Edges


@pytest.mark.parametrize(
    ("tasks", "late", "exceeded", "k1", "level"),
    [
        (5, 1, 0, "dap_ung", "hoan_thanh"),  # exactly 20 %
        (6, 1, 0, "khong", "can_xem_xet"),
        (9, 2, 0, "dap_ung", "can_xem_xet"),  # above 20 %
        (4, 2, 0, "dap_ung", "can_xem_xet"),  # exactly 50 %
        (3, 2, 0, "dap_ung", "khong_hoan_thanh"),  # above 50 %
        (2, 2, 0, "dap_ung", "can_xem_xet"),  # fewer than min_tasks
        (4, 0, 2, "tot", "xuat_sac"),  # exactly half exceeded
        (5, 0, 2, "tot", "tot"),
        (4, 0, 2, "dap_ung", "tot"),
        (0, 0, 0, "tot", "chua_du_du_lieu"),
    ],
)
def test_nd90_edges(commune, tasks, late, exceeded, k1, level):
    for i in range(tasks):
        commune.done(f"t{i}", "2024-05-31", on="2024-06-01" if i < late else "2024-05-31")
        if i >= tasks - exceeded:
            commune.step(f"t{i}", "2024-06-02", "reopened", None, "2024-07-31")
            commune.step(f"t{i}", "2024-06-03", "completed", quality="met", exceeded={"kind": "early", "reason": "x"})
    commune.common(k1, "tot", "tot", "tot")
    rated = commune.rate()
    assert (rated["level"], rated["figures"]["failed"], rated["figures"]["exceeded"]) == (level, late, exceeded)


@pytest.mark.parametrize(
    ("unit", "level"),
    [
        ({"completed": 49}, "khong_hoan_thanh"),
        ({"completed": 50}, "can_xem_xet"),
        ({"completed": 70}, "can_xem_xet"),
        ({"completed": 71}, "hoan_thanh"),
        ({"completed": 71, "units_hoan_thanh": 7}, "hoan_thanh"),
        ({"completed": 71, "units_hoan_thanh": 6}, "can_xem_xet"),
        ({"on_time_quality": 79}, "hoan_thanh"),
        ({"on_time_quality": 80}, "tot"),
        ({"units_tot": 6}, "hoan_thanh"),
        ({"units_tot": 7, "exceeded": 50}, "xuat_sac"),
        ({"units": 0, "units_tot": 0, "units_hoan_thanh": 0, "exceeded": 50}, "xuat_sac"),
        ({"corruption": True}, "khong_hoan_thanh"),
        ({"targets": 0, "corruption": True}, "can_xem_xet"),
    ],
)
def test_nd90_leaders(unit, level):
    commune = Commune()
    commune.appoint(category="can_bo", leads_unit="thu")
    commune.done("t1", "2024-05-31")
    commune.common("tot", "tot", "tot", "tot")
    figures = {"targets": 100, "completed": 100, "on_time_quality": 80, "exceeded": 0, "units": 10}
    figures.update({"units_hoan_thanh": 10, "units_tot": 10, **unit})
    commune.scoring("2024-12-01", "rating.unit_result_recorded", unit="thu", year=2024, figures=figures)
    assert commune.level() == level


@pytest.mark.parametrize(
    ("score", "level"),
    [
        ("90", "xuat_sac"),
        ("8999/100", "tot"),
        ("70", "tot"),
        ("69.99", "hoan_thanh"),
        ("50", "hoan_thanh"),
        ("49.99", "khong_hoan_thanh"),
    ],
)
def test_nd335_edges(commune, score, level):
    commune.scoring("2026-02-01", "rating.period_result_received", staff="p1", period="2026-01", score=score)
    assert (commune.level("2026-03-01"), commune.level("2026-03-01", staff="p9")) == (level, "khong_xep_loai")
    commune.tasks("2026-02-02", "unit.defined", unit="u", kind="department", valid_from="2026-01-01", head="p1")
    figures = {"targets": 1, "level": "hoan_thanh"}
    commune.scoring("2026-02-02", "rating.unit_result_recorded", unit="u", year=2026, figures=figures)
    least = min(level, "hoan_thanh", key=rating.LEVELS.index)
    assert commune.level("2026-03-01") == least


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, ["2", "3/2", "3/2", "11/8", "35/24", "100"]),
        ({"cap": "each"}, ["2", "1", "1", "1", "1", "97"]),
        ({"cap": "none"}, ["2", "3/2", "3/2", "11/8", "35/24", "1549/12"]),
        ({"late_reading": "zero", "cap": "none"}, ["2", "3/2", "3/2", "1", "4/3", "361/3"]),
        ({"blank_coefficient": "2", "cap": "none"}, ["3", "4/3", "4/3", "5/4", "47/36", "2131/18"]),
    ],
)
def test_nd335_what_is_in_w(commune, settings, found):
    given = {"given": "2026-06-01"}
    commune.scoring("2026-01-02", "rating.settings_chosen", year=2026, settings=settings)
    commune.done("blank", "2026-06-20", coefficient=None, **given)
    commune.done("taken_over", "2026-06-20", origin="taken_over", **given)
    for kind in ("unable", "reassigned"):
        commune.task(kind, due="2026-06-20", **given)
        commune.step(kind, "2026-06-20", "handed_back", kind=kind)
    commune.done("ad_hoc", "2026-06-20", on="2026-06-21", origin="ad_hoc", **given)
    commune.task("lost", due="2026-06-20", **given)
    commune.step("lost", "2026-07-01", "objective_cause_confirmed", of="lateness", reason="")
    commune.done("cancelled", "2026-06-20", **given)
    commune.step("cancelled", "2026-07-01", "cancelled")
    commune.done("later", "2026-07-20", on="2026-06-20", **given)
    commune.confirm("2026-06", 27)
    figures = commune.rate("2026-07-05")["figures"]
    assert [figures[f"2026-06.{name}"] for name in ("W", "a", "b", "c", "R", "score")] == found


def test_nd335_leaders_quarters_and_absence(commune):
    commune.appoint("p1", leader=True, valid_from="2026-01-01")
    commune.scoring("2026-01-02", "rating.settings_chosen", year=2026, settings={"period": "quarter"})
    commune.done("t1", "2026-02-20", given="2026-01-05")
    commune.scoring("2026-03-31", "rating.common_assessed", staff="p1", period="2026-Q1", items=TEN, stage="confirmed")
    figures = commune.rate("2026-04-05")["figures"]
    assert "2026-Q1.R" not in figures and figures["2026-Q1.common"] == "30"
    criteria = {"staff": "p1", "period": "2026-Q1", "d": 100, "dd": 50, "e": 50}
    commune.scoring("2026-03-31", "rating.leader_criteria_recorded", **criteria)
    figures = commune.rate("2026-04-05")["figures"]
    assert [figures[f"2026-Q1.{name}"] for name in ("dd", "R")] == ["1/2", "5/6"]
    assert {figures[name] for name in ("2026-Q1.score", "q1", "h1", "score")} == {"265/3"}
    away = {"absence": "a", "kind": "protected", "from": "2026-01-01", "to": "2026-03-31"}
    commune.add("tasks", "2026-04-01", "staff.absence_recorded", staff="p1", **away)
    figures = commune.rate("2026-04-05")["figures"]
    assert figures["2026-Q1.R"] == "5/6" and "score" not in figures


def test_nd335_a_year_of_closings(commune):
    for month in range(1, 12):
        commune.done(f"t{month}", f"2026-{month:02}-20", given="2026-01-05")
        commune.confirm(f"2026-{month:02}", 25)
        commune.close(f"2026-{month:02}", f"2026-{month + 1:02}-05")
    commune.step("t1", "2026-12-06", "reopened", None, "2026-12-20")
    figures = commune.rate("2026-12-31")["figures"]
    assert (figures["score"], figures["2026-11.a"], "2026-12.W" in figures) == ("95", "1", False)


@pytest.mark.parametrize(
    ("kind", "to", "figures", "level"),
    [
        ("insured", "2024-06-28", (186, 180), "hoan_thanh"),
        ("unpaid", None, (0, 366), "khong_xep_loai"),
        ("protected", None, (366, 0), "tot"),
        ("other", "2024-03-29", (277, 89), "tot"),
        ("other", "2024-03-30", (276, 90), "hoan_thanh"),
        ("insured", "2024-07-04", (180, 186), "hoan_thanh"),
        ("insured", "2024-07-05", (179, 187), "khong_xep_loai"),
    ],
)
def test_days(commune, kind, to, figures, level):
    commune.done("t1", "2024-05-31")
    absence = {"staff": "p1", "absence": "a1", "from": "2024-01-01"}
    commune.tasks("2024-01-01", "staff.absence_recorded", kind="unpaid", **absence)
    commune.tasks("2024-01-01", "staff.absence_recorded", kind=kind, **absence, **({"to": to} if to else {}))
    if kind == "insured" and to == "2024-06-28":
        commune.tasks("2024-01-01", "staff.absence_recorded", kind="protected", **{**absence, "absence": "a2"})
    rated = commune.rate()
    assert (rated["figures"]["days_worked"], rated["figures"]["days_absent"], rated["level"]) == (*figures, level)


REPORT, DONE = ("2024-06-10", "result_reported"), ("2024-06-12", "completed", "2024-06-10")


@pytest.mark.parametrize(
    ("due", "steps", "state", "late"),
    [
        ("2024-06-10", [], "undone", 1),
        ("2024-12-09", [], "undone", 1),
        ("2024-12-11", [], "open", 0),
        (None, [], "open", 0),
        ("2024-06-10", [REPORT, DONE], "completed", 0),
        ("2024-06-09", [REPORT, DONE], "completed", 1),
        ("2024-06-10", [REPORT], "pending", 0),
        ("2024-06-09", [REPORT], "pending", 1),
        # a correction keeps the place of what it corrects …
        ("2024-06-09", [("2024-06-20", "due_confirmed", None, "2024-06-15")], "undone", 1),
        # … one to an earlier date is a new version, past already when it was set
        ("2024-06-30", [("2024-06-20", "due_confirmed", None, "2024-06-15")], "undone", 0),
        ("2024-06-30", [("2024-06-20", "due_confirmed", None, "2024-06-25")], "undone", 1),
        (None, [("2024-06-20", "due_confirmed", None, "2024-06-15")], "undone", 0),
        (None, [("2024-06-20", "due_confirmed", None, "2024-06-25")], "undone", 1),
        # an answered request is used up
        (
            "2024-06-10",
            [
                ("2024-06-05", "extension_requested"),
                ("2024-06-06", "extension_refused"),
                ("2024-06-11", "extension_granted", None, "2024-06-20"),
            ],
            "undone",
            2,
        ),
        # returned by the day of its first report, then late
        ("2024-06-10", [REPORT, ("2024-06-12", "result_returned", None, "2024-06-20")], "undone", 1),
        # accepted in time, reopened, handed back
        ("2024-06-10", [REPORT, DONE, ("2024-07-01", "reopened", None, "2024-07-20")], "undone", 1),
        ("2024-06-10", [("2024-06-10", "handed_back", None, None, "unable")], "unable", 1),
        ("2024-06-10", [("2024-06-10", "handed_back", None, None, "reassigned")], "handed_back", 1),
        ("2024-06-10", [("2024-06-11", "handed_back", None, None, "reassigned")], "undone", 1),
        ("2024-06-10", [("2024-12-11", "handed_back", None, None, "unable")], "undone", 1),
        (None, [("2024-06-11", "handed_back", None, None, "unable")], "handed_back", 0),
        ("2024-06-10", [REPORT, ("2024-06-11", "handed_back", None, None, "unable")], "undone", 0),
        ("2024-06-10", [("2024-12-31", "cancelled")], "cancelled", 1),
    ],
)
def test_states_and_missed_deadlines(commune, due, steps, state, late):
    commune.task("t1", due=due)
    for day, kind, *more in steps:
        on, date_, *rest = (*more, None, None)[: max(2, len(more))]
        commune.step("t1", day, kind, on, date_, **({"kind": rest[0]} if rest and rest[0] else {}))
    fact = rating.Records(commune.logs, date(2024, 12, 31)).fact("t1", date(2024, 12, 10))
    assert (fact.state, fact.late_times) == (state, late)


def test_on_its_due_day_a_task_is_not_undone(commune):
    commune.task("t1", due="2024-12-10")
    assert commune.rate("2024-12-10")["figures"]["n"] == 0
    assert commune.rate("2024-12-11")["figures"]["undone"] == 1


@pytest.mark.parametrize(
    ("cause", "found"),
    [
        ({"of": "lateness"}, ("excused", 0, 1)),
        ({"of": "lateness", "due_version": 1}, ("undone", 1, 1)),
        ({"of": "lateness", "due_version": 2}, ("excused", 1, 1)),
        ({"of": "quality"}, ("undone", 2, 0)),
    ],
)
def test_objective_causes(commune, cause, found):
    commune.task("t1", ("2024-06-20", "result_reported"), due="2024-06-10")
    commune.step("t1", "2024-06-21", "result_returned", None, "2024-06-30", quality_failure=True)
    commune.step("t1", "2024-12-20", "objective_cause_confirmed", reason="", **cause)
    fact = rating.Records(commune.logs, date(2024, 12, 31)).fact("t1", date(2024, 12, 10))
    assert (fact.state, fact.late_times, fact.quality_failures) == found


@pytest.mark.parametrize(
    ("given", "lead", "n"), [("2024-06-10", "p1", 2), ("2024-06-11", "p1", 3), ("2024-06-10", "p2", 2)]
)
def test_split_at_any_depth(commune, given, lead, n):
    commune.done("t1", "2024-06-10")
    commune.done("t2", "2024-06-10", lead="p2", parent="t1")
    commune.done("t3", "2024-12-05", given=given, lead=lead, parent="t2")
    commune.done("t4", "2024-06-10")
    assert commune.rate()["figures"]["n"] == n


def test_what_was_carried_over_has_its_own_days(commune):
    history = [
        ("task.assigned", "2024-01-05", {"lead": "p1", "coefficient": "1", "due": {"date": "2024-06-10"}}),
        ("task.result_reported", "2024-06-10", {"on": "2024-06-10"}),
        ("task.completed", "2024-06-11", {"on": "2024-06-10"}),
        ("task.reopened", "2024-07-01", {"due": {"date": "2024-07-20"}, "due_version": 2}),
        ("task.completed", "2024-07-22", {"on": "2024-07-21"}),
    ]
    past = [{"type": f"vn.cchc.{k}.v1", "time": f"{day}T01:00:00.000Z", "data": data} for k, day, data in history]
    commune.tasks("2024-09-01", "task.carried_over", task="t1", history=past)
    figures = commune.rate()["figures"]
    assert (figures["n"], figures["completed"], figures["late_times"]) == (1, 1, 1)


def test_people_acts_and_rule_sets(commune):
    commune.done("t1", "2024-06-10")
    act = {"staff": "p1", "act": "x", "act_date": "2023-12-01", "public_duty": True}
    commune.tasks("2024-02-01", "staff.disciplined", decision_date="2024-01-30", **act)
    assert commune.level() == "khong_hoan_thanh"
    commune.tasks("2024-02-02", "staff.disciplined", decision_date="2023-12-30", **act)
    assert (commune.level(), commune.level("2023-12-31")) == ("tot", "khong_hoan_thanh")
    commune.tasks("2024-02-03", "staff.disciplined", decision_date="2024-03-30", used_in_year=2024, **act)
    assert commune.level() == "khong_hoan_thanh"
    commune.tasks("2024-02-04", "staff.discipline_withdrawn", staff="p1", act="x", reason="")
    assert commune.level() == "tot"
    commune.tasks("2024-11-01", "staff.left", staff="p1", valid_to="2024-12-09")
    assert (commune.level(), commune.rate()["figures"]["days_worked"]) == ("khong_xep_loai", 344)
    commune.tasks("2024-11-02", "staff.left", staff="p1", valid_to="2024-12-10")
    assert commune.level() == "tot"
    commune.appoint("p2", valid_from="2024-11-03", service_from="2010-01-01")
    assert commune.rate(staff="p2")["figures"]["days_worked"] == 366
    commune.appoint("p3", category="dau_moi", rated=False)
    assert commune.rate(staff="p3") == {"rule_set": "none", "level": "khong_xep_loai", "figures": {}}
    assert rating.rated_staff(commune.logs, 2024, date(2024, 12, 31)) == ["p1", "p2"]
    commune.scoring("2024-11-05", "rating.rule_set_chosen", year=2024, category="cong_chuc", rule_set="tinh")
    assert commune.rate() == {"rule_set": "tinh", "level": "can_xem_xet", "figures": {}}


def test_the_recorded_log_gives_every_recorded_figure():
    lines = {log: (GOLDEN / f"{log}.jsonl").read_bytes().splitlines() for log in ("tasks", "scoring")}
    logs = {log: [json.loads(line) for line in those] for log, those in lines.items()}
    records, compared = rating.Records(logs, date(2025, 1, 1)), 0
    for event in logs["scoring"]:
        data = event["data"]
        if event["type"] == "vn.cchc.rating.score_updated.v1":
            found = records.at(data, data["evaluated_on"]).rate(data["year"], data["staff"])
            named = {name: data["figures"].get(name) for name in found["figures"]}
            assert found == {"rule_set": data["rule_set"], "level": data["level"], "figures": named}
            compared += 1
    assert compared > 200


# The bundle


def run(tool, folder, *arguments, env=None):
    command = [sys.executable, "-B", str(FOLDER / f"{tool}.py"), str(folder), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, check=False)
    return done.returncode, done.stdout + done.stderr


def seal(folder):
    """Write SHA256SUMS anew, as somebody who tampers would."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    sums = [f"{chain.digest(path.read_bytes())}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")


def write(folder, commune, results):
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    for log, lines in commune.lines.items():
        (folder / "logs" / f"{log}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    (folder / "results.json").write_text(json.dumps(results, ensure_ascii=False), "utf-8")
    seal(folder)


def checkpoint(folder, lines, signing_key=None, key="k1"):
    """A checkpoint of the tasks log, signed with openssl where a key is given."""
    point = {"commune": "thu", "source": "tasks", "position": len(lines), "hash": chain.digest(lines[-1])}
    point.update(signed_at="2024-12-31T01:00:00.000Z", key=key, signature="")
    if signing_key:
        message, signature = folder / "m", folder / "s"
        message.write_bytes(chain.SIGNED.format_map(point).encode())
        files = ["-inkey", str(signing_key), "-in", str(message), "-out", str(signature)]
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", *files], check=True, capture_output=True)
        point["signature"] = base64.b64encode(signature.read_bytes()).decode()
    return json.dumps(point) + "\n"


@pytest.fixture
def bundle(tmp_path, commune):
    """A small whole bundle: one person proposed and decided, with a rule set and a sheet."""
    folder = tmp_path / "bundle"
    for i in range(5):
        commune.done(f"t{i}", "2024-05-31")
    rules, sheet = {"facts.py": b"# facts\n", "rules.toml": b"name = 1\n"}, b'{"level": "tot"}'
    fed = b"".join(f"{path} {len(body)}\n".encode() + body for path, body in sorted(rules.items()))
    ruled = hashlib.sha256(fed).hexdigest()
    (folder / "rule_sets" / f"nd90-{ruled[:12]}").mkdir(parents=True)
    for path, body in rules.items():
        (folder / "rule_sets" / f"nd90-{ruled[:12]}" / path).write_bytes(body)
    (folder / "sheets").mkdir()
    (folder / "sheets" / "p1.json").write_bytes(sheet)
    commune.common("tot", "tot", "tot", "tot")
    rated = {"level": commune.level(), "rule_set": "nd90", "evaluated_on": "2024-12-31", "inputs": commune.inputs()}
    rated["sheet_sha256"] = chain.digest(sheet)
    entry = {"staff": "p1", "standing": "decided", "computed_level": "tot", "decided_level": "hoan_thanh", **rated}
    entry.update(level="hoan_thanh", proposal="q1", rule_set_sha256=ruled, figures=commune.rate()["figures"])
    commune.scoring("2024-12-31", "rating.proposed", proposal="q1", staff="p1", year=2024, **rated)
    commune.scoring("2024-12-31", "rating.decided", proposal="q1", staff="p1", year=2024, level="hoan_thanh")
    write(folder, commune, {"commune": "thu", "year": 2024, "ratings": [entry]})
    return folder


def test_a_whole_bundle_passes_and_says_what_is_missing(bundle):
    code, said = run("chain", bundle)
    assert code == 0, said
    assert "không có keys" in said and "không có checkpoints.jsonl" in said and "không có sheets" not in said
    code, said = run("rating", bundle)
    assert (code, said.splitlines()[0]) == (0, "p1: khớp")


def flip(lines):
    lines[3] = lines[3].replace(b"2024-05-31", b"2024-05-30", 1)


def swap(lines):
    lines[3], lines[4] = lines[4], lines[3]


@pytest.mark.parametrize(
    "tamper",
    [flip, swap, lambda lines: lines.pop(3), lambda lines: lines.insert(3, lines[3])],
    ids=["flipped", "swapped", "removed", "inserted"],
)
def test_a_tampered_log_is_found(bundle, tamper):
    path = bundle / "logs" / "tasks.jsonl"
    lines = path.read_bytes().splitlines()
    tamper(lines)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    seal(bundle)
    code, said = run("chain", bundle)
    assert code == 1 and "previoushash không khớp" in said


def test_a_removed_event_is_found_once_in_the_chain_and_once_in_its_stream():
    made = Commune()
    made.appoint()
    for number in range(12):
        made.task(f"t{number % 2}", due="2024-05-31")
    lines = made.lines["tasks"]
    said = chain.check(lines[:4] + lines[5:], "/tasks")
    assert len(said) == 2, said
    assert said[0] == "/tasks dòng 5: position không liên tục, previoushash không khớp sự kiện trước"
    assert said[1] == "/tasks dòng 6: streamversion không liên tục"


def test_a_kept_checkpoint_of_a_log_that_the_bundle_lacks_is_said_plainly(bundle, tmp_path, commune):
    kept = tmp_path / "diem-chot.jsonl"
    of_tasks = json.loads(checkpoint(tmp_path, commune.lines["tasks"]))
    elsewhere = of_tasks | {"source": "notifications", "position": 1300}
    kept.write_text("".join(json.dumps(point) + "\n" for point in (of_tasks, elsewhere)))
    code, said = run("chain", bundle, "--checkpoint", kept)
    assert code == 0, said
    assert "dòng 2: notifications/1300: bộ hồ sơ không có nhật ký notifications để đối chiếu" in said
    assert "nằm sau đoạn nhật ký" not in said


@pytest.mark.parametrize("kept", [0, 3])
def test_a_log_cut_off_behind_what_results_pin_is_found(bundle, kept):
    path = bundle / "logs" / "tasks.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in path.read_bytes().splitlines()[:kept]))
    seal(bundle)
    assert run("chain", bundle)[0] == 1
    assert run("rating", bundle)[0] == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"computed_level": "xuat_sac"}, "computed_level"),
        ({"level": "tot"}, "level"),
        ({"rule_set": "nd335"}, "rule_set"),
        ({"evaluated_on": "2025-01-01"}, "evaluated_on"),
        ({"proposal": "q2"}, "đề xuất"),
        ({"standing": "proposed"}, "standing"),
        ({"sheet_sha256": "0" * 64}, "sheet_sha256"),
        ({"figures": {}}, "days_worked"),
    ],
)
def test_a_changed_result_is_found(bundle, change, named):
    path = bundle / "results.json"
    results = json.loads(path.read_bytes())
    results["ratings"][0].update(change)
    path.write_text(json.dumps(results), "utf-8")
    code, said = run("rating", bundle)
    assert code == 1 and named in said.splitlines()[0]
    assert run("chain", bundle)[0] == 1  # SHA256SUMS
    results["ratings"] = []
    path.write_text(json.dumps(results), "utf-8")
    assert run("rating", bundle)[0] == 1


def test_a_sheet_that_says_something_else_is_found(bundle):
    (bundle / "sheets" / "p1.json").write_text('{"level": "xuat_sac"}')
    code, said = run("rating", bundle)
    assert code == 1 and "computed_level (phiếu)" in said


def test_a_bundle_of_one_person_misses_nobody(bundle):
    path = bundle / "results.json"
    results = json.loads(path.read_bytes())
    path.write_text(json.dumps({**results, "ratings": [], "person": "p2"}), "utf-8")
    assert run("rating", bundle)[0] == 0
    path.write_text(json.dumps({**results, "ratings": [], "person": None}), "utf-8")
    assert run("rating", bundle)[0] == 1


@pytest.mark.parametrize("name", ["rule_sets/*/rules.toml", "sheets/p1.json"])
def test_a_changed_attachment_is_found(bundle, name):
    next(bundle.glob(name)).write_bytes(b"changed")
    code, said = run("chain", bundle)
    assert code == 1 and "đã bị sửa" in said
    seal(bundle)
    code, said = run("chain", bundle)
    assert code == 1 and "không khớp SHA-256" in said
    next(bundle.glob(name)).unlink()
    assert "không còn" in run("chain", bundle)[1]
    (bundle / "strange.txt").write_text("x")
    assert "strange.txt lạ" in run("chain", bundle)[1]


def test_a_rewritten_chain_is_caught_by_an_older_checkpoint(bundle, tmp_path):
    path, kept = bundle / "logs" / "tasks.jsonl", tmp_path / "kept.jsonl"
    lines = path.read_bytes().splitlines()
    kept.write_text(checkpoint(tmp_path, lines[:6]), "utf-8")
    assert run("chain", bundle, "--checkpoint", kept)[0] == 0
    rewritten: list[bytes] = []
    results = json.loads((bundle / "results.json").read_bytes())
    for line in lines:
        changed = json.loads(line.replace(b'"on": "2024-05-31"', b'"on": "2024-05-30"'))
        changed["previoushash"] = chain.digest(rewritten[-1]) if rewritten else "0" * 64
        rewritten.append(json.dumps(changed, ensure_ascii=False).encode())
    path.write_bytes(b"".join(line + b"\n" for line in rewritten))
    scoring = (bundle / "logs" / "scoring.jsonl").read_bytes().splitlines()
    ends = {entry["source"]: entry for entry in results["ratings"][0]["inputs"]}
    ends["tasks"]["hash"], old = chain.digest(rewritten[-1]), ends["tasks"]["hash"].encode()
    scoring[1] = scoring[1].replace(old, ends["tasks"]["hash"].encode())
    last = json.loads(scoring[2])
    last["previoushash"] = chain.digest(scoring[1])
    scoring[2] = json.dumps(last, ensure_ascii=False).encode()
    (bundle / "logs" / "scoring.jsonl").write_bytes(b"".join(line + b"\n" for line in scoring))
    (bundle / "results.json").write_text(json.dumps(results), "utf-8")
    seal(bundle)
    assert run("chain", bundle)[0] == 0, "nothing inside the bundle tells"
    code, said = run("chain", bundle, "--checkpoint", kept)
    assert code == 1 and "không còn như khi được ghim" in said


@needs_openssl
def test_signatures(bundle, tmp_path):
    private = tmp_path / "private.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    (bundle / "keys").mkdir()
    export = ["openssl", "pkey", "-in", str(private), "-pubout"]
    der = subprocess.run([*export, "-outform", "DER"], check=True, capture_output=True).stdout
    key = hashlib.sha256(der[-32:]).hexdigest()[:16]
    subprocess.run([*export, "-out", str(bundle / "keys" / f"{key}.pem")], check=True)
    lines = (bundle / "logs" / "tasks.jsonl").read_bytes().splitlines()
    point = checkpoint(tmp_path, lines[:6], private, key)
    (bundle / "checkpoints.jsonl").write_text(point, "utf-8")
    seal(bundle)
    code, said = run("chain", bundle)
    assert code == 0 and f"1 chữ ký đúng theo khóa {key}" in said
    code, said = run("chain", bundle, env={"PATH": ""})
    assert code == 0 and "CHỮ KÝ CHƯA ĐƯỢC KIỂM TRA" in said
    forged = checkpoint(tmp_path, [*lines[:6], lines[6]], key=key)  # another position under the signature of position 6
    forged = json.dumps({**json.loads(forged), "signature": json.loads(point)["signature"]}) + "\n"
    (tmp_path / "forged.jsonl").write_text(point + forged, "utf-8")
    code, said = run("chain", bundle, "--checkpoint", tmp_path / "forged.jsonl")
    assert code == 1 and "forged.jsonl dòng 2: chữ ký sai" in said
    other = tmp_path / "other.pem"  # of somebody who put a key of theirs under the name of the known one
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(other)], check=True)
    swapped = ["-in", str(other), "-pubout", "-out", str(bundle / "keys" / f"{key}.pem")]
    theirs = checkpoint(tmp_path, lines[:6], other, key)
    kept = (bundle / "keys" / f"{key}.pem").read_bytes()
    subprocess.run(["openssl", "pkey", *swapped], check=True)
    (bundle / "checkpoints.jsonl").write_text(theirs, "utf-8")
    seal(bundle)
    code, said = run("chain", bundle)
    assert code == 1 and "khóa không đúng mã" in said
    (bundle / "keys" / f"{key}.pem").write_bytes(kept)
    (bundle / "checkpoints.jsonl").write_text(point, "utf-8")
    seal(bundle)
    beyond = {**json.loads(point), "position": 1000}
    (tmp_path / "beyond.jsonl").write_text(json.dumps({**beyond, "commune": "khác"}) + "\n", "utf-8")
    code, said = run("chain", bundle, "--checkpoint", tmp_path / "beyond.jsonl")
    assert code == 0 and "chốt của xã khác" in said


@needs_openssl
def test_a_checkpoint_in_the_log_is_checked(bundle, tmp_path, commune):
    commune.lines["tasks"] = (bundle / "logs" / "tasks.jsonl").read_bytes().splitlines()
    point = json.loads(checkpoint(tmp_path, commune.lines["tasks"][:6]))
    results = json.loads((bundle / "results.json").read_bytes())
    commune.tasks("2024-12-31", "checkpoint.signed", **point)
    write(bundle, commune, results)
    code, said = run("chain", bundle)
    assert code == 0 and "thiếu khóa k1.pem" in said
    commune.tasks("2024-12-31", "checkpoint.signed", **{**point, "position": 5})
    write(bundle, commune, results)
    assert run("chain", bundle)[0] == 1


def test_nothing_to_read(tmp_path):
    assert run("chain", tmp_path)[0] == run("rating", tmp_path)[0] == 2


def test_the_recorded_logs_are_whole_chains():
    for log in ("tasks", "scoring"):
        assert chain.check((GOLDEN / f"{log}.jsonl").read_bytes().splitlines(), f"/{log}") == []


# The form


def test_both_files_stay_short_and_stand_alone():
    texts = [(FOLDER / name).read_text("utf-8") for name in ("chain.py", "rating.py")]
    assert sum(bool(line.strip()) for text in texts for line in text.splitlines()) <= 502, "lines that are not blank"
    assert max(len(line) for text in texts for line in text.splitlines()) <= 120
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or "."] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
