"""Bringing a service's database to its newest schema, without an alembic.ini."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from shared.eventlog.security import secure

# Any number, as long as all processes that migrate use it: the later ones wait and find nothing to do.
ADVISORY_LOCK = 0x63636863


def migrate(engine: Engine, service: str, revision: str = "head") -> None:
    """Upgrade in one transaction. `service` is a package with a folder `migrations`: `services.tasks`.

    On PostgreSQL `engine` is the owner's, and the tables are secured in the same transaction.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
            # Altering a table waits for its readers, and everything else queues behind: better to try again later.
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        else:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection, service, revision)
        if connection.dialect.name == "postgresql":
            secure(connection, service.rpartition(".")[2])
        connection.commit()


def upgrade(connection: Connection, service: str, revision: str = "head") -> None:
    """Upgrade in the transaction of this connection."""
    config = _config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revisions(engine: Engine, service: str) -> tuple[set[str], list[str]]:
    """The revision of a database, none before its first migration, and all revisions of this release, newest first."""
    known = [script.revision for script in ScriptDirectory.from_config(_config(service)).walk_revisions()]
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()), known


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", f"{service}:migrations")
    return config
