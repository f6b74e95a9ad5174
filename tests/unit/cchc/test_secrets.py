"""Secrets of a deployment: made once, kept, handed out to those who are to have them, and changed one at a time."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from cchc.databases import passwords_in
from cchc.secrets import CHECKPOINT, SEAL, SIGNING, containers, make_secrets, seal_of
from cchc.services import SERVICES
from shared.keys import key_id, key_pair, public_keys, read_private_key
from shared.web.auth import Verifier
from shared.web.keys import load_key, mint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Made by somebody who is not root: files stay with whoever made them."""
    made(tmp_path / "secrets")
    return tmp_path / "secrets"


def made(folder: Path) -> list[str]:
    return make_secrets(folder, give=lambda *_: None)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_there_stays(folder: Path):
    before = contents(folder)
    assert made(folder) == []
    assert contents(folder) == before


def test_every_container_has_what_it_takes_and_no_more(folder: Path):
    every = passwords_in(folder)
    for name, container in containers().items():
        held = {path.name: path for path in (folder / name).iterdir()} if (folder / name).exists() else {}
        assert set(held) - {"pgpass", "password"} == set(container.keys)
        lines = held["pgpass"].read_text().splitlines() if "pgpass" in held else []
        assert [line.split(":")[3:] for line in lines] == [[role, every[role]] for role in container.roles]
        assert all(path.stat().st_mode & 0o377 == 0 for path in held.values())
    assert (folder / "postgres" / "password").read_text() == every["postgres"]
    assert len(set(every.values())) == len(every)
    users = [container.user for container in containers().values()]
    assert len(set(users)) == len(users)


def test_what_a_container_no_longer_needs_is_taken_from_it(folder: Path):
    (folder / "web" / SIGNING).write_bytes((folder / "master" / SIGNING).read_bytes())
    before = contents(folder)
    assert made(folder) == []
    assert before.keys() - contents(folder).keys() == {f"web/{SIGNING}"}


def test_a_container_of_an_earlier_release_leaves_nothing_to_read(folder: Path):
    (folder / "pages").mkdir()
    (folder / "pages" / SIGNING).write_bytes((folder / "master" / SIGNING).read_bytes())
    assert made(folder) == []
    assert not (folder / "pages").exists() and (folder / "master" / SIGNING).exists()


def test_the_screens_hold_no_secret(folder: Path):
    assert list((folder / "web").iterdir()) == []


def test_a_token_of_one_who_mints_counts_with_the_public_keys(folder: Path):
    token = mint(
        load_key(folder / "tasks" / SIGNING), sub="staff/p14", commune="a", roles=["staff"], lifetime=timedelta(hours=1)
    )
    assert Verifier(str(folder / "public" / "keys.json")).verify(token).staff == "p14"


def test_a_removed_secret_is_made_anew_and_reaches_everybody(folder: Path):
    before, passwords = contents(folder), passwords_in(folder)
    old = key_pair(folder / "operator" / CHECKPOINT, folder / "public" / "checkpoints")
    for name in (SIGNING, CHECKPOINT, "tasks_server"):
        (folder / "master" / name).unlink()
    assert made(folder) == [CHECKPOINT, SIGNING, "tasks_server"]
    after = contents(folder)
    assert all(
        after[f"{name}/{key}"] != before[f"{name}/{key}"]
        for name, container in containers().items()
        for key in container.keys
        if key != SEAL
    )
    changed = {role for role, password in passwords_in(folder).items() if password != passwords[role]}
    assert changed == {"tasks_server"}
    # What the old key signed is still checked.
    assert {old.id} < set(public_keys(folder / "public" / "checkpoints"))


def test_a_service_s_seal_is_held_by_its_relay_alone(folder: Path):
    held = contents(folder)
    for service in SERVICES:
        [public] = public_keys(folder / "public" / "owners" / service)
        seal = held[f"{service}-work/{SEAL}"]
        assert [name for name, content in held.items() if content == seal] == [
            f"master/{seal_of(service)}",
            f"{service}-work/{SEAL}",
        ]
        assert key_id(read_private_key(folder / f"{service}-work" / SEAL).public_key()) == public


def test_a_folder_of_an_earlier_release_gets_what_it_lacks(folder: Path):
    for path in (folder / "public" / "owners", *(folder / f"{service}-work" / SEAL for service in SERVICES)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for service in SERVICES:
        (folder / "master" / seal_of(service)).unlink()
    assert made(folder) == sorted(seal_of(service) for service in SERVICES)
    test_a_service_s_seal_is_held_by_its_relay_alone(folder)
