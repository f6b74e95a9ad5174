"""What every command of scoring has: who asks, what the decision may look at, and who may act, track and rate."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.scoring.domain import refusals
from services.scoring.domain.records import Records
from services.scoring.domain.rules.facts.people import Post
from shared.events import Data, Input
from shared.events.values import EXTERNAL
from shared.refusal import Refusal


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""


class Decision(msgspec.Struct, frozen=True):
    """The events that follow from a command, and what its sender is answered besides where it was recorded."""

    events: Sequence[Data]
    result: Any = None


class Context(msgspec.Struct, frozen=True):
    """Who asks, and who is in post today. `actor` is the staff id that typed the command, None for an operator's, whose
    name is `operator`.
    `roles` are those that count for the actor: of today's post, as far as the token grants them (None: all of them).
    `records` hold at least the people, units and years."""

    actor: str | None
    posts: Mapping[str, Post]
    units: frozenset[str]
    records: Records
    today: date
    roles: frozenset[str] | None = None
    operator: str = "operator"

    def must_be_in_post(self, staff: str) -> Post:
        post = self.posts.get(staff)
        if post is None:
            raise refusals.STAFF_UNKNOWN(staff=staff)
        if not post.in_post:
            raise refusals.NOT_IN_POST(staff=staff)
        return post

    def is_in_post(self, staff: str) -> bool:
        post = self.posts.get(staff)
        return post is not None and post.in_post

    def holds(self, staff: str, *roles: str) -> bool:
        """Does the post of today give one of these roles? What the person may do with their token: `has_role`."""
        return self.is_in_post(staff) and not set(roles).isdisjoint(self.posts[staff].roles)

    def holders(self, *roles: str) -> list[str]:
        return sorted(staff for staff in self.posts if self.holds(staff, *roles))

    def has_role(self, staff: str | None, *roles: str) -> bool:
        """The same, but for the one who types only as far as their token goes."""
        if staff is None or not self.holds(staff, *roles):
            return False
        return staff != self.actor or self.roles is None or not self.roles.isdisjoint(roles)

    def is_of_the_office(self, people: Collection[str]) -> bool:
        """Is one of the people the Office's own, or is nobody in the Office? Then the Chairman or a vice-chair keeps
        what the Office keeps otherwise."""
        office = self.holders("office")
        return not office or not set(office).isdisjoint(people)

    def must_act_for(self, by: str, about: Collection[str] = ()) -> None:
        """People act for themselves; the Office types what others decided. Of the Office's own people (`about`) a
        leader types what they said. What the level above decided is typed by the Chairman or an administrator."""
        if by == EXTERNAL:
            if not self.is_administrator and not self.has_role(self.actor, "chair"):
                raise refusals.OUTSIDE_BY_CHAIR_OR_ADMIN()
            return
        if by == self.actor or self.has_role(self.actor, "office"):
            return
        if by not in about or not self.keeps(self.actor, about):
            raise refusals.ACTS_FOR_ANOTHER(by=by)

    @property
    def is_administrator(self) -> bool:
        """Does an operator with that role type, or a person in such a post?"""
        if self.actor is None:
            return self.roles is None or "admin" in self.roles
        return self.has_role(self.actor, "admin")

    def keeps(self, staff: str | None, about: Collection[str], *also: str) -> bool:
        """May the person keep papers about these people: the Office, whoever `also` may, for the Office's own people
        the Chairman or a vice-chair?"""
        if self.has_role(staff, "office", *also):
            return True
        return self.has_role(staff, "chair", "vice_chair") and self.is_of_the_office(about)

    def must_keep(self, about: Collection[str], *also: str) -> None:
        """Refuses a person who does not keep papers about these people; an operator's token says what it is for."""
        if self.actor is not None and not self.keeps(self.actor, about, *also):
            raise refusals.OFFICE_ONLY(by=self.actor)


class ProcedureContext(Context, frozen=True, kw_only=True):
    """The context of a step of the procedure: `records` are all of the commune's at the ends of both logs, which
    `inputs` pin; `new_id` names what the step creates."""

    inputs: list[Input]
    new_id: Callable[[], str]


def must_track_or_rate(context: Context, staff: str, by: str) -> None:
    """Refuses whoever neither tracks nor rates the person (`neither-tracker-nor-rater`), or is below them
    (`judged-from-below`)."""
    if by == EXTERNAL or by != context.posts[staff].tracker:
        must_rate(context, staff, by, otherwise=refusals.NEITHER_TRACKER_NOR_RATER)
    else:
        context.must_be_in_post(by)
        _must_not_be_below(context, staff, by)


def must_rate(context: Context, staff: str, by: str, otherwise: Refusal = refusals.NOT_THE_RATER) -> None:
    """Refuses anyone but the competent person: the rater, by default the Chairman, or the level above; and a rater whom
    the person tracks or rates (`judged-from-below`)."""
    rater = rater_of(context, staff)
    if by == EXTERNAL:
        if rater != EXTERNAL:
            raise refusals.NOT_RATED_EXTERNALLY(by=by)
        return
    context.must_be_in_post(by)
    if by != rater and not (rater is None and context.has_role(by, "chair")):
        raise otherwise(by=by)
    _must_not_be_below(context, staff, by)


def rater_of(context: Context, staff: str) -> str | None:
    """The person's rater: an id, EXTERNAL for the level above, None for the Chairman; a Chairman for whom nobody is
    named is rated above."""
    post = context.posts.get(staff)
    rater = post.rater if post else None
    return EXTERNAL if rater is None and context.holds(staff, "chair") else rater


def _must_not_be_below(context: Context, staff: str, by: str) -> None:
    """Nobody judges those who judge them. Nobody in the commune is above its Chairman."""
    if context.holds(by, "chair"):
        return
    seen, above = {by}, context.posts[by].tracker
    rater = rater_of(context, by)
    found = rater == staff or (rater is None and context.holds(staff, "chair"))
    while above is not None and above not in seen and not found:
        found = above == staff
        seen.add(above)
        above = context.posts[above].tracker if above in context.posts else None
    if found:
        raise refusals.JUDGED_FROM_BELOW(by=by, staff=staff)


def must_be_documented(context: Context, by: str, number: str | None, on: date | None, sha256: str | None) -> None:
    """What the level above decides names its document: number, date, SHA-256 (`outside-document-required`)."""
    if by == EXTERNAL:
        must_have_document(context, number, on, sha256)


def must_have_document(context: Context, number: str | None, on: date | None, sha256: str | None) -> None:
    said = {"số văn bản": (number or "").strip(), "ngày văn bản": on, "mã SHA-256 của văn bản": sha256}
    missing = [what for what, value in said.items() if not value]
    if missing or on is None:
        raise refusals.OUTSIDE_DOCUMENT_REQUIRED(missing=", ".join(missing))
    if on > context.today:
        raise refusals.DOCUMENT_IN_FUTURE(day=on.isoformat())


def must_have_reason(reason: str) -> None:
    if not reason.strip():
        raise refusals.REASON_REQUIRED()
