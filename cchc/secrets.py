"""The secrets of a deployment, made at its first start: each container has a folder that only its own user can read.

    FOLDER/master/                  for root alone: what all others are copied from
    FOLDER/public/keys.json         the key set that tokens are checked against
    FOLDER/public/checkpoints/      the public keys that checkpoints are checked against, old ones included
    FOLDER/<container>/pgpass       passwords of its database roles, as libpq reads them (PGPASSFILE)
    FOLDER/<container>/signing.pem, checkpoint.pem   where tokens are minted, logs are signed

What is there stays. To change a secret, remove its file under master and run `cchc secrets` again.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cchc.databases import DATABASES
from cchc.settings import SERVICES
from shared.eventlog.checkpoints import checkpoint_key
from shared.keys import make_private_key
from shared.web.keys import key_set_of, load_key

SUPERUSER = "postgres"
_EVERY = [role for roles in DATABASES.values() for role in roles]
_OWNERS, _WORKERS = ([f"{service}_{kind}" for service in SERVICES] for kind in ("owner", "worker"))
_DATABASE = {role: database for database, roles in DATABASES.items() for role in roles} | {SUPERUSER: "*"}

SIGNING, CHECKPOINT = "signing.pem", "checkpoint.pem"


class Who(NamedTuple):
    """A container: its user id, the database roles that it takes, the private keys that it holds."""

    uid: int
    roles: Sequence[str] = ()
    keys: Sequence[str] = ()


# docker-compose.yml gives the containers these users. Tasks signs people in; a service that asks another one, or writes
# links into messages, signs as well. The screens hold nothing.
WHO: Mapping[str, Who] = {
    "postgres": Who(999),
    "databases": Who(10002, [SUPERUSER, *_EVERY]),
    "migrate": Who(10003, [*_OWNERS, "sign_in_server"]),
    "operator": Who(10004, [*_OWNERS, *_WORKERS, "sign_in_server"], [SIGNING, CHECKPOINT]),
    "web": Who(10010),
    "tasks": Who(10011, ["tasks_server", "sign_in_server"], [SIGNING]),
    "tasks-work": Who(10012, ["tasks_worker"], [CHECKPOINT]),
    "scoring": Who(10013, ["scoring_server"], [SIGNING]),
    "scoring-work": Who(10014, ["scoring_worker"], [SIGNING, CHECKPOINT]),
    "notifications": Who(10015, ["notifications_server"], [SIGNING]),
    "notifications-work": Who(10016, ["notifications_worker"], [SIGNING, CHECKPOINT]),
}

# Folders of containers of earlier releases, which nobody may go on reading.
FORMER = ("pages",)

Give = Callable[[Path, int, int], None]


def make_secrets(folder: Path, give: Give = os.chown) -> list[str]:
    """Make what is missing and bring every container's folder up to date; the names of what was made.

    `give` hands a file to its reader, which takes root. Raises OSError.
    """
    master, public = folder / "master", folder / "public"
    folder.mkdir(parents=True, exist_ok=True)
    master.mkdir(mode=0o700, exist_ok=True)
    made = []
    for private in (SIGNING, CHECKPOINT):
        if not (master / private).exists():
            make_private_key(master / private)
            made.append(private)
    for role in (SUPERUSER, *_EVERY):
        if not (master / role).exists():
            _write(master / role, secrets.token_urlsafe(32).encode(), 0o400)
            made.append(role)
    (public / "checkpoints").mkdir(parents=True, exist_ok=True)
    checkpoint_key(master / CHECKPOINT, public / "checkpoints")
    _write(public / "keys.json", key_set_of(load_key(master / SIGNING)).encode(), 0o444)
    for readable in (folder, public, *public.rglob("*")):
        readable.chmod(readable.stat().st_mode | (0o555 if readable.is_dir() else 0o444))
    for name, who in WHO.items():
        _hand_over(master, folder / name, who, give)
    for name in FORMER:
        shutil.rmtree(folder / name, ignore_errors=True)
    return made


def _hand_over(master: Path, folder: Path, who: Who, give: Give) -> None:
    files = {key: (master / key).read_bytes() for key in who.keys}
    if who.roles:
        lines = [f"*:*:{_DATABASE[role]}:{role}:{(master / role).read_text('utf-8')}\n" for role in who.roles]
        files["pgpass"] = "".join(lines).encode()
    if folder.name == "postgres":  # the server itself reads no pgpass
        files["password"] = (master / SUPERUSER).read_bytes()
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, who.uid, who.uid)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        _write(folder / name, content, 0o400, lambda path: give(path, who.uid, who.uid))


def _write(path: Path, content: bytes, mode: int, give: Callable[[Path], None] = lambda _: None) -> None:
    """The whole file at once under its name, for whoever reads it meanwhile; nothing when it says so already."""
    if path.exists() and path.read_bytes() == content:
        return
    descriptor, written = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        give(Path(written))
        os.replace(written, path)
    except BaseException:
        os.unlink(written)
        raise
