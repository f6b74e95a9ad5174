"""Whom a stored slip names, by staff ids."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("slip_files", sa.Column("people", sa.Text))
