"""The hands that close the scripted year: what ratings need besides tasks, and each step of the procedure."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from demo.year import CHAIR, COMMUNE, OFFICE, Year
from services.scoring import commands
from services.scoring.domain import assessment, procedure, rules
from shared.eventlog import Appended
from shared.events import UnitFigures, Vote, decode

RATED = 2024


class YearEnd:
    """Verbs of the story's last weeks. The Office types what came on paper or from the level above."""

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
        self._record(CHAIR, assessment.choose_settings, command)

    def assess(self, grade: str, people: Iterable[str]) -> None:
        items = dict.fromkeys(rules.described("nd90").criteria.year, grade)
        for staff in people:
            command = assessment.AssessCommon(staff=staff, year=RATED, items=items, stage="confirmed", by=CHAIR)
            self._record(CHAIR, assessment.assess_common, command)

    def unit_result(self, unit: str, figures: UnitFigures, *, external: bool = False) -> None:
        by, typed_by = (assessment.EXTERNAL, OFFICE) if external else (CHAIR, CHAIR)
        command = assessment.RecordUnitResult(unit=unit, year=RATED, figures=figures, by=by)
        self._record(typed_by, assessment.record_unit_result, command)

    # From the proposal to the decision

    def propose(self) -> None:
        """For everyone who can be proposed; who cannot is in `refused`, with the code."""
        outcomes = self._judge(OFFICE, procedure.propose, procedure.Propose(year=RATED, by=OFFICE)).result
        for each in outcomes:
            if each["code"]:
                self.refused[each["staff"]] = each["code"]
            else:
                self.proposals[each["staff"]] = each["proposal"]
                self.levels[each["staff"]] = each["level"]

    def propose_again(self, staff: str) -> None:
        command = procedure.ProposeOne(year=RATED, staff=staff, by=OFFICE)
        found = self._judge(OFFICE, procedure.propose_one, command).result
        self.proposals[staff], self.levels[staff] = found["proposal"], found["level"]

    def assess_oneself(self, staff: str, level: Any, comment: str | None = None, *, on_paper: bool = False) -> None:
        command = procedure.AssessOneself(year=RATED, staff=staff, level=level, comment=comment)
        self._judge(OFFICE if on_paper else staff, procedure.assess_oneself, command)

    def meet(self, held_on: str, votes: Mapping[str, tuple[Any, int]], *, present: int, absent: int) -> None:
        """`votes`: for each person the level voted on, and how many were for it; the others were against."""
        cast = [
            Vote(staff=staff, level=level, for_=in_favour, against=present - in_favour)
            for staff, (level, in_favour) in votes.items()
        ]
        day = date.fromisoformat(held_on)
        command = procedure.RecordMeeting(year=RATED, held_on=day, present=present, absent=absent, votes=cast)
        self._judge(OFFICE, procedure.record_meeting, command)

    def opinion(self, staff: str, level: Any, text: str) -> None:
        command = procedure.RecordOpinion(
            year=RATED, staff=staff, by_body="Ban Thường vụ Đảng ủy xã", text=text, level=level
        )
        self._judge(OFFICE, procedure.record_opinion, command)

    def decide(
        self, staff: str, level: Any = None, *, reason: str | None = None, number: str, external: bool = False
    ) -> None:
        """Without a level, as proposed; another one has its reason."""
        command = procedure.Decide(
            year=RATED,
            staff=staff,
            proposal=self.proposals[staff],
            level=level or self.levels[staff],
            by=assessment.EXTERNAL if external else CHAIR,
            differs_reason=reason,
            decision_number=number,
        )
        self.decisions[staff] = self._judge(OFFICE if external else CHAIR, procedure.decide, command).position

    # Afterwards

    def notify(self, people: Iterable[str]) -> None:
        for staff in people:
            self._judge(OFFICE, procedure.notify, procedure.Notify(year=RATED, staff=staff))

    def publish(self) -> None:
        self._judge(OFFICE, procedure.publish, procedure.Publish(year=RATED))

    def appeal(self, staff: str, text: str) -> None:
        filed = self._judge(staff, procedure.appeal, procedure.FileAppeal(year=RATED, staff=staff, text=text))
        self.appeals[staff] = filed.result["appeal"]

    def resolve(self, staff: str, outcome: Any, text: str) -> None:
        command = procedure.ResolveAppeal(
            year=RATED, staff=staff, appeal=self.appeals[staff], outcome=outcome, by=CHAIR, text=text
        )
        self._judge(CHAIR, procedure.resolve_appeal, command)

    def re_rate(self, staff: str, reason: str, *, number: str) -> None:
        """As newly proposed, in the place of the decision in force."""
        [decision] = self.year.scoring.logs["scoring"].read(COMMUNE, self.decisions[staff] - 1, 1)
        command = procedure.ReRate(
            year=RATED,
            staff=staff,
            proposal=self.proposals[staff],
            level=self.levels[staff],
            replaces=decode(decision).id,
            reason=reason,
            by=CHAIR,
            decision_number=number,
        )
        self._judge(CHAIR, procedure.re_rate, command)

    def _record(self, staff: str, decide: Any, command: Any) -> None:
        self.year.clock.tick()
        commands.execute(self.year.scoring.logs["scoring"], COMMUNE, f"staff/{staff}", decide, command)

    def _judge(self, staff: str, decide: Any, command: Any) -> Appended:
        self.year.clock.tick()
        return commands.judge(self.year.scoring.logs, COMMUNE, f"staff/{staff}", decide, command)
