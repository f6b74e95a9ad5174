"""The log and the tables of the first read side."""

import sqlalchemy as sa
from alembic import op

from shared.eventlog.schema import create_log_tables_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log_tables_v1(op, own_source="scoring")
    op.create_table(
        "records",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
    )
