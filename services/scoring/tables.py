"""The tables of scoring; that of positions belongs to shared/projection, those of the logs to shared/eventlog."""

from sqlalchemy import Column, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from shared.budgets import budgets
from shared.journal.tables import journal

metadata = MetaData()
# Rows of what changes outside the log; they are only added.
journal.to_metadata(metadata)
budgets.to_metadata(metadata)

records = Table(
    "records",
    metadata,
    Column("commune", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # Keeps SQLite's rowid: without it a row larger than a quarter of a page, as task rows are, takes whole pages.
    PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
)
