"""What every command of scoring has: who asks, what the decision may look at, and who may act, track and rate."""

from collections.abc import Callable, Mapping, Sequence
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
    """Who asks, and who is in post today. `actor` is the staff id that typed the command, None for an operator's.
    `records` hold at least the people, units and years."""

    actor: str | None
    posts: Mapping[str, Post]
    units: frozenset[str]
    records: Records
    today: date

    def must_be_in_post(self, staff: str) -> Post:
        post = self.posts.get(staff)
        if post is None:
            raise refusals.STAFF_UNKNOWN(staff=staff)
        if not post.in_post:
            raise refusals.NOT_IN_POST(staff=staff)
        return post

    def has_role(self, staff: str | None, *roles: str) -> bool:
        post = self.posts.get(staff) if staff else None
        return post is not None and post.in_post and not set(roles).isdisjoint(post.roles)

    def must_act_for(self, by: str) -> None:
        """People act for themselves; the Office types what others, or the level above, decided."""
        if by != self.actor and not self.has_role(self.actor, "office"):
            raise refusals.ACTS_FOR_ANOTHER(by=by)

    def must_be_of_another(self, staff: str, by: str | None = None) -> None:
        """Nobody rates themselves, nor types what another decided about them."""
        if staff in (by, self.actor):
            raise refusals.RATES_ONESELF(staff=staff)


class ProcedureContext(Context, frozen=True, kw_only=True):
    """The context of a step of the procedure: `records` are all of the commune's at the ends of both logs, which
    `inputs` pin; `new_id` names what the step creates."""

    inputs: list[Input]
    new_id: Callable[[], str]


def must_track_or_rate(context: Context, rated: Post, by: str) -> None:
    """Refuses a person who neither tracks nor rates the other (`neither-tracker-nor-rater`)."""
    if by == EXTERNAL or by != rated.tracker:
        must_rate(context, rated, by, otherwise=refusals.NEITHER_TRACKER_NOR_RATER)
    else:
        context.must_be_in_post(by)


def must_rate(context: Context, rated: Post, by: str, otherwise: Refusal = refusals.NOT_THE_RATER) -> None:
    """Refuses anyone but the competent person: the rater, by default the Chairman, or the level above."""
    if by == EXTERNAL:
        if rated.rater != EXTERNAL:
            raise refusals.NOT_RATED_EXTERNALLY(by=by)
        return
    context.must_be_in_post(by)
    if by != rated.rater and not (rated.rater is None and context.has_role(by, "chair")):
        raise otherwise(by=by)


def must_have_reason(reason: str) -> None:
    if not reason.strip():
        raise refusals.REASON_REQUIRED()
