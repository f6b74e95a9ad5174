"""The tables of a log, the same in every service's database; the migrations create them."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Bodies are bytes, never JSON columns: a database that reformats them would break the chain.
events = Table(
    "events",
    metadata,
    Column("source", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("streamversion", Integer, nullable=False),
    Column("time", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("source", "commune", "position", name="events_pk"),
    UniqueConstraint("source", "commune", "subject", "streamversion", name="events_stream"),
    # SQLite: a commune's events lie next to each other in the file, so a fold reads them in sequence, and a row of
    # the small tables costs a commit one page instead of two.
    sqlite_with_rowid=False,
)

heads = Table(
    "heads",
    metadata,
    Column("source", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("broken", Text),
    PrimaryKeyConstraint("source", "commune", name="heads_pk"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("commune", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("commune", "key", name="idempotency_pk"),
    sqlite_with_rowid=False,
)

# How far the relay has seen its own log acknowledged by the broker.
cursors = Table(
    "cursors",
    metadata,
    Column("source", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "commune", name="cursors_pk"),
    sqlite_with_rowid=False,
)

# Which process does what only one may do (shared/lease.py).
leases = Table(
    "leases",
    metadata,
    Column("name", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("name", name="leases_pk"),
    sqlite_with_rowid=False,
)

# How far each projection has folded each log.
positions = Table(
    "positions",
    metadata,
    Column("projection", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("fold_version", Integer, nullable=False),
    Column("parked", Text),
    PrimaryKeyConstraint("projection", "source", "commune", name="positions_pk"),
    sqlite_with_rowid=False,
)
