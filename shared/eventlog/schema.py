"""The log's tables as migrations create them: frozen per version, so that a released migration never changes."""

from typing import Any

import sqlalchemy as sa


def create_log_tables_v1(op: Any, own_source: str) -> None:
    """Create the tables of a log. Events of `own_source` can only be added.

    `op` is Alembic's. Replicas of other sources in the same table may be dropped and filled again.
    """
    op.create_table(
        "events",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("streamversion", sa.Integer, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("source", "commune", "position", name="events_pk"),
        sa.UniqueConstraint("source", "commune", "subject", "streamversion", name="events_stream"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heads",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("broken", sa.Text),
        sa.PrimaryKeyConstraint("source", "commune", name="heads_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("commune", "key", name="idempotency_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cursors",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", "commune", name="cursors_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        sa.Column("projection", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("fold_version", sa.Integer, nullable=False),
        sa.Column("parked", sa.Text),
        sa.PrimaryKeyConstraint("projection", "source", "commune", name="positions_pk"),
        sqlite_with_rowid=False,
    )
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement.format(source=own_source))


def create_leases_v1(op: Any) -> None:
    """Create the table `leases`. `op` is Alembic's."""
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="leases_pk"),
        sqlite_with_rowid=False,
    )


_REFUSED = "events of this log are never changed or removed"

_APPEND_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER events_append_only_{action.lower()} BEFORE {action} ON events
        WHEN OLD.source = '{{source}}' BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"""
        for action in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"""CREATE FUNCTION refuse_to_change_events() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
        """CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
        FOR EACH ROW WHEN (OLD.source = '{source}') EXECUTE FUNCTION refuse_to_change_events()""",
        # A truncation has no rows to check: it is refused whatever the table holds.
        """CREATE TRIGGER events_never_truncated BEFORE TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_events()""",
    ],
}
