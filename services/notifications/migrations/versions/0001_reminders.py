"""The logs, the records folded from them, and what the service's own log comes to."""

import sqlalchemy as sa
from alembic import op

from shared.eventlog.schema import create_log_tables_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log_tables_v1(op, own_source="notifications")
    op.create_table(
        "records",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
    )
    op.create_table(
        "occurrences",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("reminder", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("run_on", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("due_version", sa.Integer),
        sa.Column("policy", sa.Text),
        sa.Column("by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("queued_at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_at", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("sent_as", sa.Text),
        sa.Column("acknowledged_at", sa.Text),
        sa.PrimaryKeyConstraint("commune", "reminder", name="occurrences_pk"),
        sa.UniqueConstraint("commune", "about", "rule", "run_on", "recipient", "channel", name="occurrences_key"),
    )
    op.create_index("occurrences_state", "occurrences", ["commune", "state"])
    op.create_index("occurrences_recipient", "occurrences", ["commune", "recipient", "run_on"])
    op.create_table(
        "policies",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "position", name="policies_pk"),
        sa.UniqueConstraint("commune", "policy", name="policies_once"),
    )
    op.create_table(
        "preferences",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "position", name="preferences_pk"),
    )
    op.create_table(
        "slips",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("slip", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("number", sa.Text),
        sa.Column("signed_by", sa.Text),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "position", name="slips_pk"),
    )
    # What follows is no fold of a log: who works on what just now, and what lies beside the log and can be erased.
    op.create_table(
        "deliveries",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("reminder", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_until", sa.Text),
        sa.Column("not_before", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "reminder", name="deliveries_pk"),
    )
    op.create_table(
        "planned",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("positions", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", name="planned_pk"),
    )
    op.create_table(
        "addresses",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "staff", "channel", name="addresses_pk"),
    )
    op.create_table(
        "endpoints",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("disabled_at", sa.Text),
        sa.Column("disabled_reason", sa.Text),
        sa.PrimaryKeyConstraint("commune", "endpoint", name="endpoints_pk"),
    )
    op.create_table(
        "slip_files",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("slip", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "slip", name="slip_files_pk"),
    )
