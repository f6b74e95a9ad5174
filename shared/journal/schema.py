"""The journal's table as migrations create it: frozen per version, so that a released migration never changes."""

from typing import Any

import sqlalchemy as sa

_REFUSED = "rows of the journal are never changed or removed"

# Grants already leave a server and a worker only INSERT and SELECT on PostgreSQL: the triggers stop the owner's hand.
_INSERT_ONLY = {
    "sqlite": [
        f"""CREATE TRIGGER journal_insert_only_{action.lower()} BEFORE {action} ON journal
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"""
        for action in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"""CREATE FUNCTION refuse_to_change_the_journal() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
        """CREATE TRIGGER journal_insert_only BEFORE UPDATE OR DELETE ON journal
        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_journal()""",
        """CREATE TRIGGER journal_never_truncated BEFORE TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_journal()""",
    ],
}


def create_journal_v1(op: Any) -> None:
    """Create the table `journal`, whose rows can only be added. `op` is Alembic's."""
    op.create_table(
        "journal",
        sa.Column("commune", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("commune", "number", name="journal_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("journal_time", "journal", ["commune", "time"])
    for statement in _INSERT_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
