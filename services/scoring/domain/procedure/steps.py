"""What several steps of the procedure check."""

from collections.abc import Collection
from datetime import date

from services.scoring.domain import refusals
from services.scoring.domain.context import ProcedureContext, must_rate
from services.scoring.domain.rules.facts.people import Post, post_on
from services.scoring.domain.settings import cut_off
from services.scoring.domain.sheet import rated_staff
from services.scoring.domain.standing import Ruling, Standing, standing


def post_of(context: ProcedureContext, staff: str) -> Post:
    """The person's post today, or the nearest to it, on which competence is judged. Refuses `staff-unknown`."""
    post = context.posts.get(staff)
    if post is None:
        raise refusals.STAFF_UNKNOWN(staff=staff)
    return post


def post_of_year(context: ProcedureContext, year: int, staff: str) -> Post:
    """The post that the year's sheet goes by."""
    on = min(context.today, cut_off(context.records, year))
    return post_on(context.records.people[staff], on) or post_of(context, staff)


def needs_opinion(post: Post) -> bool:
    """The Party committee is heard on leaders (NĐ 90/2020 Đ17-18, NĐ 335/2025 Đ21)."""
    return post.leader or post.category == "can_bo"


def must_have_begun(context: ProcedureContext, year: int) -> None:
    if date(year, 1, 1) > context.today:
        raise refusals.YEAR_NOT_BEGUN(year=year)


def must_be_rated(context: ProcedureContext, year: int, staff: str) -> None:
    post_of(context, staff)
    must_have_begun(context, year)
    if staff not in rated_staff(context.records, year, on=context.today):
        raise refusals.NOT_RATED_HERE(staff=staff, year=year)


def must_keep_or_lead(context: ProcedureContext, by: str, about: Collection[str]) -> None:
    """Refuses anyone but the Chairman and the Office; for the Office's own people a vice-chair may too."""
    context.must_be_in_post(by)
    if not context.keeps(by, about, "chair"):
        raise refusals.CHAIR_OR_OFFICE_ONLY(by=by)


def must_be_competent(context: ProcedureContext, staff: str, by: str) -> None:
    post_of(context, staff)
    context.must_act_for(by, about={staff})
    must_rate(context, staff, by)


def must_be_undecided(of: Standing) -> None:
    if of.decision is not None:
        raise refusals.ALREADY_DECIDED(staff=of.staff, year=of.year)


def must_name_last_proposal(of: Standing, proposal: str) -> None:
    if of.proposal is None:
        raise refusals.PROPOSAL_MISSING(staff=of.staff)
    if of.proposal.proposal != proposal:
        raise refusals.PROPOSAL_NOT_LAST(proposal=proposal, last=of.proposal.proposal)


def must_be_decidable(of: Standing, level: str) -> None:
    """Refuses what is no level of the law; `khong_xep_loai` counts only if the proposal says so."""
    allowed = {"xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh"}
    if of.proposed_level == "khong_xep_loai":
        allowed.add("khong_xep_loai")
    if level not in allowed:
        raise refusals.LEVEL_NOT_DECIDABLE(level=level)


def decision_in_force(context: ProcedureContext, year: int, staff: str) -> Ruling:
    post_of(context, staff)
    decision = standing(context.records, year, staff).decision
    if decision is None:
        raise refusals.NOT_DECIDED(staff=staff, year=year)
    return decision


def day_given(context: ProcedureContext, on: date | None, *, not_before: date) -> date:
    """The day given, or today. Refuses one in the future or before what it follows (`day-out-of-order`)."""
    on = on or context.today
    if not not_before <= on <= context.today:
        raise refusals.DAY_OUT_OF_ORDER(day=on.isoformat(), first=not_before.isoformat())
    return on


def required_text(text: str) -> str:
    if not text.strip():
        raise refusals.TEXT_REQUIRED()
    return text.strip()


def text_or_none(text: str | None) -> str | None:
    return (text or "").strip() or None
