"""Vietnamese search and order on PostgreSQL; on SQLite the connection brings them (shared/collation.py)."""

import sqlalchemy as sa
from alembic import op

from shared.eventlog.errors import ServerLacks

revision = "0002"
down_revision = "0001"

# What the server must have been installed with; initdb lists ICU's collations when it was built with ICU.
NEEDS = {
    "SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')": (
        "Máy chủ PostgreSQL không có ICU nên không xếp được thứ tự tiếng Việt: dùng bản PostgreSQL dựng có ICU "
        "(gói của Debian, Ubuntu và ảnh postgres:15-bookworm có sẵn)."
    ),
    "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'unaccent')": (
        "Máy chủ PostgreSQL thiếu phần mở rộng unaccent nên không tìm được khi gõ không dấu: cài gói "
        "postgresql-contrib của đúng phiên bản máy chủ."
    ),
}
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
    if lacking := [sentence for question, sentence in NEEDS.items() if not connection.scalar(sa.text(question))]:
        raise ServerLacks(" ".join(lacking))
    for statement in STATEMENTS:
        op.execute(statement)
