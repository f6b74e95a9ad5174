"""The PostgreSQL server of the tests: found, or started in a container or with initdb; a new database for each test."""

import gc
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.support.servers import (
    DOCKER_START_SECONDS,
    Found,
    Run,
    Server,
    Unavailable,
    docker_host,
    first_that_works,
    free_port,
    run_quietly,
)

IMAGE = "postgres:15-bookworm"
OLDEST = 15
START_SECONDS = 60
UNPRIVILEGED = ("postgres", "nobody")
OWNER = "cchc_tests"
# Roles are the server's: several workers may want it at once.
_MAKE_OWNER = f"""DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(7);
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN
        CREATE ROLE {OWNER} LOGIN PASSWORD '{{password}}';
        ALTER ROLE {OWNER} SET cchc.commune = '*';
    END IF;
END $$"""


def with_driver(address: str) -> URL:
    """A SQLAlchemy or libpq URL as a SQLAlchemy one for psycopg 3."""
    return make_url(re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql+psycopg:", address))


def execute(address: str | URL, *statements: str) -> None:
    engine = create_engine(with_driver(str(address)) if isinstance(address, str) else address, poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))


def check(address: str) -> None:
    execute(with_driver(address).update_query_dict({"connect_timeout": "5"}), "SELECT 1")


def answers(address: str) -> bool:
    try:
        check(address)
    except Exception:
        return False
    return True


@dataclass(frozen=True)
class Postgres:
    """A server to use, where the role of `address` is a superuser."""

    address: str

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """A new empty database, dropped at the end; its SQLAlchemy URL with a role that owns it and is no superuser, so
        that row-level security holds. What tests read without naming a commune is of all."""
        name = f"t{uuid.uuid4().hex[:16]}"
        server = with_driver(self.address)
        execute(server, _MAKE_OWNER.format(password=server.password or OWNER))
        execute(server, f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            ordinary = server.set(database=name, username=OWNER, password=server.password or OWNER)
            yield ordinary.render_as_string(hide_password=False)
        finally:
            # A connection that a failed test left to the collector would be closed at any later moment, with an error
            # in the log of whichever test runs then.
            gc.collect()
            execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def programs() -> Path:
    """The folder of initdb and postgres: the newest that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if not initdb:
        raise Unavailable("no initdb")
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+", said)
    if not version or int(version[0]) < OLDEST:
        raise Unavailable(f"{said.strip()} is older than {OLDEST}")
    return Path(initdb).resolve().parent


def unprivileged() -> str | None:
    """Whom to become, as PostgreSQL refuses to run as root; None when this isn't root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    for user in UNPRIVILEGED:
        if user in known:
            return user
    raise Unavailable(f"running as root, with no user {' or '.join(UNPRIVILEGED)} to become")


@dataclass(frozen=True)
class PrivatePostgres(Postgres):
    """A server of one worker, which a test may pause: connections stay open and nothing answers."""

    server: Server

    def pid(self) -> int:
        """Of its main process."""
        container = self.server.directory / "container"
        if not container.exists():
            return int((self.server.directory / "pid").read_text())
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container.read_text()]
        return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)

    def pause(self) -> None:
        self._signal("pause", signal.SIGSTOP)

    def resume(self) -> None:
        self._signal("unpause", signal.SIGCONT)

    def _signal(self, word: str, number: signal.Signals) -> None:
        container = self.server.directory / "container"
        if container.exists():
            run_quietly(["docker", word, container.read_text()], deadline=START_SECONDS)
            return
        main = self.pid()
        os.kill(main, number)
        for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.resume()


def local(run: Run, more: Mapping[str, object] | None = None) -> Found:
    return _local(run, more)[0]


def _local(run: Run, more: Mapping[str, object] | None = None) -> tuple[Found, Server]:
    folder, user, port = programs(), unprivileged(), free_port()
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 200}
    options |= more or {}
    command = [str(folder / "postgres"), "-D", "data"]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server = Server(run, "postgres", {"command": command, "user": user})
    if user:
        shutil.chown(server.directory, user)
    initdb = [str(folder / "initdb"), "-D", "data", "-U", "cchc", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    become = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    # Only initdb's own writing goes without fsync; the server keeps it, as a commit must cost what it costs.
    run_quietly([*initdb, "--no-sync"], deadline=START_SECONDS, cwd=server.directory, **become)
    address = f"postgresql+psycopg://cchc@127.0.0.1:{port}/postgres"
    server.launch(lambda: answers(address), START_SECONDS)
    return Found(f"local PostgreSQL from {folder}", address), server


def over_tls(run: Run, public: Path, both: Path) -> Postgres:
    """A local server that also speaks TLS, with this certificate and the file that holds its key."""
    folder = Path(tempfile.mkdtemp(prefix="tls-", dir=run.directory))
    certificate, key = (Path(shutil.copy(file, folder)) for file in (public, both))
    key.chmod(0o600)
    if user := unprivileged():
        for path in (folder, certificate, key):
            shutil.chown(path, user)
    return Postgres(local(run, {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key}).address)


def in_container(run: Run) -> Found:
    return _in_container(run)[0]


def _in_container(run: Run) -> tuple[Found, Server]:
    host, port = docker_host(), free_port()
    env = {"POSTGRES_USER": "cchc", "POSTGRES_PASSWORD": "cchc"}
    server = Server(run, "postgres", {"image": IMAGE, "env": env, "port": port, "inner_port": 5432})
    address = f"postgresql+psycopg://cchc:cchc@{host}:{port}/postgres"
    server.launch(lambda: answers(address), DOCKER_START_SECONDS)
    return Found(f"{IMAGE} in Docker", address), server


find = first_that_works("CCHC_TEST_POSTGRES", check, {"Docker": in_container, "local server": local})


def private(run: Run) -> PrivatePostgres:
    """A server for this worker alone: a local one, which starts fastest, else in a container."""
    reasons = []
    for kind in (_local, _in_container):
        try:
            found, server = kind(run)
        except Unavailable as error:
            reasons.append(str(error))
        else:
            return PrivatePostgres(found.address, server)
    raise Unavailable("no PostgreSQL of one's own: " + "; ".join(reasons))
