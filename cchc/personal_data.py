"""Every column of every database that holds text or bytes, by what it may hold of a person.

`cchc person erase` empties what stands under PERSONAL; a test finds a column that stands nowhere.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from shared.journal import Entry, kinds

Columns = dict[str, tuple[str, ...]]

# Names, addresses and what holds them: outside the log, so that they can be erased.
PERSONAL: Columns = {
    "people": ("name", "email", "phone"),
    "addresses": ("address",),
    "slip_files": ("body",),
}
# A person has to look: the file's name may be anybody's.
LOOKED_AT: Columns = {"evidence_files": ("file_name",)}
# Secrets and addresses of other systems, removed with the endpoint.
SECRETS: Columns = {"endpoints": ("url", "secret")}
# Words that people type where the form says to name nobody: of the log, or folded from it; and the names of units.
WORDS: Columns = {
    "events": ("body",),
    "states": ("state", "title"),
    "records": ("body",),
    "occurrences": ("note",),
    "policies": ("body",),
    "unit_names": ("name",),
}
# Ids, codes, hashes, times and counts.
CODES: Columns = {
    "addresses": ("commune", "staff", "channel"),
    "alembic_version": ("version_num",),
    "budgets": ("commune", "actor", "kind"),
    "cursors": ("source", "commune"),
    "deliveries": ("commune", "reminder", "message", "claimed_by", "claimed_until", "not_before"),
    "endpoints": ("commune", "endpoint", "rules", "created_at", "disabled_at", "disabled_reason"),
    "events": ("source", "commune", "subject", "time"),
    "evidence_files": ("commune", "task", "sha256", "media_type", "stored_at"),
    "heads": ("source", "commune", "hash", "time", "broken"),
    "idempotency": ("commune", "key", "digest", "answer", "at"),
    "journal": ("commune", "time", "actor", "kind", "body"),
    "leases": ("name", "holder"),
    "occurrences": (
        "commune", "reminder", "about", "rule", "run_on", "recipient", "channel", "urgency", "policy", "by",
        "queued_at", "state", "state_at", "reason", "sent_as", "acknowledged_at",
    ),
    "people": ("commune", "staff"),
    "noticed": ("commune", "source"),
    "planned": ("commune", "until", "positions"),
    "policies": ("commune", "time", "policy"),
    "positions": ("projection", "source", "commune", "parked"),
    "preferences": ("commune", "time", "staff", "body"),
    "records": ("commune", "kind", "id", "ended"),
    "sign_in_codes": ("digest", "claims"),
    "slip_files": ("commune", "slip"),
    "slips": ("commune", "time", "slip", "task", "number", "signed_by", "sha256"),
    "states": ("commune", "subject", "kind", "status", "lead", "people", "directive"),
    "unit_names": ("commune", "unit"),
}  # fmt: skip
EVERY = (PERSONAL, LOOKED_AT, SECRETS, WORDS, CODES)

# A journal's kind of row → the table and columns that its ids (`staff/p04`) name a row by.
ERASED: dict[str, tuple[str, tuple[str, ...]]] = {
    kinds.PERSON_ERASED.code: ("people", ("staff",)),
    kinds.EVIDENCE_ERASED.code: ("evidence_files", ("task", "sha256")),
    kinds.ADDRESS_ERASED.code: ("addresses", ("staff",)),
    kinds.SLIPS_ERASED.code: ("slip_files", ("slip",)),
    kinds.ENDPOINT_REMOVED.code: ("endpoints", ("endpoint",)),
}


def erase_again(connection: Connection, commune: str, rows: Sequence[Entry]) -> int:
    """Delete what these rows of a journal say was erased; returns how many rows of tables that were. What was saved
    again after its erasure goes too: of an older copy nobody knows which of the two it is."""
    count = 0
    for entry in rows:
        if entry.kind not in ERASED:
            continue
        table, columns = ERASED[entry.kind]
        where = " AND ".join(f"{column} = :{column}" for column in ("commune", *columns))
        ids = [each.partition("/")[2] for each in entry.about]
        for first in range(0, len(ids), len(columns)):
            key = dict(zip(columns, ids[first : first + len(columns)], strict=True))
            deleted = connection.execute(text(f"DELETE FROM {table} WHERE {where}"), key | {"commune": commune})  # noqa: S608 - own names
            count += deleted.rowcount
    return count


def keep_no_statistics(connection: Connection) -> None:
    """On PostgreSQL, let ANALYZE copy no name or secret into the planner's statistics, and drop what it copied."""
    for columns in (PERSONAL, LOOKED_AT, SECRETS):
        for table, names in columns.items():
            for name, kind in connection.execute(_WITH_STATISTICS, {"table": table, "columns": list(names)}).all():
                connection.execute(text(f"ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS 0"))
                # Even to the same type, this is what forgets a column's statistics.
                connection.execute(text(f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind}"))


_WITH_STATISTICS = text(
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = to_regclass(:table) AND attname = ANY(:columns) AND attstattarget IS DISTINCT FROM 0"
)
