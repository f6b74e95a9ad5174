"""Vietnamese search and order on PostgreSQL; on SQLite the connection brings them (shared/vietnamese.py)."""

from alembic import op

from shared.eventlog.requirements import require_vietnamese

revision = "0002"
down_revision = "0001"

# Lower case comes from ICU, as that of a database may know only ASCII.
STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS unaccent",
    "CREATE COLLATION IF NOT EXISTS vietnamese (provider = icu, locale = 'vi-VN')",
    """CREATE FUNCTION mentions(text, wanted text) RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
        SELECT strpos(unaccent(lower($1 COLLATE vietnamese)), unaccent(lower($2 COLLATE vietnamese))) > 0
    $$""",
    """CREATE FUNCTION given_name(name text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
        SELECT lower(split_part($1, ' ', -1) COLLATE vietnamese)
    $$""",
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    require_vietnamese(connection)
    for statement in STATEMENTS:
        op.execute(statement)
