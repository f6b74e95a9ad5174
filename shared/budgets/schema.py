"""The table of budgets as migrations create it: frozen per version, so that a released migration never changes."""

from typing import Any

import sqlalchemy as sa


def create_budgets_v1(op: Any) -> None:
    """Create the table `budgets`. `op` is Alembic's."""
    op.create_table(
        "budgets",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("commune", "actor", "kind", name="budgets_pk"),
        sqlite_with_rowid=False,
    )
