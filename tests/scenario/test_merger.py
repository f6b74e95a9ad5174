"""Tiên Cảnh, Tiên An, Tiên Lập and Tiên Lộc become xã Thạnh Bình on 1/7/2025, and the year counts whole."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cchc.audit import audit_bundle
from services.notifications import tables
from services.notifications.reactors import Reminding
from services.scoring.domain.sheet import explain
from services.scoring.reactors import ScoreAnnouncer
from services.scoring.views import Moment, known_at, known_now
from services.tasks import merging, personal, views
from services.tasks.domain.communes import ChooseCommuneSettings
from services.tasks.domain.merging import Newcomer
from services.tasks.domain.task import RUNNING, Task
from services.tasks.domain.templates import Template
from services.tasks.evidence import erase_evidence, read_evidence
from services.tasks.reactors import react
from services.tasks.tables import states as states_table
from shared.eventlog import Log, reading, writing
from shared.eventlog.checkpoints import SUBJECT
from shared.eventlog.database import run_at_last
from shared.eventlog.verify import verify_log
from shared.events import (
    CheckpointSigned,
    CommuneClosed,
    CommuneOpened,
    TaskCarriedOver,
    TaskCompleted,
    decode,
    event_hash,
)
from shared.refusal import Refused
from tests.scenario.conftest import command_line
from tests.support.merged import CONTROL, NEW, OLD, PDF, Province


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    province = Province(tmp_path_factory.mktemp("merged") / "data")
    province.year()
    yield province
    province.installation.close()


def test_the_year_counts_both_halves_like_one_that_was_not_cut(lived: Province) -> None:
    expected, found = lived.sheets(CONTROL), lived.sheets(NEW)
    assert found.keys() == expected.keys() and len(found) == 4 * 6
    for staff, sheet in found.items():
        control = expected[staff]
        assert (staff, sheet.level, sheet.figures) == (staff, control.level, control.figures)
        assert {name: sorted(of) for name, of in sheet.lists.items()} == {
            name: sorted(of) for name, of in control.lists.items()
        }
        assert [step.rule for step in sheet.steps] == [step.rule for step in control.steps]
    assert {sheet.level for sheet in found.values()} == {
        "tot", "hoan_thanh", "khong_hoan_thanh", "can_xem_xet", "khong_xep_loai", "chua_du_du_lieu",
    }  # fmt: skip


def test_an_explanation_leads_to_the_event_that_carries_the_task(lived: Province) -> None:
    log = lived.tasks.log
    [late] = [task for task in explain(lived.sheets(NEW)["tien-canh-p07"], "late").tasks if "late" in task.task]
    carriers = {log.read(NEW, event.position - 1, 1)[0] for event in late.events}
    [carrier] = map(decode, carriers)
    assert (type(carrier.data), carrier.data.task) == (TaskCarriedOver, "tien-canh-late")
    # The past events keep their own times and hands; the pin leads to the last of them in the old log.
    assert [event.time[:10] for event in late.events] == ["2025-01-10", "2025-04-22", "2025-04-22"]
    assert [event.actor for event in late.events] == [f"staff/tien-canh-{who}" for who in ("p01", "p07", "p01")]
    pin = carrier.data.from_
    [there] = log.read(pin.commune, pin.position - 1, 1)
    assert (event_hash(there), type(decode(there).data)) == (pin.hash, TaskCompleted)


def test_the_old_logs_end_where_the_new_one_pins_them(lived: Province) -> None:
    log, signer = lived.tasks.log, lived.installation.signer("tasks")
    opened = decode(log.read(NEW, 0, 1)[0])
    assert isinstance(opened.data, CommuneOpened) and opened.data.predecessors is not None
    lived.on("20/12")
    react(lived.tasks)
    signer.step()
    assert [pin.commune for pin in opened.data.predecessors] == list(OLD)
    for pin in opened.data.predecessors:
        head = log.head(pin.commune)
        assert (head.position, head.hash) == (pin.position, pin.hash)
        closed, signed = [decode(body).data for body in log.read(pin.commune, head.position - 2)]
        assert isinstance(closed, CommuneClosed) and isinstance(signed, CheckpointSigned)
        assert (closed.on, closed.successors, signed.position) == (date(2025, 6, 30), [NEW], head.position - 1)
        with pytest.raises(Refused, match="commune-closed"):
            lived.run(pin.commune, "operator", ChooseCommuneSettings(settings={"x": 1}, reason="thử"))
        assert lived.tasks.roles_of(pin.commune, "p14") == frozenset()


def test_nothing_runs_and_nobody_is_rated_in_the_old_communes(lived: Province) -> None:
    for commune in OLD:
        sheets = lived.sheets(commune)
        assert {(sheet.level, sheet.in_post) for sheet in sheets.values()} == {("khong_xep_loai", False)}
        with reading(lived.tasks.engine, commune) as connection:
            states = [one.state for kind in ("task", "template") for one in views.all_of(connection, commune, kind)]
        assert not [one for one in states if isinstance(one, Task) and one.status in RUNNING]
        assert not [one for one in states if isinstance(one, Template) and one.ended_on is None]


def test_names_and_evidence_come_over(lived: Province) -> None:
    with reading(lived.tasks.engine, NEW) as connection:
        person = personal.people_of(connection, NEW)["tien-an-p07"]
        units = personal.unit_names_of(connection, NEW)
    assert (person.name, person.email) == ("Người số bảy xã Tiên An", "p07@tien-an.example.org")
    assert units["tien-loc-kinh-te"] == "Tổ kinh tế xã Tiên Lộc"
    digest = hashlib.sha256(PDF).hexdigest()
    found = read_evidence(lived.tasks, NEW, "tien-lap-reported", digest)
    assert found is not None and (found[0].file_name, found[1].read_bytes()) == ("biên bản.pdf", PDF)
    # Each commune's copy is its own: what one erases the other still has.
    assert erase_evidence(lived.tasks, "tien-lap", "tien-lap-reported", digest)
    assert found[1].exists() and read_evidence(lived.tasks, "tien-lap", "tien-lap-reported", digest) is None


def test_rebuilding_gives_the_same_rows(lived: Province) -> None:
    def rows() -> list[tuple[object, ...]]:
        with reading(lived.tasks.engine, NEW) as connection:
            mark = states_table.c.subject != views.NEIGHBOURS_MARK
            statement = select(states_table).where(states_table.c.commune == NEW, mark).order_by(states_table.c.subject)
            return [tuple(row) for row in connection.execute(statement)]

    before = rows()
    with writing(lived.tasks.engine, NEW) as connection:
        views.rebuild(connection, NEW, lived.tasks.log)
    assert rows() == before
    kept = known_now(lived.installation.scoring.engine, lived.installation.scoring.logs, NEW, date(2025, 12, 15))
    logs = lived.installation.scoring.logs
    heads = {source: log.head(NEW).position for source, log in logs.items()}
    again = known_at(logs, NEW, Moment(heads, date(2025, 12, 15)))
    assert sorted(again.records.rows()) == sorted(kept.records.rows())


def test_the_logs_verify_and_an_inspector_recomputes_the_ratings(lived: Province, tmp_path: Path) -> None:
    cchc = command_line(lived.installation.settings.data)
    assert "nguyên vẹn" in cchc("verify").stdout
    installation = lived.installation
    logs = installation.scoring.logs
    heads = {source: log.head(NEW).position for source, log in logs.items()}
    moment = Moment(heads, date(2025, 12, 15))
    for path, body in audit_bundle(logs, NEW, 2025, moment, installation.public_checkpoint_keys()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    assert len(json.loads((tmp_path / "results.json").read_bytes())["ratings"]) == 24
    for program in ("verify_chain.py", "verify_rating.py"):
        command = [sys.executable, "-S", "-I", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_nobody_is_told_anything_in_a_closed_commune(tmp_path: Path) -> None:
    province = Province(tmp_path / "data")
    installation = province.installation
    province.open()
    reminding = Reminding(installation.notifications)
    announcer = ScoreAnnouncer(installation.scoring)

    def look() -> dict[str, tuple[int, int]]:
        installation.folds("scoring").catch_up()
        announcer.step()
        installation.folds("notifications").catch_up()
        while reminding.step():
            pass
        reminders, scores = (installation.own_log(service) for service in ("notifications", "scoring"))
        return {commune: (reminders.head(commune).position, scores.head(commune).position) for commune in OLD}

    look()
    province.first_half()
    province.on("3/7", hour=9)
    before = look()
    assert all(told > 1 and scores for told, scores in before.values())
    province.merge_on_the_fifth()
    told = look()
    province.on("7/7", hour=9)
    assert look() == told
    for day in ("1/8", "18/8", "15/12", "5/1/2026"):
        province.on(day, hour=9)
        assert look() == told, day
    # What was on its way is not sent any more; nothing else was recorded of the old communes.
    assert all(told[commune][1] == before[commune][1] for commune in OLD)
    # In the new commune reminding goes on with what falls due there, not with what was told before.
    with reading(installation.notifications.engine, NEW) as connection:
        occurrences = connection.execute(select(tables.occurrences).where(tables.occurrences.c.commune == NEW)).all()
    assert {row.about for row in occurrences if "running" in row.about}
    assert min(row.run_on for row in occurrences) > "2025-07-04"
    installation.close()


class Crash(Exception):
    pass


def told(province: Province) -> dict[str, list[tuple[str, int, str]]]:
    """What the logs say, but for what depends on ids and on when it was recorded: pins, signatures."""

    def said(body: bytes) -> tuple[str, int, str]:
        event = json.loads(body)
        data = {name: value for name, value in event["data"].items() if name not in ("from", "predecessors")}
        return event["subject"], event["streamversion"], json.dumps(data, sort_keys=True)

    log = province.tasks.log
    return {
        commune: sorted(said(body) for body in log.read_all(commune) if json.loads(body)["subject"] != SUBJECT)
        for commune in (*OLD, NEW)
    }


def test_a_merger_that_crashed_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "BATCH", 40)
    province = Province(tmp_path / "data")
    province.open()
    province.first_half()
    province.installation.close()
    whole = Province(Path(shutil.copytree(tmp_path / "data", tmp_path / "whole")))
    whole.merge_on_the_fifth()
    expected = told(whole)
    whole.installation.close()
    appends = 0

    def finish(log: Log, connection: Any, writes: Any) -> None:
        nonlocal appends
        appends += 1
        if appends == dies_at:
            raise Crash
        run_at_last(connection, writes)

    monkeypatch.setattr(Log, "_finish", finish)
    for dies_at in range(1, 40):
        again = Province(Path(shutil.copytree(tmp_path / "data", tmp_path / f"{dies_at}")))
        again.on("5/7")
        appends = 0
        try:
            again.merge()
            assert dies_at > 11
            break
        except Crash:
            again.on("6/7")
            again.merge()
        position = again.tasks.log.head(NEW).position
        assert told(again) == expected
        again.merge()
        assert again.tasks.log.head(NEW).position == position
        assert not [finding for commune in (*OLD, NEW) for finding in verify_log(again.tasks.log, commune)]
        with pytest.raises(Refused, match="merger-otherwise"):
            again.merge({("tien-an", "p07"): Newcomer("p77")})
        again.installation.close()
    else:
        pytest.fail("the merger never ended")
