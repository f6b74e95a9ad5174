"""Every column of every database that holds text or bytes, by what it may hold of a person.

`cchc person erase` empties what stands under PERSONAL; a test finds a column that stands nowhere.
"""

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
