"""The log, the journal, the budgets and the records."""

import sqlalchemy as sa
from alembic import op

from shared.budgets.schema import create_budgets_v1
from shared.eventlog.schema import create_leases_v1, create_log_tables_v1
from shared.journal.schema import create_journal_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log_tables_v1(op, own_source="visits")
    create_journal_v1(op)
    create_budgets_v1(op)
    create_leases_v1(op)
    op.create_table(
        "records",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
    )
