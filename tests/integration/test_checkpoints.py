"""Signed checkpoints: when a log is signed by itself, and what an altered one looks like against them."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.scoring.worker import SIGNED_AT_ONCE
from shared.eventlog import Decision, Log
from shared.eventlog.checkpoints import CheckpointKeys, checkpoints, covering, latest, line, message, read_line, record
from shared.eventlog.signer import Signer
from shared.eventlog.verify import Finding, recorded_checkpoints, verify_checkpoints, verify_log
from shared.events import CheckpointSigned, Input, RatingDecided, ReRated, ScoreUpdated, decode
from shared.keys import KeyPair, key_id, key_pair
from tests.support.logs import COMMUNE, Clock, filled, migrated, note, open_commune, sqlite_url


class World:
    """A tasks log and a scoring log with their signers, a clock to move, and a key."""

    def __init__(self, folder: Path, tasks: Any, scoring: Any) -> None:
        self.clock = Clock()
        self.folder = folder
        self.key = key_pair(folder / "checkpoint.pem", folder / "public")
        self.tasks = filled(Log(tasks, "tasks", clock=self.clock))
        self.scoring = Log(scoring, "scoring", clock=self.clock, knows=lambda _: True)

    @property
    def keys(self) -> Any:
        return CheckpointKeys.in_folder(self.folder / "public")

    def signer(self, log: Log | None = None) -> Signer:
        log = log or self.tasks
        rests_on = [self.tasks] if log is self.scoring else []
        return Signer(log, self.key, rests_on=rests_on, at_once=SIGNED_AT_ONCE, clock=self.clock)

    def findings(self, kept: list[CheckpointSigned] | None = None) -> list[Finding]:
        signed = [*recorded_checkpoints(self.tasks), *(kept or [])]
        return [*verify_checkpoints(signed, {"tasks": [self.tasks]}, self.keys, lambda _: {"tasks"})]

    def rate(self, *events: Any) -> None:
        self.scoring.append(COMMUNE, lambda _: Decision(events), actor="staff/p01")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with (
        migrated(sqlite_url(tmp_path, "tasks")) as tasks,
        migrated(sqlite_url(tmp_path, "scoring"), "services.scoring") as scoring,
    ):
        yield World(tmp_path, tasks, scoring)


def decided() -> RatingDecided:
    return RatingDecided(staff="p14", year=2024, proposal="x", level="tot", decided_on=date(2024, 12, 12), by="p01")


def re_rated() -> ReRated:
    return ReRated(
        staff="p14",
        year=2024,
        proposal="y",
        level="hoan_thanh",
        replaces="z",
        reason="Kiến nghị đúng",
        decided_on=date(2024, 12, 20),
        by="p01",
    )


def score() -> ScoreUpdated:
    return ScoreUpdated(
        staff="p14", year=2024, rule_set="nd90", figures={}, level="tot", evaluated_on=date(2024, 12, 1), inputs=[]
    )


# Signing


def test_a_log_is_signed_once_after_midnight_in_vietnam(world: World) -> None:
    signer = world.signer()
    assert signer.step() == []
    world.clock.move(hours=13.5)  # 23:50 in Vietnam
    assert signer.step() == []
    world.clock.move(minutes=15)
    (signed,) = signer.step()
    assert (signed.source, signed.position, signed.commune) == ("tasks", 6, COMMUNE)
    assert signed.hash == hashlib.sha256(world.tasks.read(COMMUNE)[5]).hexdigest()
    assert signer.step() == []
    note(world.tasks)
    assert signer.step() == []


def test_a_day_without_events_is_not_signed(world: World) -> None:
    signer = world.signer()
    world.clock.move(days=1)
    assert len(signer.step()) == 1
    world.clock.move(days=1)
    assert signer.step() == [], "its own checkpoint is no reason for another"
    note(world.tasks)
    world.clock.move(days=1)
    assert [each.position for each in signer.step()] == [8]


def test_a_signer_that_starts_again_repeats_nothing(world: World) -> None:
    world.clock.move(days=1)
    assert len(world.signer().step()) == 1
    assert world.signer().step() == []


def test_of_two_signers_that_look_at_once_one_signs(world: World) -> None:
    world.clock.move(days=1)
    one, other = world.signer(), world.signer()
    assert len(one.step()) == 1
    assert other.step() == []
    assert record(world.tasks, COMMUNE, world.key, actor="service/tasks", held={}, seen=0) == [], (
        "the other's turn came"
    )
    assert len(checkpoints([world.tasks], COMMUNE)) == 1


@pytest.mark.parametrize("event", [decided, re_rated])
def test_a_decision_is_signed_at_once_with_the_log_it_rests_on(world: World, event: Callable[[], Any]) -> None:
    signer = world.signer(world.scoring)
    world.rate(score())
    assert signer.step() == []
    world.rate(event())
    signed = signer.step()
    assert [(each.source, each.position) for each in signed] == [("tasks", 6), ("scoring", 2)]
    assert signer.step() == [] and world.signer(world.scoring).step() == []
    assert checkpoints([world.scoring], COMMUNE) == signed
    assert [decode(body).type for body in world.scoring.read(COMMUNE)][2:] == ["vn.cchc.checkpoint.signed.v1"] * 2
    world.rate(event())
    assert [each.position for each in signer.step()] == [6, 5]


def test_a_log_that_was_altered_since_the_last_checkpoint_is_not_signed(world: World) -> None:
    signer = world.signer()
    world.clock.move(days=1)
    assert len(signer.step()) == 1
    note(world.tasks)
    rewrite(world.tasks, lambda body: body.replace(b"p07", b"p08"))
    world.clock.move(days=1)
    assert signer.step() == []


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM events", "UPDATE events SET body = CAST(body AS TEXT)", "UPDATE events SET body = x'7b7d'"],
)
def test_a_store_that_was_damaged_is_not_signed_and_stops_no_other_loop(world: World, damage: str) -> None:
    with world.tasks.engine.begin() as connection:
        triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for trigger in triggers.scalars().all():
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text(damage))
    world.clock.move(days=1)
    assert world.signer().step() == []


def test_a_commune_whose_clock_is_behind_holds_up_no_other(world: World) -> None:
    open_commune(world.tasks, "a-head")
    world.clock.move(days=1)
    note(world.tasks, "a-head")
    world.clock.move(minutes=-30)
    assert [each.commune for each in world.signer().step()] == [COMMUNE]


# Keys


def test_the_private_key_is_made_once_and_is_its_owners_only(world: World) -> None:
    private = world.folder / "checkpoint.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    again = key_pair(private, world.folder / "public")
    assert again.id == world.key.id == key_id(again.private.public_key())
    assert [path.name for path in (world.folder / "public").iterdir()] == [f"{world.key.id}.pem"]


def test_after_a_change_of_keys_old_checkpoints_still_prove(world: World) -> None:
    world.clock.move(days=1)
    world.signer().step()
    (world.folder / "checkpoint.pem").unlink()
    world.key = key_pair(world.folder / "checkpoint.pem", world.folder / "public")
    note(world.tasks)
    world.clock.move(days=1)
    world.signer().step()
    first, second = checkpoints([world.tasks], COMMUNE)
    assert first.key != second.key
    assert world.findings() == []


def test_what_is_signed_is_as_the_description_says(world: World) -> None:
    signed = signed_now(world)
    said = f"cchc-checkpoint-v1\ntasks\n{COMMUNE}\n6\n{signed.hash}\n{signed.signed_at}\n"
    assert message(signed) == said.encode()
    world.key.private.public_key().verify(b64decode(signed.signature), said.encode())
    assert read_line(line(signed)) == signed


# Which checkpoints belong to a sheet


def test_a_sheet_is_covered_by_the_first_checkpoint_behind_it_or_the_last_before(world: World) -> None:
    def at(source: str, position: int) -> CheckpointSigned:
        return msgspec.structs.replace(signed, source=source, position=position)

    signed = signed_now(world)
    known = [at("tasks", 30), at("tasks", 10), at("tasks", 20), at("scoring", 5)]
    inputs = [Input(source=source, position=position, hash="") for source, position in [("tasks", 11), ("scoring", 9)]]
    assert [(each.source, each.position) for each in covering(known, inputs)] == [("tasks", 20), ("scoring", 5)]
    assert covering([], inputs) == []
    assert {(each.source, each.position) for each in latest(known)} == {("tasks", 30), ("scoring", 5)}


# Checking


def signed_now(world: World) -> CheckpointSigned:
    (signed,) = record(world.tasks, COMMUNE, world.key, actor="operator/x", held={})
    return signed


def test_an_untouched_log_fits_its_checkpoints(world: World) -> None:
    assert world.findings([signed_now(world)]) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hash": "0" * 64}, "chữ ký không đúng"),
        ({"position": 5}, "chữ ký không đúng"),
        ({"signed_at": "2024-06-14T03:20:11.124Z"}, "chữ ký không đúng"),
        ({"signature": b64encode(bytes(64)).decode()}, "chữ ký không đúng"),
        ({"signature": "?"}, "chữ ký không đúng"),
        ({"key": "0123456789abcdef"}, "0123456789abcdef"),
        ({"source": "notifications"}, "không có nhật ký này"),
        ({"position": 0}, "không nêu vị trí"),
        ({"position": 10**30}, "nhật ký kết thúc ở"),
    ],
)
def test_a_checkpoint_that_was_changed_is_found(world: World, change: dict[str, Any], says: str) -> None:
    found = world.findings([msgspec.structs.replace(signed_now(world), **change)])
    assert {finding.where for finding in found} == {"checkpoint"}
    assert any(says in finding.problem for finding in found)


def test_a_key_that_nobody_knows_proves_nothing(world: World) -> None:
    strange = Ed25519PrivateKey.generate()
    world.key = KeyPair(key_id(strange.public_key()), strange)
    signed_now(world)
    (finding,) = world.findings()
    assert world.key.id in finding.problem


def test_a_service_s_key_signs_its_own_log_and_no_other(world: World) -> None:
    for name, folder, wrong in (("tasks", "public/tasks", 0), ("scoring", "public/scoring", 1), ("all", "public", 1)):
        world.key = key_pair(world.folder / f"{name}.pem", world.folder / folder)
        note(world.tasks)
        signed_now(world)
        problems = [finding.problem for finding in world.findings()]
        assert len(problems) == wrong
        assert all("của scoring, không được ký điểm chốt này" in problem for problem in problems)
    # What scoring holds of the log of tasks it signs in its own.
    signed = [*recorded_checkpoints(world.tasks)][1:2]
    assert [*verify_checkpoints(signed, {"tasks": [world.tasks]}, world.keys, lambda _: {"scoring"})] == []


def test_a_chain_rewritten_with_new_hashes_is_found_by_an_older_checkpoint(world: World) -> None:
    kept = signed_now(world)
    rewrite(world.tasks, lambda body: body.replace(b"p07", b"p08"), until=6)
    assert verify_log(world.tasks) == [], "the chain by itself says nothing"
    assert [(finding.source, finding.position) for finding in world.findings([kept])] == [("tasks", 6)]


def test_an_end_that_was_cut_off_is_found_by_an_older_checkpoint(world: World) -> None:
    note(world.tasks)
    kept = signed_now(world)
    rewrite(world.tasks, lambda body: body, until=4)
    assert verify_log(world.tasks) == []
    (finding,) = world.findings([kept])
    assert finding.position == 7 and "không còn" in finding.problem


def test_a_replica_that_lags_is_no_finding(world: World, tmp_path: Path) -> None:
    kept = signed_now(world)
    with migrated(sqlite_url(tmp_path, "replica"), "services.scoring") as engine:
        replica = Log(engine, "tasks")
        replica.append_verbatim(COMMUNE, world.tasks.read(COMMUNE)[:3])
        logs = {"tasks": [world.tasks, replica]}
        assert [*verify_checkpoints([kept], logs, world.keys, lambda _: {"tasks"})] == []
        replica.forget(COMMUNE)
        other = Log(engine, "tasks", clock=world.clock)
        open_commune(other)
        note(other, COMMUNE, *"abcdef")
        assert len([*verify_checkpoints([kept], logs, world.keys, lambda _: {"tasks"})]) == 1


def rewrite(log: Log, change: Callable[[bytes], bytes], until: int | None = None) -> None:
    """Write a whole log anew, each hash recomputed, as somebody with the database in hands can."""
    bodies = [change(body) for body in log.read_all(COMMUNE, until=until)]
    with log.engine.begin() as connection:
        for trigger in (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        ):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("DELETE FROM events"))
        connection.execute(text("DELETE FROM heads"))
    previous = "0" * 64
    chained = []
    for body in bodies:
        event = msgspec.json.decode(body)
        chained.append(body.replace(event["previoushash"].encode(), previous.encode(), 1))
        previous = hashlib.sha256(chained[-1]).hexdigest()
    log.append_verbatim(COMMUNE, chained)
