"""Fields that the schemas of the tasks service share."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, get_args

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from services.tasks.domain import limits
from shared.events.values import Due, Roll
from shared.web.schema import Schema, Words

SHA256 = validate.Regexp(re.compile(r"[0-9a-f]{64}\Z"))
CADENCES = get_args(get_args(Due.__annotations__["cadence"])[0])
EVERY = ("month", "quarter", "half", "year")
FRACTION = re.compile(r"\d{1,6}/\d{1,6}", re.ASCII)


class Setting(fields.Field[Any]):
    """A word, a number, yes or no, or a list of them.

    Nothing deeper: the commune's state is read with every command, and what nests as deep as its writer could just
    encode is too deep for a reader that stands a few calls further in.
    """

    LONGEST_LIST = 100

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        if isinstance(value, list):
            if len(value) > self.LONGEST_LIST:
                raise ValidationError(f"Có nhiều nhất {self.LONGEST_LIST} giá trị.")
            return [self._plain(one) for one in value]
        return self._plain(value)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return Words(limits.SETTING).deserialize(value)
        if isinstance(value, bool | int | float) and abs(value) < 1e15:
            return value
        raise ValidationError("Phải là chữ, số, true, false hoặc danh sách các giá trị đó.")


class Coefficient(fields.Field[str]):
    """ "1,5", "1.5", 1.5 or "1/5" to the exact text that events carry. Whether it is above 0 is the domain's to say."""

    described: ClassVar = {"type": ["string", "number"], "description": "Such as 1.5, 1,5 or 3/2"}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = str(value).strip().replace(",", ".")
        if isinstance(value, str) and FRACTION.fullmatch(text):
            return text
        try:
            number = None if isinstance(value, bool) else Decimal(text)
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or abs(number) >= 1_000_000 or number != round(number, 6):
            raise ValidationError("Phải là một số, ví dụ 1,5.")
        return format(number.normalize(), "f")


class DueBody(Schema):
    """A deadline as given: words, a date, working days, a check cadence; any of them."""

    text = Words(limits.LINE)
    date = fields.Date()
    working_days = fields.Integer(strict=True)
    after = Words(limits.LINE)
    cadence = fields.String(validate=validate.OneOf(CADENCES))
    roll = fields.String(validate=validate.OneOf(get_args(Roll)))

    @validates_schema
    def says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not any(data.get(name) for name in ("text", "date", "working_days", "cadence")):
            raise ValidationError("Ghi hạn bằng lời, bằng ngày, bằng số ngày làm việc hoặc bằng chu kỳ kiểm tra.")

    @post_load
    def words(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if not data.get("text"):
            data["text"] = _in_words(data)
        return data


def _in_words(due: dict[str, Any]) -> str:
    if due.get("date"):
        return f"{due['date']:%d/%m/%Y}"
    if due.get("working_days"):
        return f"{due['working_days']:02d} ngày làm việc" + (f" sau {due['after']}" if due.get("after") else "")
    return "Thường xuyên"


def _must_be_day(day: Any) -> None:
    if day != "last" and (not isinstance(day, int) or isinstance(day, bool) or not 1 <= day <= 31):
        raise ValidationError("Phải từ 1 đến 31, hoặc last.")


class RecurrenceBody(Schema):
    """`day`: 1…31 or `last`, of the period's last month moved by `month_offset`."""

    every = fields.String(required=True, validate=validate.OneOf(EVERY))
    day = fields.Raw(required=True, validate=_must_be_day)
    month_offset = fields.Integer(strict=True, validate=validate.Range(-11, 11))
