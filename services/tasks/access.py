"""Which roles may call what: role × action for every command and route of the tasks service; and who sees which task.

Rules about a single task (who leads it, who is competent) come after this and are in domain/authority.py.
"""

from collections.abc import Collection
from typing import NamedTuple

from services.tasks.domain import refusals
from services.tasks.domain.task import Task
from shared.web.feed import FEED_ACTIONS
from shared.web.journal import JOURNAL_ACTIONS

LEADERS = frozenset({"chair", "vice_chair"})
OFFICE = frozenset({"office"})
CHAIR = frozenset({"chair"})
ADMIN = frozenset({"admin"})
ASSIGNERS = LEADERS | OFFICE
WORKERS = ASSIGNERS | {"staff", "village_head", "focal_point"}  # who leads tasks and reports on them
OVERSEERS = ASSIGNERS | {"inspector", "admin"}  # who sees every task and every record
EVERYBODY = WORKERS | {"inspector", "supervisor", "admin", "replicator"}

ACTIONS: dict[str, frozenset[str]] = {
    # commune, units, people; nobody keeps their own record, so each action has another role than the Office's
    "commune.open": ADMIN,
    "commune.rename": ADMIN,
    "commune.close": ADMIN,
    "commune.choose_settings": ADMIN | OFFICE | CHAIR,
    "unit.define": ADMIN | OFFICE | CHAIR,
    "staff.appoint": ADMIN | OFFICE | CHAIR,
    "staff.change": ADMIN | OFFICE | CHAIR,
    "staff.end": ADMIN | OFFICE | CHAIR,
    "staff.record_absence": ADMIN | OFFICE | CHAIR,
    "staff.record_discipline": ADMIN | OFFICE | CHAIR,
    "staff.withdraw_discipline": ADMIN | OFFICE | CHAIR,
    "calendar.publish": ADMIN | OFFICE | CHAIR,
    # directives, templates, imports
    "directive.issue": ASSIGNERS,
    "directive.amend": ASSIGNERS,
    "directive.withdraw": ASSIGNERS,
    "template.set": ASSIGNERS,
    "template.end": ASSIGNERS,
    "import.run": ADMIN | OFFICE | CHAIR,
    "import.confirm": ADMIN | OFFICE | CHAIR,
    "import.read": ADMIN | OFFICE | CHAIR,
    # the life of a task
    "task.draft": ADMIN | OFFICE | CHAIR,
    "task.settle_draft": ASSIGNERS,
    "task.assign": ASSIGNERS,
    "task.correct": ASSIGNERS,
    "task.correct_coefficient": ASSIGNERS,
    "task.confirm_due": ASSIGNERS,
    "task.grant_extension": ASSIGNERS,
    "task.refuse_extension": ASSIGNERS,
    # Trackers too, where the commune's settings say so.
    "task.return": WORKERS,
    "task.accept": WORKERS,
    "task.reopen": ASSIGNERS,
    "task.confirm_cause": ASSIGNERS,
    "task.cancel": ASSIGNERS,
    "task.acknowledge": WORKERS,
    "task.note_progress": WORKERS,
    "task.request_extension": WORKERS,
    "task.report": WORKERS,
    "task.hand_back": WORKERS,
    "evidence.store": WORKERS,
    # several commands at once: each is also checked by its own action
    "several": WORKERS | ADMIN,
    # reading; `task.read` and `evidence.read` show only overseers every task, others the tasks they take part in
    "commune.read": EVERYBODY,
    # Numbers as they stand, of whatever few tasks: supervisors see them as they are published (ADR 0031).
    "commune.status": EVERYBODY - {"supervisor"},
    "calendar.read": EVERYBODY,
    "report.read": OVERSEERS,
    "unit.read": WORKERS | OVERSEERS,
    "staff.read": WORKERS | OVERSEERS,
    "person.read": WORKERS | ADMIN | {"messenger"},
    "person.write": ADMIN | OFFICE,
    "directive.read": WORKERS | OVERSEERS,
    "template.read": OVERSEERS,
    "draft.read": ASSIGNERS | ADMIN,
    "task.read": WORKERS | OVERSEERS,
    "evidence.read": WORKERS | OVERSEERS,
    **FEED_ACTIONS,
    **JOURNAL_ACTIONS,
    # This is the log that inspectors replay.
    "log.heads": FEED_ACTIONS["log.heads"] | {"inspector"},
}


def sees_every_task(roles: Collection[str]) -> bool:
    return not OVERSEERS.isdisjoint(roles)


class Viewer(NamedTuple):
    """A person or account that asks: `unit` of today's post, the roles that post and token both give.

    `verifies` are the people whose results this person may verify as their tracker; `headed` the units that they head
    on whatever day, where that counts.
    """

    staff: str | None
    unit: str | None
    roles: frozenset[str]
    verifies: frozenset[str] = frozenset()
    headed: frozenset[str] = frozenset()

    @property
    def sees_all(self) -> bool:
        return sees_every_task(self.roles)

    def may(self, action: str) -> bool:
        return not self.roles.isdisjoint(ACTIONS[action])

    def must_see(self, task: Task) -> None:
        """Overseers see every task; others those that they lead, take part in (in person or by their unit) or verify.

        Refuses: another task.
        """
        if not (self.sees_all or self.takes_part(task) or task.lead in self.verifies):
            raise refusals.NOT_TAKING_PART(staff=self.staff)

    def must_not_take_part(self, task: Task) -> None:
        """What a result rests on is not taken away by those whose result it is. Refuses: they take part."""
        if self.takes_part(task):
            raise refusals.OWN_TASK(
                staff=self.staff, instead="người khác ở Văn phòng, quản trị hệ thống không tham gia nhiệm vụ"
            )

    def takes_part(self, task: Task) -> bool:
        theirs = {self.staff, self.unit, *self.headed}
        return self.staff is not None and not theirs.isdisjoint({task.lead, *task.collaborators})
