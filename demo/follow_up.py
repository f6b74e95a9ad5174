"""The hands that follow up in the scripted year: urging, slips, what people wish, a revision of the policy."""

from collections.abc import Iterable
from typing import Any

import msgspec

from demo.year import CHAIR, COMMUNE, OFFICE, Year
from services.notifications import queries
from services.notifications.commands import execute
from services.notifications.domain.policy import PublishPolicy, default_policy
from services.notifications.domain.preferences import ChangePreferences
from services.notifications.domain.responses import AcknowledgeReminder
from services.notifications.domain.slips import IssueSlips
from services.notifications.domain.urging import UrgeTasks
from shared.web.auth import Principal


class FollowUp:
    """Verbs of the story beside tasks. They take no minute of the day: what is told of it stays when it was."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.service = year.notifications
        year.remind()

    def acknowledge(self, staff: str) -> None:
        """A person has seen what reached them last."""
        reached = queries.reminders(
            self.service, self._principal(staff), COMMUNE, recipient=staff, states=["delivered"]
        )
        self._execute(staff, AcknowledgeReminder(reminder=reached[-1].reminder))

    def urge(self, names: Iterable[str], note: str) -> None:
        """The Office urges the leads of several tasks at once."""
        self._execute(OFFICE, UrgeTasks(tasks=[self.year.task(name) for name in names], note=note))
        self.year.remind()

    def issue_slip(self, name: str, number: str) -> None:
        """A phiếu đôn đốc on paper, that the Chairman signs."""
        self._execute(OFFICE, IssueSlips(tasks=[self.year.task(name)], number=number, signed_by=CHAIR))

    def wish_for_digests(self, staff: str) -> None:
        self._execute(staff, ChangePreferences(staff=staff, channels={}, digest=True))

    def revise_policy(self, policy: str, rule: str, reason: str, **changes: Any) -> None:
        """The Chairman changes one rung of the ladder."""
        default, replace = default_policy(), msgspec.structs.replace
        rules = [replace(each, **changes) if each.rule == rule else each for each in default.rules]
        revised = PublishPolicy(policy=policy, rules=rules, quiet=default.quiet, digest=default.digest, reason=reason)
        self._execute(CHAIR, revised, if_match=1)

    def _execute(self, staff: str, command: msgspec.Struct, if_match: int | None = None) -> None:
        execute(self.service, self._principal(staff), command, commune=COMMUNE, if_match=if_match)

    def _principal(self, staff: str) -> Principal:
        return Principal(f"staff/{staff}", COMMUNE, frozenset(self.year.tasks.roles_of(COMMUNE, staff)))
