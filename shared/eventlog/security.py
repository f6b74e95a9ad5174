"""Row-level security and grants on PostgreSQL: a transaction names its commune and sees no other's rows."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

# A transaction that names no commune is a mistake: an empty answer would look like a commune without data.
_CURRENT_COMMUNE = """
CREATE OR REPLACE FUNCTION current_commune() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE commune text := current_setting('cchc.commune', true);
BEGIN
    IF coalesce(commune, '') = '' THEN
        RAISE EXCEPTION 'cchc.commune is not set' USING ERRCODE = 'insufficient_privilege',
            HINT = 'Every transaction names its commune: SET LOCAL cchc.commune = …';
    END IF;
    RETURN commune;
END $$"""

# As a subquery it is evaluated once in a statement, not once in a row.
_OWN = "commune = (SELECT current_commune())"
_EVERY = "(SELECT current_commune()) = '*'"

# Only where a commune's log stands, not what it says: the feed and the pages show this for all communes together.
_HEADS = ("heads", "cursors", "positions")

# Role of a service → what it may do with a table; `""` stands for every other table. The worker may drop and refill
# replicas; the trigger on events guards the service's own log.
_GRANTS = {
    "server": {
        "": "SELECT, INSERT, UPDATE, DELETE",
        "events": "SELECT, INSERT",
        "journal": "SELECT, INSERT",
        "cursors": "SELECT",
        "leases": "SELECT",
        "positions": "SELECT",
        "alembic_version": "SELECT",
    },
    "worker": {
        "": "SELECT, INSERT, UPDATE, DELETE",
        "events": "SELECT, INSERT, DELETE",
        "journal": "SELECT, INSERT",
        "alembic_version": "SELECT",
    },
}


def secure(connection: Connection, service: str) -> None:
    """Bring every table's policies and grants to this release; called by the owner after each migration.

    Roles `<service>_server` and `<service>_worker` are granted what they need where they exist. The owner is bound by
    the policies too (FORCE), and may name all communes at once to back them up.
    """
    roles = {kind: f"{service}_{kind}" for kind in _GRANTS if _exists(connection, f"{service}_{kind}")}
    for statement in _statements(_tables(connection), _with_commune(connection), roles):
        connection.execute(text(statement))


def _statements(tables: list[str], with_commune: list[str], roles: dict[str, str]) -> Iterator[str]:
    yield _CURRENT_COMMUNE
    for table in with_commune:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield from _policy(table, "own_commune", f"USING ({_OWN}) WITH CHECK ({_OWN})")
        yield from _policy(table, "owner", f"TO CURRENT_USER USING ({_EVERY}) WITH CHECK ({_EVERY})")
        if table in _HEADS:
            yield from _policy(table, "every_head", f"FOR SELECT USING ({_EVERY})")
        if "worker" in roles:
            yield from _policy(table, "worker", f"FOR SELECT TO {roles['worker']} USING ({_EVERY})")
    if "worker" in roles:
        # The relay moves the cursors of all communes that it published, in one transaction.
        everything = f"TO {roles['worker']} USING ({_EVERY}) WITH CHECK ({_EVERY})"
        yield from _policy("cursors", "relay", everything)
    for kind, role in roles.items():
        for table in tables:
            yield f"REVOKE ALL ON {table} FROM {role}"
            yield f"GRANT {_GRANTS[kind].get(table, _GRANTS[kind][''])} ON {table} TO {role}"


def _policy(table: str, name: str, rule: str) -> Iterator[str]:
    yield f"DROP POLICY IF EXISTS {name} ON {table}"
    yield f"CREATE POLICY {name} ON {table} {rule}"


class Gap(NamedTuple):
    """`lacks`: function (current_commune itself), security, force, policy; open: a `policy` that asks for nothing."""

    lacks: str
    table: str = ""
    policy: str = ""


def unsecured(connection: Connection) -> list[Gap]:
    """What row-level security lacks; empty when every table that has a `commune` is secured."""
    found = []
    if not connection.scalar(text("SELECT count(*) FROM pg_proc WHERE proname = 'current_commune'")):
        found.append(Gap("function"))
    for table in _with_commune(connection):
        enabled, forced = connection.execute(_SECURITY, {"table": table}).one()
        policies = {name: rule or "" for name, rule in connection.execute(_POLICIES, {"table": table})}
        if not enabled:
            found.append(Gap("security", table))
        if not forced:
            found.append(Gap("force", table))
        if "current_commune" not in policies.get("own_commune", ""):
            found.append(Gap("policy", table))
        # Policies add up: one that asks for nothing opens the table.
        opening = [name for name, rule in policies.items() if "current_commune" not in rule]
        found += [Gap("open", table, name) for name in opening]
    return found


def _exists(connection: Connection, role: str) -> bool:
    return bool(connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :role"), {"role": role}))


def _tables(connection: Connection) -> list[str]:
    return list(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))


def _with_commune(connection: Connection) -> list[str]:
    return list(connection.scalars(_WITH_COMMUNE))


_WITH_COMMUNE = text(
    "SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = current_schema() AND column_name = 'commune' AND table_type = 'BASE TABLE' ORDER BY 1"
)
_SECURITY = text(
    "SELECT relrowsecurity, relforcerowsecurity FROM pg_class"
    " WHERE relname = :table AND relnamespace = current_schema()::regnamespace"
)
_POLICIES = text(
    "SELECT policyname, coalesce(qual, with_check) FROM pg_policies"
    " WHERE schemaname = current_schema() AND tablename = :table AND permissive = 'PERMISSIVE'"
)
