"""Tiên Cảnh 2024: the scripted year contains every case, ends with every outcome, and is the same each time."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from cchc.installation import Installation
from demo.year import COMMUNE, load
from services.scoring.domain.sheet import sheet, sheet_bytes
from services.scoring.domain.table import table
from services.scoring.views import known_now
from shared.events import CATALOGUE, decode
from tests.scenario.conftest import settings_of

CUT_OFF = date(2024, 12, 10)
AFTER = date(2024, 12, 31)

# Mergers come with another issue of this product's life; the demo is one commune that stays what it is.
NOT_IN_A_QUIET_YEAR = {
    "commune.renamed",
    "commune.closed",
    "commune.settings_chosen",
    "staff.taken_over",
    "directive.amended",
    "directive.withdrawn",
    "task.carried_over",
}


@pytest.fixture
def levels(installation: Installation) -> dict[str, str]:
    scoring = installation.scoring
    known = known_now(scoring.engine, scoring.logs, COMMUNE, AFTER)
    return {row.staff: row.level for row in table(known.records, 2024, on=AFTER).rows}


def test_the_year_ends_with_every_outcome(levels: dict[str, str]):
    assert len(levels) == 30
    assert Counter(levels.values()) == {
        "tot": 15,
        "xuat_sac": 3,
        "hoan_thanh": 3,
        "khong_hoan_thanh": 2,
        "can_xem_xet": 4,
        "chua_du_du_lieu": 1,
        "khong_xep_loai": 2,
    }


@pytest.mark.parametrize(
    ("staff", "level"),
    [
        ("p01", "tot"),  # leader: the commune completed all its targets
        ("p02", "hoan_thanh"),  # leader: 75 % of the area's targets
        ("p03", "can_xem_xet"),  # leader without a unit result
        ("p14", "hoan_thanh"),  # 2 of 17 late
        ("p16", "xuat_sac"),  # 2 of 4 exceeded, all criteria good
        ("p18", "can_xem_xet"),  # one of three undone: the law has no level for it
        ("p19", "khong_xep_loai"),  # moved away on 30/6
        ("p21", "khong_hoan_thanh"),  # disciplined
        ("p22", "khong_hoan_thanh"),  # 7 of 9 late or undone
        ("p24", "chua_du_du_lieu"),  # had no task
        ("p28", "can_xem_xet"),  # all undone, but fewer than three tasks
        ("p29", "hoan_thanh"),  # 100 days of sick leave cap the level
        ("p30", "khong_xep_loai"),  # worked fewer than 180 days
        ("p31", "tot"),  # not met, with an objective cause
        ("p39", "tot"),  # late, with an objective cause
        ("p41", "can_xem_xet"),  # 50 % is not more than 50 %
    ],
)
def test_each_rating_is_what_the_story_says(levels: dict[str, str], staff: str, level: str):
    assert levels[staff] == level


def test_every_case_of_a_tasks_life_happens(installation: Installation):
    told = {decode(body).type for body in installation.tasks.log.read_all(COMMUNE)}
    declared = {
        # Checkpoints are the installation's doing, with a key of its own.
        each.type_name
        for each in CATALOGUE
        if each.sources == ("tasks",) and each.name not in NOT_IN_A_QUIET_YEAR
    }
    assert declared - told == set()


def test_a_moved_calendar_moves_the_deadline_counted_in_working_days(installation: Installation):
    events = [decode(body) for body in installation.tasks.log.read_all(COMMUNE)]
    [moved] = [event.data for event in events if event.type == "vn.cchc.task.due_recomputed.v1"]
    before = next(event.data.due for event in events if event.subject == f"task/{moved.task}")
    assert (before.date, moved.due.date) == (date(2024, 9, 6), date(2024, 9, 9))
    assert (before.calendar, moved.due.calendar) == ("vn-2024-r1", "vn-2024-r2")


def test_a_pending_result_blocks_the_proposal(installation: Installation):
    scoring = installation.scoring
    known = known_now(scoring.engine, scoring.logs, COMMUNE, AFTER)
    assert [blocker.code for blocker in sheet(known.records, 2024, "p22", on=AFTER).blockers] == ["pending"]


def test_the_year_lived_again_is_the_same_to_the_byte(installation: Installation, tmp_path: Path):
    again = Installation(settings_of(tmp_path / "again"))
    again.migrate()
    load(again.settings)
    for service in ("tasks", "scoring"):
        first = list(installation.own_log(service).read_all(COMMUNE))
        assert list(again.own_log(service).read_all(COMMUNE)) == first
    again.close()


def test_nobody_is_named_and_no_file_either(installation: Installation):
    """No personal data in events: no e-mail address, no file name, none of the names that lie beside."""
    everything = b"\n".join(installation.tasks.log.read_all(COMMUNE)).decode()
    assert "@" not in everything
    assert ".pdf" not in everything and ".txt" not in everything


def test_announced_scores_end_with_the_last_sheet(installation: Installation):
    announced: dict[str, dict[str, object]] = {}
    for body in installation.scoring.logs["scoring"].read_all(COMMUNE):
        event = decode(body)
        if event.type == "vn.cchc.rating.score_updated.v1":
            announced[event.data.staff] = event.data.figures
    scoring = installation.scoring
    known = known_now(scoring.engine, scoring.logs, COMMUNE, CUT_OFF)
    for staff, figures in announced.items():
        assert json.loads(sheet_bytes(sheet(known.records, 2024, staff, on=CUT_OFF)))["figures"] == figures
