"""Object rules of a task: whose it is, who may decide about it, in which state."""

from collections.abc import Collection

from services.tasks.domain import refusals
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
    """Lead, collaborator, or member or head of a collaborating unit."""
    if staff == task.lead or staff in task.collaborators:
        return True
    post = context.post(staff)
    heads = {unit for unit in task.collaborators if (found := context.unit(unit)) and found.head == staff}
    return bool(heads) or (post is not None and post.unit in task.collaborators)


def as_lead(task: Task, by: str | None, context: Context) -> str:
    """The lead, acting in person or recorded by the Office. Refuses: not the lead."""
    who = acting(context, by)
    if who != task.lead:
        raise refusals.NOT_THE_LEAD(staff=who)
    return who


def as_outsider(task: Task, by: str | None, context: Context) -> str:
    """A person in post who takes no part in the task. Refuses: that person or the sender takes part."""
    who = acting(context, by)
    for person in {who, context.actor_staff} - {None}:
        if taking_part(task, str(person), context):
            raise refusals.OWN_TASK(staff=person)
    return who


def as_authority(task: Task, by: str | None, context: Context) -> str:
    """The competent person: the chair, or the vice-chair in charge of the task; never one who takes part in it."""
    who = as_outsider(task, by, context)
    if not competent(task, who, context):
        raise refusals.NOT_THE_COMPETENT_AUTHORITY(staff=who)
    return who


def competent(task: Task, staff: str, context: Context) -> bool:
    """Chair, or vice-chair in charge; any vice-chair when every chair takes part (the chair leads the task)."""
    roles = roles_of(staff, context)
    if "chair" in roles:
        return True
    if "vice_chair" not in roles:
        return False
    if in_charge(task.lead, context) == staff:
        return True
    chairs = [person for person in people(context) if "chair" in roles_of(person, context)]
    return bool(chairs) and all(taking_part(task, chair, context) for chair in chairs)


def in_charge(lead: str, context: Context) -> str | None:
    """The nearest vice-chair up the lead's tracker chain; None leaves the task to the chair."""
    seen = {lead}
    above = _tracker(lead, context)
    while above is not None and above not in seen:
        if "vice_chair" in roles_of(above, context):
            return above
        seen.add(above)
        above = _tracker(above, context)
    return None


def roles_of(staff: str, context: Context) -> Collection[str]:
    post = context.post(staff)
    return post.roles if post else ()


def people(context: Context) -> list[str]:
    return [subject.partition("/")[2] for subject in context.of_kind("staff")]


def _tracker(staff: str, context: Context) -> str | None:
    found = context.staff(staff)
    post = found.last_post(context.today) if found else None
    return post.tracker if post else None
