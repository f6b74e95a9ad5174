"""The rating settings of a year: defaults, what a person may choose, and what was chosen as known at a moment."""

from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from services.scoring.domain import refusals
from services.scoring.domain.records import Chosen, Records

MonthDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Days = Annotated[int, Meta(ge=0, le=366)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One commune's settings of one rating year; month-days as `MM-DD`."""

    cut_off: MonthDay = "12-10"
    days_6_months: Days = 180
    days_3_months: Days = 90
    min_tasks: Annotated[int, Meta(ge=0)] = 3
    blank_coefficient: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?(/[1-9]\d*)?$", max_length=20)] = "1"
    period: Literal["month", "quarter"] = "month"
    late_reading: Literal["deduct", "zero"] = "deduct"
    cap: Literal["total", "each", "none"] = "total"
    quota_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    quota_denominator: Literal["tot", "tot_and_xuat_sac"] = "tot"
    decision_by: MonthDay = "12-15"


DEFAULTS = Settings()


def settings_of(records: Records, year: int) -> Settings:
    """The settings of a year: each choice changes what it names, later ones win."""
    record = records.get("year", str(year))
    chosen: dict[str, Any] = {}
    for moment in record.moments if record else ():
        if isinstance(moment, Chosen):
            chosen |= moment.data.settings
    return validate(chosen)


def validate(chosen: dict[str, Any]) -> Settings:
    """The settings with the chosen ones in place. Refuses unknown names (`setting-unknown`) and values that no rule
    can read (`setting-invalid`)."""
    for name in chosen:
        if name not in Settings.__struct_fields__:
            raise refusals.SETTING_UNKNOWN(setting=name)
    for name, value in chosen.items():
        try:
            settings = msgspec.convert({name: value}, Settings)
            # A cut-off of 29 February exists in some years only; 2023 is a common year.
            for month_day in (settings.cut_off, settings.decision_by):
                date.fromisoformat(f"2023-{month_day}")
            if not Fraction(settings.blank_coefficient):
                raise ValueError("zero")
        except ValueError as error:
            raise refusals.SETTING_INVALID(setting=name, value=str(value)) from error
    return msgspec.convert(chosen, Settings)


def on_month_day(year: int, month_day: str) -> date:
    return date(year, int(month_day[:2]), int(month_day[3:]))


def cut_off(records: Records, year: int) -> date:
    """cut(Y): the last day that counts for a rating year."""
    return on_month_day(year, settings_of(records, year).cut_off)
