"""The log and the tables of the first read side."""

from alembic import op

from shared.eventlog.schema import create_log_tables_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log_tables_v1(op, own_source="scoring")
