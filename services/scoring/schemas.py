"""What comes in and goes out of scoring over HTTP."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, get_args

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from services.scoring.domain import limits, rules
from services.scoring.views import Moment
from shared.events import VIETNAM, UnitFigures, Vote, end_of_day, format_time, local_day
from shared.events.ratings import Level, Outcome
from shared.events.values import Category
from shared.web.schema import Id, Line, Schema, Words

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
PINNED = re.compile(r"(tasks:\d+,scoring:\d+)@(\d{4}-\d{2}-\d{2})")
POSITIONS = re.compile(r"tasks:(\d{1,18}),scoring:(\d{1,18})")


def _text(longest: int = limits.TEXT, **more: Any) -> fields.String:
    return Words(longest, shortest=1, **more)


def _line(longest: int, **more: Any) -> fields.String:
    return Line(longest, shortest=1, **more)


class AsOf(fields.Field[str]):
    """A day (then its end in Vietnam) or a moment (RFC 3339, with its offset), as a recorded time in UTC."""

    described: ClassVar = {
        "type": "string",
        "description": "A day such as 2024-10-03 (its end in Vietnam), or a moment with its offset (RFC 3339)",
    }

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

    described: ClassVar = {"type": "string", "description": "Positions in the logs, such as tasks:1234,scoring:56"}

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


class OneMoment(fields.Field[Any]):
    """A day or a moment as in `as_of` (a recorded time), or positions with their evaluation date (a Moment):
    `tasks:1234,scoring:56@2024-12-10`."""

    described: ClassVar = {
        "type": "string",
        "description": "As `as_of`, or positions with their evaluation date: tasks:1234,scoring:56@2024-12-10",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str | Moment:
        pinned = PINNED.fullmatch(str(value))
        if not pinned:
            return AsOf().deserialize(value, attr, data, **more)
        try:
            return Moment(Positions().deserialize(pinned[1]), date.fromisoformat(pinned[2]))
        except ValueError as error:
            raise ValidationError("Ghi ngày đánh giá dạng 2024-12-10 sau dấu @.") from error


class DifferencesQuery(Schema):
    """Without `to`: until now."""

    first = OneMoment(required=True, data_key="from")
    last = OneMoment(load_default=None, data_key="to")


class RecheckQuery(AsOfQuery):
    """Without `all`: the proposals that decisions rest on."""

    staff = Id(load_default=None)
    all = fields.Boolean(load_default=False)


class ExplanationQuery(AsOfQuery):
    figure = Id(required=True)


class ReportQuery(AsOfQuery):
    """As `AsOfQuery`; `format` goes before what Accept asks for."""

    format = fields.String(load_default=None, validate=validate.OneOf(["json", "xlsx"]))


class SettingsBody(Schema):
    """`by` is the Chairman; without it the sender chooses."""

    settings = fields.Dict(Id(), fields.Raw(), required=True, validate=validate.Length(min=1))
    by = Id()
    reason = _text(required=True)


def _named_by(names: Callable[[], list[str]]) -> Callable[[str], str]:
    """What the installed rule sets ask for; a process adds a province's when it starts."""

    def check(value: str) -> str:
        return validate.OneOf(names())(value)

    return check


def _sha256(**more: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(r"[0-9a-f]{64}\Z"), **more)


DOCUMENT = ("document_number", "document_date", "document_sha256")


class Documented(Schema):
    """Required where `by` is `external`: the number, the day and the SHA-256 of the document of those who decided."""

    document_number = _line(limits.NUMBER, load_default=None)
    document_date = fields.Date(load_default=None)
    document_sha256 = _sha256(load_default=None)


class CommonBody(Documented):
    items = fields.Dict(
        fields.String(validate=_named_by(rules.criteria_of_years)),
        fields.String(validate=_named_by(rules.grades), metadata={"enum": rules.grades()}),
        required=True,
        validate=validate.Length(min=1),
    )
    stage = fields.String(required=True, validate=validate.OneOf(["self", "confirmed"]))
    by = Id(required=True)


def _count(**more: Any) -> fields.Integer:
    # Readers of the log in other languages hold no endless numbers.
    return fields.Integer(required=True, strict=True, validate=validate.Range(max=1_000_000), **more)


