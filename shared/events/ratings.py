"""What the scoring service records: settings, common criteria, unit results, changed scores."""

from typing import Any, Literal

from shared.events.catalogue import event
from shared.events.values import Data, Day, Input, Text

Grade = Literal["tot", "dap_ung", "khong"]


@event("rating.score_updated", source="scoring", subject="score/{year}/{staff}")
class ScoreUpdated(Data):
    """The figures of a person differ from the last announced ones. For those who listen; no fold reads it."""

    staff: str
    year: int
    rule_set: str
    figures: dict[str, Any]
    level: str
    evaluated_on: Day
    inputs: list[Input]
    period: str | None = None


@event("rating.settings_chosen", source="scoring", subject="year/{year}")
class SettingsChosen(Data):
    year: int
    settings: dict[str, Any]
    by: str
    reason: Text


@event("rating.common_assessed", source="scoring", subject="rating/{year}/{staff}")
class CommonAssessed(Data):
    """Common criteria: k1…k4 for nd90 (NĐ 90/2020 Đ3), of the year when `period` is absent."""

    staff: str
    year: int
    items: dict[str, Grade]
    stage: Literal["self", "confirmed"]
    by: str
    period: str | None = None


class UnitFigures(Data):
    """A unit's year. `units_hoan_thanh` counts managed units at least hoàn thành, the tốt ones included."""

    targets: int
    completed: int
    on_time_quality: int
    exceeded: int
    units: int
    units_hoan_thanh: int
    units_tot: int
    corruption: bool = False
    level: str | None = None
    outstanding: bool = False


@event("rating.unit_result_recorded", source="scoring", subject="unit/{year}/{unit}")
class UnitResultRecorded(Data):
    unit: str
    year: int
    figures: UnitFigures
    by: str
