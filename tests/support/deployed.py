"""The databases of a deployment on PostgreSQL, with its roles: as `cchc databases` makes them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cchc.databases import databases, prepare_databases
from cchc.installation import Installation
from cchc.services import SERVICES
from cchc.settings import Settings
from tests.support.postgres import Postgres, execute, with_driver

PASSWORDS = {role: f"{role}-for-a-test" for roles in databases().values() for role in roles}


@dataclass(frozen=True)
class Deployed:
    """A server that holds the databases of one deployment."""

    server: Postgres

    def url(self, database: str, role: str) -> str:
        address = with_driver(self.server.address).set(database=database, username=role, password=PASSWORDS[role])
        return address.render_as_string(hide_password=False)

    def environment(self, kind: str) -> dict[str, str]:
        """What a process of the kind `server` or `worker` finds in its environment; both know the owner's address."""
        found = {f"CCHC_DATABASE_{service.upper()}": self.url(service, f"{service}_{kind}") for service in SERVICES}
        found |= {f"CCHC_OWNER_{service.upper()}": self.url(service, f"{service}_owner") for service in SERVICES}
        return found | {"CCHC_DATABASE_SIGN_IN": self.url("sign_in", "sign_in_server")}

    def installation(self, kind: str, data: Path, **more: str) -> Installation:
        return Installation(Settings.from_environment(self.environment(kind) | more, data))


@contextmanager
def deployed_on(server: Postgres) -> Iterator[Deployed]:
    """The databases, made anew and dropped at the end."""
    _drop(server)
    libpq = with_driver(server.address).set(drivername="postgresql").render_as_string(hide_password=False)
    for _ in prepare_databases(libpq, PASSWORDS):
        pass
    try:
        yield Deployed(server)
    finally:
        gc.collect()
        _drop(server)


def _drop(server: Postgres) -> None:
    execute(server.address, *(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)" for database in databases()))