class UnitResultBody(Documented):
    """The year of a unit, in numbers of targets and of directly managed units."""

    targets = _count()
    completed = _count()
    on_time_quality = _count()
    exceeded = _count()
    units = _count()
    units_hoan_thanh = _count()
    units_tot = _count()
    corruption = fields.Boolean(load_default=False)
    outstanding = fields.Boolean(load_default=False)
    level = fields.String(load_default=None, validate=validate.OneOf(get_args(Level)))
    by = Id(required=True)

    @post_load
    def nest(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The command keeps the figures apart from the person who records them."""
        apart = {name: data.pop(name) for name in ("by", *DOCUMENT)}
        return {**apart, "figures": UnitFigures(**data)}


def _one_of(values: Any, **more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(get_args(values)), **more)


class By(Schema):
    """The person who acts; another may type it."""

    by = Id(required=True)


class RuleSetBody(Schema):
    """`by` is the Chairman; without it the sender chooses."""

    by = Id()
    category = _one_of(Category, required=True)
    rule_set = Id(required=True)
    rule_set_sha256 = _sha256(load_default=None)
    reason = _text(required=True)


class PeriodCommonBody(By, Documented):
    """Points as exact decimals: {"I.1": "4.5"}."""

    items = fields.Dict(Id(), Id(), required=True, validate=validate.Length(min=1))
    stage = fields.String(required=True, validate=validate.OneOf(["self", "confirmed"]))


class LeaderCriteriaBody(By, Documented):
    """d, đ (`dd`) and e in per cent, 100 or 50, each with its reason."""

    d = fields.Integer(required=True, strict=True, validate=validate.OneOf([50, 100]))
    dd = fields.Integer(required=True, strict=True, validate=validate.OneOf([50, 100]))
    e = fields.Integer(required=True, strict=True, validate=validate.OneOf([50, 100]))
    reasons = fields.Dict(Id(), _text(), required=True)


class PeriodResultBody(By):
    """`document`, its day and its SHA-256: the paper of the former agency."""

    score = Id(required=True)
    from_ = _line(limits.LINE, required=True, data_key="from")
    document = _text(load_default=None)
    document_date = fields.Date(load_default=None)
    document_sha256 = _sha256(load_default=None)


class CloseBody(By):
    """Without `staff`: everyone for whom the period is open."""

    staff = fields.List(Id(), load_default=None, validate=validate.Length(min=1))
    reason = _text(load_default=None)


class ReopenBody(By, Documented):
    """Without `staff`: everyone for whom the period is closed. By `external` for people who are rated above."""

    staff = fields.List(Id(), load_default=None, validate=validate.Length(min=1))
    reason = _text(required=True)


class SelfAssessmentBody(Schema):
    level = _one_of(Level, required=True)
    on = fields.Date(load_default=None)
    comment = _text(load_default=None)


class VoteBody(Schema):
    staff = Id(required=True)
    level = _one_of(Level, required=True)
    for_ = _count(data_key="for")
    against = _count()

    @post_load
    def vote(self, data: dict[str, Any], **_: Any) -> Vote:
        return Vote(**data)


class MeetingBody(Schema):
    """Numbers of people, and what the meeting said of each person's level."""

    held_on = fields.Date(required=True)
    present = _count()
    absent = _count()
    votes = fields.List(fields.Nested(VoteBody), required=True)
    minutes_sha256 = _sha256(load_default=None)


class OpinionBody(Schema):
    on = fields.Date(load_default=None)
    by_body = _line(limits.LINE, required=True)
    text = _text(required=True)
    level = _one_of(Level, load_default=None)


class DecisionBody(By):
    """By `external`: with `decision_number`, `decided_on` and the SHA-256 of the decision's document."""

    proposal = Id(required=True)
    level = _one_of(Outcome, required=True)
    decided_on = fields.Date(load_default=None)
    differs_reason = _text(load_default=None)
    decision_number = _line(limits.NUMBER, load_default=None)
    document_sha256 = _sha256(load_default=None)


class OnBody(Schema):
    """A day; today without one."""

    on = fields.Date(load_default=None)


class AppealBody(Schema):
    """`contests`: the ids of the events that the person contests, whole or as the printed sheet has them."""

    received_on = fields.Date(load_default=None)
    text = _text(required=True)
    contests = fields.List(Id(), load_default=list, validate=validate.Length(max=50))


class ResolutionBody(By):
    """By `external`: with `document_number`, `on` and the SHA-256 of the answer's document."""

    outcome = fields.String(required=True, validate=validate.OneOf(["upheld", "dismissed", "withdrawn"]))
    on = fields.Date(load_default=None)
    text = _text(load_default=None)
    document_number = _line(limits.NUMBER, load_default=None)
    document_sha256 = _sha256(load_default=None)


class ReRatingBody(By):
    """`replaces` is the event id of the decision in force, as the procedure shows it. By `external`: as a decision."""

    proposal = Id(required=True)
    level = _one_of(Outcome, required=True)
    replaces = Id(required=True)
    reason = _text(required=True)
    decided_on = fields.Date(load_default=None)
    decision_number = _line(limits.NUMBER, load_default=None)
    document_sha256 = _sha256(load_default=None)


class Recorded(Schema):
    """Where a command was recorded; `result` says what else is needed to go on."""

    commune = fields.String(required=True)
    position = fields.Integer(required=True)
    result = fields.Raw()
