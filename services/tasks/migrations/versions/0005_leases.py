"""Which process does what only one may do."""

from alembic import op

from shared.eventlog.schema import create_leases_v1

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_leases_v1(op)
