"""The hands that close the scripted year: what ratings need besides tasks, and each step of the procedure."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from demo.year import CHAIR, COMMUNE, OFFICE, Year
from services.scoring.commands import execute
from services.scoring.domain import assessment, rules
from services.scoring.domain.context import Command
from services.scoring.domain.procedure import appeal, decision, meeting, proposal
from shared.eventlog import Appended
from shared.events import UnitFigures, Vote, decode
from shared.events.values import EXTERNAL
from shared.web.auth import Principal

RATED = 2024


class YearEnd:
    """Verbs of the story's last weeks. The Office types what came on paper, leaders what the level above decided."""

    def __init__(self, year: Year) -> None:
        self.year = year
        # By person: the last proposal and its level, why there is none, where the decision stands, the appeal.
        self.proposals: dict[str, str] = {}
        self.levels: dict[str, Any] = {}
        self.refused: dict[str, str] = {}
        self.decisions: dict[str, int] = {}
        self.appeals: dict[str, str] = {}

    # What ratings need besides tasks

    def choose_settings(self, settings: Mapping[str, Any], reason: str) -> None:
        command = assessment.ChooseSettings(year=RATED, settings=dict(settings), by=CHAIR, reason=reason)
        self._do(CHAIR, command)

    def assess(self, grade: str, people: Iterable[str]) -> None:
        items = dict.fromkeys(rules.described("nd90").criteria.year, grade)
        for staff in people:
            command = assessment.AssessCommon(staff=staff, year=RATED, items=items, stage="confirmed", by=CHAIR)
            self._do(CHAIR, command)

    def unit_result(self, unit: str, figures: UnitFigures, *, external: bool = False) -> None:
        by, typed_by = (EXTERNAL, None) if external else (CHAIR, CHAIR)
        number = "1165/TB-UBND huyện"
        document: dict[str, Any] = {}
        if external:
            document = {"document_number": number, "document_date": self._today, "document_sha256": _sha256(number)}
        command = assessment.RecordUnitResult(unit=unit, year=RATED, figures=figures, by=by, **document)
        self._do(typed_by, command)

    # From the proposal to the decision

    def propose(self) -> None:
        """For everyone who can be proposed; who cannot is in `refused`, with the code."""
        outcomes = self._do(OFFICE, proposal.Propose(year=RATED, by=OFFICE)).result
        for each in outcomes:
            if each["code"]:
                self.refused[each["staff"]] = each["code"]
            else:
                self.proposals[each["staff"]] = each["proposal"]
                self.levels[each["staff"]] = each["level"]

    def propose_again(self, staff: str) -> None:
        command = proposal.ProposeOne(year=RATED, staff=staff, by=OFFICE)
        found = self._do(OFFICE, command).result
        self.proposals[staff], self.levels[staff] = found["proposal"], found["level"]

    def assess_oneself(self, staff: str, level: Any, comment: str | None = None, *, on_paper: bool = False) -> None:
        command = meeting.AssessOneself(year=RATED, staff=staff, level=level, comment=comment)
        self._do(OFFICE if on_paper else staff, command)

    def meet(self, held_on: str, votes: Mapping[str, tuple[Any, int]], *, present: int, absent: int) -> None:
        """`votes`: for each person the level voted on, and how many were for it; the others were against. The vote on
        the one who types for the Office is recorded by the Chairman."""
        cast = [
            Vote(staff=staff, level=level, for_=in_favour, against=present - in_favour)
            for staff, (level, in_favour) in votes.items()
        ]
        minutes: dict[str, Any] = {
            "year": RATED,
            "held_on": date.fromisoformat(held_on),
            "present": present,
            "absent": absent,
        }
        of_office = [vote for vote in cast if vote.staff == OFFICE]
        for typed_by, those in ((OFFICE, [vote for vote in cast if vote not in of_office]), (CHAIR, of_office)):
            if those:
                self._do(typed_by, meeting.RecordMeeting(votes=those, **minutes))

    def opinion(self, staff: str, level: Any, text: str) -> None:
        command = meeting.RecordOpinion(
            year=RATED, staff=staff, by_body="Ban Thường vụ Đảng ủy xã", text=text, level=level
        )
        self._do(OFFICE, command)

    def decide(
        self, staff: str, level: Any = None, *, reason: str | None = None, number: str, external: bool = False
    ) -> None:
        """Without a level, as proposed; another one has its reason."""
        command = decision.Decide(
            year=RATED,
            staff=staff,
            proposal=self.proposals[staff],
            level=level or self.levels[staff],
            by=EXTERNAL if external else CHAIR,
            differs_reason=reason,
            decision_number=number,
            decided_on=self._today if external else None,
            document_sha256=_sha256(number) if external else None,
        )
        # What the level above decided on the Chairman, an administrator types.
        self.decisions[staff] = self._do(None if external and staff == CHAIR else CHAIR, command).position

    # Afterwards

    def notify(self, people: Iterable[str]) -> None:
        for staff in people:
            self._do(CHAIR if staff == OFFICE else OFFICE, decision.Notify(year=RATED, staff=staff))

    def publish(self) -> None:
        self._do(OFFICE, decision.Publish(year=RATED))

    def appeal(self, staff: str, text: str, *, contests: str) -> None:
        """`contests` is the id of the event that the person means."""
        filed = self._do(staff, appeal.FileAppeal(year=RATED, staff=staff, text=text, contests=[contests]))
        self.appeals[staff] = filed.result["appeal"]

    def resolve(self, staff: str, outcome: Any, text: str) -> None:
        command = appeal.ResolveAppeal(
            year=RATED, staff=staff, appeal=self.appeals[staff], outcome=outcome, by=CHAIR, text=text
        )
        self._do(CHAIR, command)

    def re_rate(self, staff: str, reason: str, *, number: str) -> None:
        """As newly proposed, in the place of the decision in force."""
        [recorded] = self.year.scoring.logs["scoring"].read(COMMUNE, self.decisions[staff] - 1, 1)
        command = appeal.ReRate(
            year=RATED,
            staff=staff,
            proposal=self.proposals[staff],
            level=self.levels[staff],
            replaces=decode(recorded).id,
            reason=reason,
            by=CHAIR,
            decision_number=number,
        )
        self._do(CHAIR, command)

    @property
    def _today(self) -> date:
        return self.year.clock.now.date()

    def _do(self, staff: str | None, command: Command) -> Appended:
        """A step of somebody in post, with the roles of that post, or of the operator."""
        self.year.clock.tick()
        principal = Principal("operator/demo", COMMUNE, frozenset({"admin"}))
        if staff is not None:
            principal = Principal(f"staff/{staff}", COMMUNE, self.year.tasks.roles_of(COMMUNE, staff))
        return execute(self.year.scoring, principal, command, commune=COMMUNE)


def _sha256(number: str) -> str:
    """The hash of a document of the level above, which the demo does not have."""
    return hashlib.sha256(f"Văn bản mẫu số {number}".encode()).hexdigest()
