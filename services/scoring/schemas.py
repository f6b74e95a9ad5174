"""What comes in and goes out of scoring over HTTP."""

import re
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.scoring.domain.assessment import COMMON_CRITERIA, GRADES
from services.scoring.views import end_of_day
from shared.events import VIETNAM, format_time, local_day
from shared.web.schema import Schema

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
POSITIONS = re.compile(r"tasks:(\d{1,18}),scoring:(\d{1,18})")


class AsOf(fields.Field[str]):
    """A day (then its end in Vietnam) or a moment (RFC 3339, with its offset), as a recorded time in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        try:
            recorded = _recorded(str(value))
            local_day(recorded)  # the evaluation date; the last hours of the year 9999 have none
        except (ValueError, OverflowError) as error:
            raise ValidationError("Ghi ngày (2024-11-28) hoặc thời điểm (2024-11-28T08:00:00+07:00).") from error
        return recorded


def _recorded(written: str) -> str:
    if DAY.fullmatch(written):
        return end_of_day(date.fromisoformat(written))
    moment = datetime.fromisoformat(written)
    return format_time(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))


class Positions(fields.Field[dict[str, int]]):
    """`tasks:1234,scoring:56`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, int]:
        match = POSITIONS.fullmatch(str(value))
        if not match:
            raise ValidationError("Ghi vị trí theo dạng tasks:1234,scoring:56.")
        return {"tasks": int(match[1]), "scoring": int(match[2])}


class AsOfQuery(Schema):
    """Nothing = now; `as_of` = what was known then; `positions` with `on` = exactly these events, evaluated then."""

    as_of = AsOf(load_default=None)
    positions = Positions(load_default=None)
    on = fields.Date(load_default=None)

    @validates_schema
    def either_or(self, data: dict[str, Any], **_: Any) -> None:
        if data["as_of"] and (data["positions"] or data["on"]):
            raise ValidationError("Chọn as_of, hoặc positions cùng với on.", "as_of")
        if (data["positions"] is None) != (data["on"] is None):
            raise ValidationError("positions và on phải đi cùng nhau.", "positions")


class ExplanationQuery(AsOfQuery):
    figure = fields.String(required=True)


class SettingsBody(Schema):
    settings = fields.Dict(fields.String(), fields.Raw(), required=True, validate=validate.Length(min=1))
    by = fields.String(required=True)
    reason = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class CommonBody(Schema):
    items = fields.Dict(
        fields.String(validate=validate.OneOf(COMMON_CRITERIA)),
        fields.String(validate=validate.OneOf(GRADES)),
        required=True,
        validate=validate.Length(min=1),
    )
    stage = fields.String(required=True, validate=validate.OneOf(["self", "confirmed"]))
    by = fields.String(required=True)


class UnitResultBody(Schema):
    """The year of a unit, in numbers of targets and of directly managed units."""

    targets = fields.Integer(required=True, strict=True)
    completed = fields.Integer(required=True, strict=True)
    on_time_quality = fields.Integer(required=True, strict=True)
    exceeded = fields.Integer(required=True, strict=True)
    units = fields.Integer(required=True, strict=True)
    units_hoan_thanh = fields.Integer(required=True, strict=True)
    units_tot = fields.Integer(required=True, strict=True)
    corruption = fields.Boolean(load_default=False)
    outstanding = fields.Boolean(load_default=False)
    by = fields.String(required=True)


class Recorded(Schema):
    """Where a command was recorded."""

    commune = fields.String(required=True)
    position = fields.Integer(required=True)
