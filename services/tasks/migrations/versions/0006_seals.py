"""Up to where a seal vouches for what the relay has published."""

from alembic import op

from shared.eventlog.schema import add_sealed_v1

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    add_sealed_v1(op)
