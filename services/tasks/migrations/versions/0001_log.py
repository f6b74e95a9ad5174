"""The log, the states of its streams, and what lies beside the log."""

import sqlalchemy as sa
from alembic import op

from shared.eventlog.schema import create_log_tables_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log_tables_v1(op, own_source="tasks")
    op.create_table(
        "states",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("lead", sa.Text),
        sa.Column("people", sa.Text),
        sa.Column("due_date", sa.Date),
        sa.Column("field", sa.Integer),
        sa.Column("directive", sa.Text),
        sa.Column("title", sa.Text),
        sa.PrimaryKeyConstraint("commune", "subject", name="states_pk"),
    )
    op.create_index("states_kind", "states", ["commune", "kind", "status"])
    op.create_table(
        "people",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.PrimaryKeyConstraint("commune", "staff", name="people_pk"),
    )
    op.create_table(
        "unit_names",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "unit", name="unit_names_pk"),
    )
    op.create_table(
        "evidence_files",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("stored_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "task", "sha256", name="evidence_files_pk"),
    )
