"""Who may read a sheet, and what others said of the person."""

from collections.abc import Collection

from services.scoring.domain.rules.facts.people import Post

# These read every sheet of the commune: the Office keeps them, the Chairman decides, inspectors check.
READ_ALL = {"chair", "office", "inspector"}


def may_read(post: Post | None, staff: str, reader: str | None, roles: Collection[str]) -> bool:
    """A sheet is read by its person, tracker, rater and the Office; `reader` is a staff id, or None for others.
    `post` is the person's of today, whatever day is asked about: who tracked them once reads nothing any more."""
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    return reader is not None and post is not None and reader in (post.tracker, post.rater)


def may_read_opinion(post: Post | None, staff: str, reader: str | None, roles: Collection[str]) -> bool:
    """Self-assessment, votes, the Party committee's opinion and appeals are for who decides and for the person, not for
    a tracker who does not rate."""
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    return reader is not None and post is not None and reader == post.rater
