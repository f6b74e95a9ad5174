"""Who may read a sheet, and what others said of the person."""

from collections.abc import Collection
from datetime import date

from services.scoring.domain.records import Records
from services.scoring.domain.rules.facts.people import post_on

# These read every sheet of the commune: the Office keeps them, the Chairman decides, inspectors check.
READ_ALL = {"chair", "office", "inspector"}


def may_read(records: Records, staff: str, reader: str | None, roles: Collection[str], on: date) -> bool:
    """A sheet is read by its person, tracker, rater and the Office; `reader` is a staff id, or None for others."""
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    person = records.people.get(staff)
    post = post_on(person, on) if person else None
    return reader is not None and post is not None and reader in (post.tracker, post.rater)


def may_read_opinion(records: Records, staff: str, reader: str | None, roles: Collection[str], on: date) -> bool:
    """Self-assessment, votes and the Party committee's opinion are for who decides and for the person, not for a
    tracker who does not rate."""
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    person = records.people.get(staff)
    post = post_on(person, on) if person else None
    return reader is not None and post is not None and reader == post.rater
