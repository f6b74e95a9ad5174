"""Secrets of a deployment: made once, kept, handed out to those who are to have them, and changed one at a time."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from cchc.databases import passwords_in
from cchc.installation import Installation
from cchc.link_secret import read_link_secret
from cchc.secrets import CHECKPOINT, LINKS, SEAL, SIGNING, containers, make_secrets, seal_of
from cchc.services import SERVICES
from cchc.settings import Settings
from shared.eventlog.checkpoints import CheckpointKeys
from shared.keys import key_id, key_pair, public_keys, read_private_key
from shared.web.auth import Principal, Verifier
from shared.web.keys import load_key, mint
from shared.web.problems import Rejected


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
        others = {"kafka": {"jaas.conf", "client.properties"}, "postgres": {"password"}}.get(name, set())
        others |= {"kafka"} if container.kafka else set()
        assert set(held) - {"pgpass"} == {*container.keys, *others}
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
        for key, original in container.keys.items()
        if original in (SIGNING, CHECKPOINT)
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


def test_each_service_signs_its_own_log_and_the_operator_any(folder: Path):
    keys = CheckpointKeys.in_folder(folder / "public" / "checkpoints")
    owners = {}
    for name, container in containers().items():
        if CHECKPOINT in container.keys:
            owners[name] = keys.owners.get(key_id(read_private_key(folder / name / CHECKPOINT).public_key()))
    assert owners == {"operator": None} | {f"{service}-work": service for service in SERVICES}
    assert len(keys.public) == 1 + len(SERVICES)


def test_a_container_s_tokens_allow_what_it_does_and_no_more(folder: Path):
    verifier = Verifier(str(folder / "public" / "keys.json"))
    may: dict[str, tuple[str, set[str]] | None] = {"tasks": None, "operator": None}
    may |= {f"scoring{kind}": ("service/scoring", {"replicator"}) for kind in ("", "-work")}
    may |= {f"notifications{kind}": ("service/notifications", {"replicator", "messenger"}) for kind in ("", "-work")}
    assert {name for name, container in containers().items() if SIGNING in container.keys} == may.keys()
    for name, limits in may.items():
        key = load_key(folder / name / SIGNING)
        for sub in ("operator/x", "service/scoring", "service/notifications", "service/replicator"):
            for role in ("admin", "replicator", "messenger"):
                token = mint(key, sub=sub, commune="*", roles=[role], lifetime=timedelta(hours=1))
                if limits is None or (sub == limits[0] and role in limits[1]):
                    assert verifier.verify(token).roles == {role}
                else:
                    with pytest.raises(Rejected, match="invalid-token"):
                        verifier.verify(token)


def test_a_service_asks_others_in_the_name_that_its_key_allows(folder: Path, tmp_path: Path):
    for service, role in (("scoring", "replicator"), ("notifications", "replicator"), ("notifications", "messenger")):
        environment = {
            "CCHC_KEYS": str(folder / "public" / "keys.json"),
            "CCHC_SIGNING_KEY": str(folder / service / SIGNING),
        }
        installation = Installation(Settings.from_environment(environment, data=tmp_path / "data"))
        asking = installation.verifier.verify(installation._service_token(role))
        assert asking == Principal(f"service/{service}", "*", frozenset([role]))


OF_ONE_CONTAINER = ("checkpoint-", "seal-", "signing-")


def test_a_folder_of_an_earlier_release_gets_what_it_lacks(folder: Path):
    """There one key minted for all, and links were signed with it."""
    old = load_key(folder / "master" / SIGNING)
    shutil.rmtree(folder / "public")
    for path in [*(folder / "master").iterdir()]:
        if path.name.startswith(OF_ONE_CONTAINER) or path.name == LINKS:
            path.unlink()
    for name in containers():
        if (held := folder / name / SIGNING).exists():
            held.unlink()
            held.write_bytes((folder / "master" / SIGNING).read_bytes())
    assert all(name.startswith(OF_ONE_CONTAINER) or name == LINKS for name in made(folder))
    test_a_service_s_seal_is_held_by_its_relay_alone(folder)
    test_each_service_signs_its_own_log_and_the_operator_any(folder)
    test_a_container_s_tokens_allow_what_it_does_and_no_more(folder)
    assert load_key(folder / "tasks" / SIGNING).kid == old.kid
    links = hashlib.sha256(b"cchc-link-v1" + old.private.private_bytes_raw()).digest()
    for container in ("notifications", "notifications-work", "operator"):
        assert read_link_secret(folder / container / LINKS) == links


def test_the_inventory_names_every_key():
    page = (Path(__file__).parents[3] / "docs" / "keys.md").read_text("utf-8")
    originals = {original for container in containers().values() for original in container.keys.values()}
    lacking = {name for name in originals if not any(f"`{each}`" in page for each in (name, of_any_service(name)))}
    assert lacking == set()


def of_any_service(original: str) -> str:
    kind, _, rest = original.partition("-")
    return f"{kind}-<service>.pem" if rest.removesuffix(".pem") in SERVICES else original


def test_links_stay_good_when_the_key_of_tokens_is_exchanged(tmp_path: Path):
    settings = Settings.from_environment({}, data=tmp_path)
    first = Installation(settings)
    links = hashlib.sha256(b"cchc-link-v1" + first.signing_key.private.private_bytes_raw()).digest()
    assert first.link_secret == links  # what an earlier release signed with
    assert settings.link_secret.stat().st_mode & 0o777 == 0o600
    settings.private_key.unlink()
    second = Installation(settings)
    assert second.signing_key.kid != first.signing_key.kid
    assert second.link_secret == links
