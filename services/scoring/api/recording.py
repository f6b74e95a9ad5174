"""What people record for a rating year: settings, criteria, unit results, periods."""

from services.scoring.api.base import COMMUNE, PERIOD, PERSON, YEAR, change
from services.scoring.commands import execute
from services.scoring.domain.assessment import AssessCommon, ChooseSettings, RecordUnitResult
from services.scoring.domain.procedure.periods import (
    AssessPeriod,
    ClosePeriod,
    ReceivePeriodResult,
    RecordLeaderCriteria,
    ReopenPeriod,
)
from services.scoring.domain.procedure.rule_set import ChooseRuleSet
from services.scoring.schemas import (
    CloseBody,
    CommonBody,
    LeaderCriteriaBody,
    PeriodCommonBody,
    PeriodResultBody,
    Recorded,
    ReopenBody,
    RuleSetBody,
    SettingsBody,
    UnitResultBody,
)
from shared.web.changes import add
from shared.web.schema import Blueprint

blueprint = Blueprint("recording", __name__, url_prefix=COMMUNE, description="Ghi nhận cho năm xếp loại")

CHANGES = (
    change(f"{YEAR}/settings", ChooseSettings, SettingsBody, "Choose settings of a rating year, with the reason."),
    change(f"{YEAR}/rule-set", ChooseRuleSet, RuleSetBody, "Choose another rule set than the law's for a category."),
    change(f"{PERSON}/common", AssessCommon, CommonBody, "Record common criteria k1…k4: one's own, or the confirmed."),
    change(f"{YEAR}/units/<unit>/result", RecordUnitResult, UnitResultBody, "Record a unit's year."),
    change(f"{PERIOD}/common", AssessPeriod, PeriodCommonBody, "Record a period's points: one's own, or confirmed."),
    change(f"{PERIOD}/leader-criteria", RecordLeaderCriteria, LeaderCriteriaBody, "Record d, đ and e of a leader."),
    change(f"{PERIOD}/result", ReceivePeriodResult, PeriodResultBody, "Record a period's score at a former agency."),
    change("/periods/<period>/closing", ClosePeriod, CloseBody, "Lock a period, computed from now on from its pins."),
    change("/periods/<period>/reopening", ReopenPeriod, ReopenBody, "Unlock a period; later ones open with it."),
)

add(blueprint, CHANGES, execute, answer=Recorded)
