"""The hands that follow up in the scripted year: urging, slips, what people wish, a revision of the policy."""

from collections.abc import Iterable
from typing import Any

import msgspec

from demo.year import CHAIR, COMMUNE, OFFICE, Year
from services.notifications import commands, reminders, slips
from services.notifications.commands import Asking, Preferences, Urging
from services.notifications.domain.policy import default_policy
from shared.eventlog import reading


class FollowUp:
    """Verbs of the story beside tasks. They take no minute of the day: what is told of it stays when it was."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.service = year.notifications
        year.remind()

    def acknowledge(self, staff: str) -> None:
        """A person has seen what reached them last."""
        with reading(self.service.engine, COMMUNE) as connection:
            reached = reminders.occurrences(connection, COMMUNE, recipient=staff, states=["delivered"])
        commands.acknowledge(self.service, COMMUNE, self._asking(staff), reached[-1].reminder)

    def urge(self, names: Iterable[str], note: str) -> None:
        """The Office urges the leads of several tasks at once."""
        urging = Urging(tasks=[self.year.task(name) for name in names], note=note)
        commands.urge(self.service, COMMUNE, self._asking(OFFICE), urging)
        self.year.remind()

    def issue_slip(self, name: str, number: str) -> None:
        """A phiếu đôn đốc on paper, that the Chairman signs."""
        wish = slips.Wish(tasks=[self.year.task(name)], number=number, signed_by=CHAIR)
        contacts = self.service.channels.directory
        slips.issue(self.service.log, lambda: contacts(COMMUNE), COMMUNE, f"staff/{OFFICE}", OFFICE, wish)

    def wish_for_digests(self, staff: str) -> None:
        commands.change_preferences(
            self.service, COMMUNE, self._asking(staff), staff, Preferences(channels={}, digest=True)
        )

    def revise_policy(self, policy: str, rule: str, reason: str, **changes: Any) -> None:
        """The Chairman changes one rung of the ladder."""
        replace = msgspec.structs.replace
        rules = [replace(each, **changes) if each.rule == rule else each for each in default_policy().rules]
        revised = replace(default_policy(), policy=policy, rules=rules, reason=reason)
        commands.publish_policy(self.service, COMMUNE, self._asking(CHAIR), revised, version=1)

    def _asking(self, staff: str) -> Asking:
        return Asking(f"staff/{staff}", staff, self.year.tasks.roles_of(COMMUNE, staff))
