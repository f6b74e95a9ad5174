"""The journal of what changes outside the log."""

from alembic import op

from shared.journal.schema import create_journal_v1

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_journal_v1(op)
