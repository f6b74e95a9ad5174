"""Every table of the tasks service besides its log."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from shared.budgets import budgets
from shared.journal.tables import journal

metadata = MetaData()
# Rows of what changes outside the log; they are only added.
journal.to_metadata(metadata)
budgets.to_metadata(metadata)

# The columns after `state` are of tasks only, for filtering; `people` holds lead and collaborators as "|p15|p18|".
states = Table(
    "states",
    metadata,
    Column("commune", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("status", Text),
    Column("lead", Text),
    Column("people", Text),
    Column("due_date", Date),
    Column("field", Integer),
    Column("directive", Text),
    Column("title", Text),
    PrimaryKeyConstraint("commune", "subject", name="states_pk"),
    Index("states_kind", "commune", "kind", "status"),
)

# Personal data and file names: outside the log, so that they can be erased.

# `former_names` as JSON.
people = Table(
    "people",
    metadata,
    Column("commune", Text, nullable=False),
    Column("staff", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("former_names", Text),
    PrimaryKeyConstraint("commune", "staff", name="people_pk"),
)

unit_names = Table(
    "unit_names",
    metadata,
    Column("commune", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("commune", "unit", name="unit_names_pk"),
)

evidence_files = Table(
    "evidence_files",
    metadata,
    Column("commune", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
    PrimaryKeyConstraint("commune", "task", "sha256", name="evidence_files_pk"),
)
