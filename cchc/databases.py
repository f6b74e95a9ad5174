"""The databases and roles of an installation on PostgreSQL, made by the server's superuser; safe to run again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from cchc.services import SERVICES
from cchc.settings import SIGN_IN

# owner: migrates and backs up; server: the web processes; worker: the background process and the command line.
KINDS = ("owner", "server", "worker")
SIGN_IN_ROLE = f"{SIGN_IN}_server"
# The server's own log: without DETAIL lines, which show the row at fault, and without the values of statements.
LOGGING = {"log_error_verbosity": "terse", "log_parameter_max_length": 0, "log_parameter_max_length_on_error": 0}


def databases() -> dict[str, tuple[str, ...]]:
    """Database → its roles, the owner first. The one of sign-in links has one table and one role, which makes it."""
    return {service: tuple(f"{service}_{kind}" for kind in KINDS) for service in SERVICES} | {SIGN_IN: (SIGN_IN_ROLE,)}


def prepare_databases(admin: str, passwords: Mapping[str, str]) -> Iterator[str]:
    """Create each database and its roles where they are missing, set the passwords, and yield what was created.

    `admin` is a libpq URL of a superuser. The first role of a database owns it; only its roles may connect to it.
    Raises KeyError for a role without a password, before anything is made, and psycopg.Error.
    """
    password_of = {role: passwords[role] for roles in databases().values() for role in roles}
    with psycopg.connect(admin, autocommit=True) as connection:
        for database, roles in databases().items():
            for role in roles:
                yield from _role(connection, role, password_of[role])
            name, owner = sql.Identifier(database), sql.Identifier(roles[0])
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                # Sorted by bytes unless a query asks for Vietnamese: indexes don't depend on the system's libraries.
                create = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
                connection.execute(sql.SQL(create).format(name, owner))
                yield database
            for setting, value in LOGGING.items():
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, sql.SQL(setting), sql.Literal(value))
                )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            granted = sql.SQL(", ").join(map(sql.Identifier, roles))
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, granted))


def _role(connection: psycopg.Connection, role: str, password: str) -> Iterator[str]:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    action = "ALTER" if known else "CREATE"
    statement = sql.SQL(f"{action} ROLE {{}} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {{}}")
    # Hashed here: the server's own log may show the statement.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(hashed)))
    if not known:
        yield role


def passwords_in(folder: Path) -> dict[str, str]:
    """Role → password, from every `<folder>/*/pgpass` (libpq's format, host:port:database:role:password)."""
    lines = [line for file in folder.glob("*/pgpass") for line in file.read_text().splitlines() if line]
    return dict(line.split(":")[3:] for line in lines)
