"""Who may read a sheet, and what others said about the person."""

from collections.abc import Collection

from services.scoring.domain.rules.facts.people import Post

# These read every sheet of the commune: the Office keeps them, the Chairman decides, inspectors check.
READ_ALL = {"chair", "office", "inspector"}


def may_read(post: Post | None, staff: str, reader: str | None, roles: Collection[str]) -> bool:
    """May the reader, a staff id or None for others, read the person's sheet?

    `post` is the person's post today, whatever day the sheet is of: a former tracker reads nothing any more.
    """
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    return reader is not None and post is not None and reader in (post.tracker, post.rater)


def may_read_opinion(post: Post | None, staff: str, reader: str | None, roles: Collection[str]) -> bool:
    """May the reader see self-assessment, votes, the Party committee's opinion and appeals? A tracker who does not rate
    may not."""
    if not READ_ALL.isdisjoint(roles) or reader == staff:
        return True
    return reader is not None and post is not None and reader == post.rater
