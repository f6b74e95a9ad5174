"""Object rules of a task: whose it is, who may decide about it, in which state."""

from collections.abc import Callable, Collection

from services.tasks.domain import refusals
from services.tasks.domain.communes import Commune
from services.tasks.domain.context import Context, acting
from services.tasks.domain.task import RUNNING, STATUSES, Task
from shared.refusal import Refusal


def must_be(
    task: Task | None, id_: str, statuses: Collection[str], otherwise: Refusal = refusals.NO_RESULT_PENDING
) -> Task:
    """The task of this id, when it exists and is in one of these states. `otherwise` is the refusal of an open task."""
    if task is None:
        raise refusals.TASK_UNKNOWN(task=id_)
    if task.status not in statuses:
        raise (STATUSES[task.status].refusal or otherwise)(task=task.task)
    return task


def must_be_running(task: Task | None, id_: str) -> Task:
    return must_be(task, id_, RUNNING)


def taking_part(task: Task, staff: str, context: Context) -> bool:
    """Lead, collaborator, or member or head, on whatever day, of a collaborating unit: a rating reads by date."""
    if staff == task.lead or staff in task.collaborators:
        return True
    post = context.post(staff)
    units = [unit for id_ in task.collaborators if (unit := context.unit(id_))]
    return (post is not None and post.unit in task.collaborators) or any(unit.was_headed_by(staff) for unit in units)


def as_lead(task: Task, by: str | None, context: Context) -> str:
    """The lead, acting in person or recorded by the Office. Refuses: not the lead."""
    who = acting(context, by)
    if who != task.lead:
        raise refusals.NOT_THE_LEAD(staff=who, lead=task.lead)
    return who


def as_authority(task: Task, by: str | None, context: Context) -> str:
    """The competent person: the chair, or the vice-chair in charge of the task; never one who takes part in it."""
    who = acting(context, by)
    if not competent(task, who, context):
        raise refusals.NOT_THE_COMPETENT_AUTHORITY(staff=who, who=_in_words(task, context))
    return who


def as_verifier(task: Task, by: str | None, context: Context) -> str:
    """Who verifies a result: the competent person, or the lead's tracker where the commune's settings say so."""
    who = acting(context, by)
    if competent(task, who, context):
        return who
    if tracker_of(task.lead, context) != who:
        raise refusals.NOT_THE_COMPETENT_AUTHORITY(staff=who, who=_in_words(task, context))
    commune: Commune | None = context.state(f"commune/{context.commune}")
    if commune is None or not commune.tracker_verifies:
        raise refusals.TRACKER_MAY_NOT_VERIFY(lead=task.lead, who=_in_words(task, context))
    return who


def competent(task: Task, staff: str, context: Context, has_role: Callable[..., bool] | None = None) -> bool:
    """Chair, or vice-chair in charge; any vice-chair when every chair takes part (the chair leads the task).

    `has_role` says whose roles count: without it those of the sender as far as their token goes.
    """
    has_role = has_role or context.has_role
    if not has_role(staff, "chair", "vice_chair") or taking_part(task, staff, context):
        return False
    if has_role(staff, "chair") or in_charge(task.lead, context) == staff:
        return True
    chairs = [person for person in people(context) if context.holds(person, "chair")]
    return bool(chairs) and all(taking_part(task, chair, context) for chair in chairs)


def competent_people(task: Task, context: Context) -> list[str]:
    """Who may decide of a task, by the posts."""
    return [person for person in people(context) if competent(task, person, context, context.holds)]


def _in_words(task: Task, context: Context) -> str:
    return ", ".join(competent_people(task, context)) or "chưa có ai, quản trị hệ thống trao vai trò trước"


def in_charge(lead: str, context: Context) -> str | None:
    """The nearest vice-chair up the lead's tracker chain; None leaves the task to the chair."""
    seen = {lead}
    above = tracker_of(lead, context)
    while above is not None and above not in seen:
        if context.holds(above, "vice_chair"):
            return above
        seen.add(above)
        above = tracker_of(above, context)
    return None


def people(context: Context) -> list[str]:
    return [subject.partition("/")[2] for subject in context.of_kind("staff")]


def tracker_of(staff: str, context: Context) -> str | None:
    """Who follows a person's work today; of a person who left, who did last."""
    found = context.staff(staff)
    post = found.last_post(context.today) if found else None
    return post.tracker if post else None
