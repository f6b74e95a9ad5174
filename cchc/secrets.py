"""The secrets of a deployment, made at its first start: each container has a folder that only its own user can read.

    FOLDER/master/                  for root alone: all others are copied from it
    FOLDER/public/keys.json         the key set that tokens are checked against
    FOLDER/public/checkpoints/      the public keys that checkpoints are checked against, old ones included; those of a
                                    service, which sign for it alone, in a folder of its name
    FOLDER/public/owners/<service>/ the public keys that the seals of what a service publishes are checked against
    FOLDER/<container>/pgpass       passwords of its database roles, as libpq reads them (PGPASSFILE)
    FOLDER/<container>/signing.pem, checkpoint.pem, seal.pem   where tokens are minted, logs signed, events published
    FOLDER/<container>/kafka        the password of its user of the brokers; the brokers' own folder has all, as jaas.conf,
                                    and client.properties for Kafka's own programs (--command-config)
    FOLDER/<container>/link.secret  where links in messages are signed

An existing secret stays. To change one, remove its file under master and run `cchc secrets` again.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cchc.databases import SIGN_IN_ROLE, databases
from cchc.kafka_access import BROKER, OPERATOR, TOPICS, users
from cchc.link_secret import new_link_secret
from cchc.services import SERVICES, Service
from shared.keys import key_pair, make_private_key
from shared.web.keys import Limits, key_set_of, load_key

SUPERUSER = "postgres"
SIGNING, CHECKPOINT, SEAL = "signing.pem", "checkpoint.pem", "seal.pem"
LINKS = "link.secret"


class Container(NamedTuple):
    """A container: its user id, the database roles that it takes, the keys that it holds (its file's name → that of the
    original), what its tokens are limited to, if anything, and who it is to the brokers, if it talks to them."""

    user: int
    roles: Sequence[str] = ()
    keys: Mapping[str, str] = {}
    limits: Limits | None = None
    kafka: str | None = None


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def kafka_of(user: str) -> str:
    """The name of the original of the password of a user of the brokers."""
    return f"kafka-{user}"


def checkpoint_of(service: str) -> str:
    """The name of the original of the key that signs a service's log."""
    return f"checkpoint-{service}.pem"


def seal_of(service: str) -> str:
    """The name of the original of a service's seal."""
    return f"seal-{service}.pem"


def containers() -> dict[str, Container]:
    """Every container with secrets. docker-compose.yml gives them these users."""
    roles = [role for of in databases().values() for role in of]
    owners, workers = ([f"{name}_{kind}" for name in SERVICES] for kind in ("owner", "worker"))
    known = {
        "postgres": Container(999),
        "kafka": Container(1000),
        "topics": Container(10001, kafka=TOPICS),
        "databases": Container(10002, [SUPERUSER, *roles]),
        "migrate": Container(10003, [*owners, SIGN_IN_ROLE]),
        "operator": Container(
            10004, [*owners, *workers, SIGN_IN_ROLE], _same(SIGNING, CHECKPOINT, LINKS), kafka=OPERATOR
        ),
        "web": Container(10010),  # the screens hold nothing
    }
    for service in SERVICES.values():
        known |= _of_service(service)
    return known


def _of_service(service: Service[Any]) -> dict[str, Container]:
    """Its web processes and its background process. To ask the owners of its replicas, and for people's addresses, it
    signs tokens of its own name that allow no more than that. A service that signs people in makes their tokens."""
    name, worker = service.name, f"{service.name}-work"
    roles = ["replicator"] * bool(service.replicas) + ["messenger"] * service.sends
    limits = Limits(f"service/{name}", tuple(roles)) if roles else None
    links = _same(LINKS) if service.sends else {}
    signs = {CHECKPOINT: checkpoint_of(name), SEAL: seal_of(name)}

    def asks(container: str) -> dict[str, str]:
        return {SIGNING: f"signing-{container}.pem"} if roles else {}

    web = Container(service.user, [f"{name}_server"], asks(name) | links, limits)
    if service.signs_in:
        web = Container(service.user, [f"{name}_server", SIGN_IN_ROLE], _same(SIGNING) | links)
    return {
        name: web,
        worker: Container(service.user + 1, [f"{name}_worker"], asks(worker) | links | signs, limits, name),
    }


# Folders of containers of earlier releases: removed, so that no process keeps reading them.
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
    known = containers()
    originals = {original for container in known.values() for original in container.keys.values()}
    for private in sorted(originals - {LINKS}):
        if not (master / private).exists():
            make_private_key(master / private)
            made.append(private)
    if not (master / LINKS).exists():
        _write(master / LINKS, new_link_secret(load_key(master / SIGNING)).encode(), 0o400)
        made.append(LINKS)
    databases_of = {role: database for database, roles in databases().items() for role in roles} | {SUPERUSER: "*"}
    for password in [*map(kafka_of, users()), *databases_of]:
        if not (master / password).exists():
            _write(master / password, secrets.token_urlsafe(32).encode(), 0o400)
            made.append(password)
    key_pair(master / CHECKPOINT, public / "checkpoints")
    for service in SERVICES:
        key_pair(master / checkpoint_of(service), public / "checkpoints" / service)
        key_pair(master / seal_of(service), public / "owners" / service)
    limited = [(load_key(master / each.keys[SIGNING]), each.limits) for each in known.values() if each.limits]
    _write(public / "keys.json", key_set_of(load_key(master / SIGNING), *limited).encode(), 0o444)
    for readable in (folder, public, *public.rglob("*")):
        readable.chmod(readable.stat().st_mode | (0o555 if readable.is_dir() else 0o444))
    for name, container in known.items():
        _hand_over(master, folder / name, container, databases_of, give)
    for name in FORMER:
        shutil.rmtree(folder / name, ignore_errors=True)
    return made


def _hand_over(master: Path, folder: Path, container: Container, databases_of: Mapping[str, str], give: Give) -> None:
    files = {name: (master / original).read_bytes() for name, original in container.keys.items()}
    if container.roles:
        lines = [f"*:*:{databases_of[role]}:{role}:{(master / role).read_text('utf-8')}\n" for role in container.roles]
        files["pgpass"] = "".join(lines).encode()
    if folder.name == "postgres":  # the server itself reads no pgpass
        files["password"] = (master / SUPERUSER).read_bytes()
    if container.kafka:
        files["kafka"] = (master / kafka_of(container.kafka)).read_bytes()
    if folder.name == "kafka":
        passwords = {user: (master / kafka_of(user)).read_text("utf-8") for user in users()}
        files |= {"jaas.conf": _jaas(passwords).encode(), "client.properties": _client(passwords[TOPICS]).encode()}
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, container.user, container.user)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        _write(folder / name, content, 0o400, lambda path: give(path, container.user, container.user))


LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def _jaas(passwords: Mapping[str, str]) -> str:
    """Who the brokers let in, and as whom they talk to each other."""
    known = "".join(f'\n  user_{user}="{password}"' for user, password in passwords.items())
    return f'KafkaServer {{\n  {LOGIN}\n  username="{BROKER}"\n  password="{passwords[BROKER]}"{known};\n}};\n'


def _client(password: str) -> str:
    """What Kafka's own programs are told (--command-config)."""
    login = f'sasl.jaas.config={LOGIN} username="{TOPICS}" password="{password}";'
    return f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n{login}\n"


def _write(path: Path, content: bytes, mode: int, give: Callable[[Path], None] = lambda _: None) -> None:
    """Replace the file at once, so that no reader sees half of it; leave it alone when it has this content already."""
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
