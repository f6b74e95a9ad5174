"""What persons and communes have used of their budgets."""

from alembic import op

from shared.budgets.schema import create_budgets_v1

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_budgets_v1(op)
