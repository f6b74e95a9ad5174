"""The tables of the service: records folded from other logs, rows of its own log, and what is kept outside both."""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from shared.budgets import budgets
from shared.journal.tables import journal

metadata = MetaData()
# Rows of what changes outside the log; they are only added.
journal.to_metadata(metadata)
budgets.to_metadata(metadata)

# `ended`: when a task came to its end, so that planning reads only the tasks that run.
records = Table(
    "records",
    metadata,
    Column("commune", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("ended", Text),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("commune", "kind", "id", name="records_pk"),
)

# Written in the append transaction of the service's own log.

occurrences = Table(
    "occurrences",
    metadata,
    Column("commune", Text, nullable=False),
    Column("reminder", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("run_on", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("due_version", Integer),
    Column("policy", Text),
    Column("by", Text),
    Column("note", Text),
    Column("queued_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text),
    Column("sent_as", Text),
    Column("acknowledged_at", Text),
    PrimaryKeyConstraint("commune", "reminder", name="occurrences_pk"),
    UniqueConstraint("commune", "about", "rule", "run_on", "recipient", "channel", name="occurrences_key"),
    Index("occurrences_state", "commune", "state"),
    Index("occurrences_recipient", "commune", "recipient", "run_on"),
)

policies = Table(
    "policies",
    metadata,
    Column("commune", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("time", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("commune", "position", name="policies_pk"),
    UniqueConstraint("commune", "policy", name="policies_once"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("commune", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("time", Text, nullable=False),
    Column("staff", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("commune", "position", name="preferences_pk"),
)

slips = Table(
    "slips",
    metadata,
    Column("commune", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("time", Text, nullable=False),
    Column("slip", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("number", Text),
    Column("signed_by", Text),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("commune", "position", name="slips_pk"),
)

# Not folded from a log: which worker sends what just now, and what is kept outside the log so that it can be erased.

deliveries = Table(
    "deliveries",
    metadata,
    Column("commune", Text, nullable=False),
    Column("reminder", Text, nullable=False),
    Column("message", Text),
    Column("claimed_by", Text),
    Column("claimed_until", Text),
    Column("not_before", Text, nullable=False),
    PrimaryKeyConstraint("commune", "reminder", name="deliveries_pk"),
)

# Until when it was planned, and how far the records were then (JSON, by source).
planned = Table(
    "planned",
    metadata,
    Column("commune", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("positions", Text, nullable=False),
    PrimaryKeyConstraint("commune", name="planned_pk"),
)

# How far the events of a log were looked at for acts that somebody must hear of at once.
noticed = Table(
    "noticed",
    metadata,
    Column("commune", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("commune", "source", name="noticed_pk"),
)

addresses = Table(
    "addresses",
    metadata,
    Column("commune", Text, nullable=False),
    Column("staff", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    PrimaryKeyConstraint("commune", "staff", "channel", name="addresses_pk"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("commune", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("disabled_at", Text),
    Column("disabled_reason", Text),
    PrimaryKeyConstraint("commune", "endpoint", name="endpoints_pk"),
)

# `people` holds those whom the document names as "|p01|p04|"; NULL in rows of a release that did not keep them.
slip_files = Table(
    "slip_files",
    metadata,
    Column("commune", Text, nullable=False),
    Column("slip", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("people", Text),
    PrimaryKeyConstraint("commune", "slip", name="slip_files_pk"),
)
