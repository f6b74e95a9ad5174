"""The table of a journal, the same in every service's database; a migration creates it."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

# `body` is the row as it is shown, hashed and handed over; `time`, `actor` and `kind` repeat it to be searched by.
journal = Table(
    "journal",
    metadata,
    Column("commune", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("commune", "number", name="journal_pk"),
    Index("journal_time", "commune", "time"),
    sqlite_with_rowid=False,
)
