"""Everything that comes in and goes out over HTTP."""

import re
from datetime import date, datetime
from typing import Any, ClassVar, get_args

from marshmallow import ValidationError, fields, post_load, validate
from webargs.fields import DelimitedList

from services.notifications.domain import limits
from services.notifications.domain.occurrence import State
from services.notifications.domain.slips import MOST_TASKS
from shared.events import (
    PLAUSIBLE_YEARS,
    VIETNAM,
    Digest,
    PolicyRule,
    Quiet,
    Span,
    end_of_day,
    format_time,
    local_day,
)
from shared.events.reminders import Audience, Base, Channel, Level, Urgency
from shared.web.paging import Cursor, PageQuery
from shared.web.schema import Id, Line, Schema, Words

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
CLOCK = validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d\Z", error="Ghi giờ dạng 07:30.")
NOTE = "Không ghi thông tin cá nhân."
LONGEST_SUBJECT = 100  # a kind, a slash and an id


class Day(fields.Date):
    """A day of a plausible year."""

    def __init__(self, **options: Any) -> None:
        first, last = date(PLAUSIBLE_YEARS[0], 1, 1), date(PLAUSIBLE_YEARS[-1], 12, 31)
        super().__init__(validate=validate.Range(first, last), **options)


class Moment(fields.Field[str]):
    """A day (its end in Vietnam) or a moment (in Vietnam unless it has an offset), as a recorded time in UTC."""

    described: ClassVar = {
        "type": "string",
        "description": "A day such as 2024-11-28 (its end in Vietnam), or a moment such as 2024-11-28T08:00",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        try:
            return moment(str(value))
        except (ValueError, OverflowError) as error:
            raise ValidationError("Ghi ngày (2024-11-28) hoặc thời điểm (2024-11-28T08:00).") from error


def moment(written: str) -> str:
    """Raises ValueError or OverflowError for what is neither a day nor a moment, or of an implausible year."""
    if DAY.fullmatch(written):
        recorded = end_of_day(date.fromisoformat(written))
    else:
        at = datetime.fromisoformat(written)
        recorded = format_time(at if at.tzinfo else at.replace(tzinfo=VIETNAM))
    if local_day(recorded).year not in PLAUSIBLE_YEARS:
        raise ValueError(written)
    return recorded


class AtQuery(Schema):
    """Nothing = now."""

    at = Moment(load_default=None)


class PreviewQuery(AtQuery):
    staff = Id(load_default=None)


class WhyQuery(Schema):
    staff = Id(required=True)
    day = Day(required=True)


class RemindersQuery(PageQuery):
    cursor = Cursor(str, str, load_default=None)
    state = fields.String(load_default=None, validate=validate.OneOf(get_args(State)))
    recipient = Id(LONGEST_SUBJECT, load_default=None)
    about = Id(LONGEST_SUBJECT, load_default=None)
    rule = Id(load_default=None)
    first = Day(load_default=None, data_key="from")
    last = Day(load_default=None, data_key="to")


class InboxQuery(PageQuery):
    cursor = Cursor(str, str, load_default=None)
    unread = fields.Boolean(load_default=False)
    order = fields.String(
        load_default="newest",
        validate=validate.OneOf(["newest", "oldest"]),
        metadata={"description": "Which comes first; every page of a list takes the same"},
    )


class LinkQuery(Schema):
    k = Id(200, load_default="", metadata={"description": "Chữ ký trong liên kết của tin nhắc."})


class UrgingBody(Schema):
    tasks = fields.List(Id(shortest=1), required=True, validate=validate.Length(1, MOST_TASKS))
    note = Words(limits.NOTE, shortest=1, load_default=None, metadata={"description": NOTE})


class SpanBody(Schema):
    from_ = fields.String(required=True, validate=CLOCK, data_key="from")
    to = fields.String(required=True, validate=CLOCK)

    @post_load
    def span(self, data: dict[str, Any], **_: Any) -> Span:
        return Span(**data)


class QuietBody(Schema):
    spans = fields.List(fields.Nested(SpanBody), required=True, validate=validate.Length(max=10))
    days_off = fields.Boolean(load_default=True)

    @post_load
    def quiet(self, data: dict[str, Any], **_: Any) -> Quiet:
        return Quiet(**data)


class DigestBody(Schema):
    at = fields.String(load_default="07:30", validate=CLOCK)
    weekday = fields.Integer(load_default=0, validate=validate.Range(0, 6))

    @post_load
    def digest(self, data: dict[str, Any], **_: Any) -> Digest:
        return Digest(**data)


class RuleBody(Schema):
    rule = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9-]{1,30}\Z", error="Chữ thường, số, gạch nối.")
    )
    base = fields.String(required=True, validate=validate.OneOf(get_args(Base)))
    offset_days = fields.Integer(required=True, strict=True)
    audience = fields.List(fields.String(validate=validate.OneOf(get_args(Audience))), required=True)
    urgency = fields.String(required=True, validate=validate.OneOf(get_args(Urgency)))
    channels = fields.List(fields.String(validate=validate.OneOf(get_args(Channel))), required=True)
    at = fields.String(load_default="07:30", validate=CLOCK)
    document = fields.Boolean(load_default=False)
    escalates_to = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(get_args(Level)))

    @post_load
    def published(self, data: dict[str, Any], **_: Any) -> PolicyRule:
        return PolicyRule(**data)


class PolicyBody(Schema):
    policy = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9-]{1,40}\Z", error="Chữ thường, số, gạch nối.")
    )
    rules = fields.List(fields.Nested(RuleBody), required=True)
    quiet = fields.Nested(QuietBody, required=True)
    digest = fields.Nested(DigestBody, required=True)
    reason = Words(limits.NOTE, shortest=1, required=True)


class PolicyRevision(Schema):
    """When a policy came into force (RFC 3339 in UTC), who published it and why; the built-in one has neither."""

    policy = fields.String(required=True)
    from_ = fields.String(required=True, data_key="from", attribute="from")
    by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class PolicyInForce(PolicyBody):
    """The policy as PUT takes it; the one that came with the system has no reason."""

    reason = Words(limits.NOTE, required=True, allow_none=True)


class PolicyShown(Schema):
    """The policy in force, as PUT takes it, and its revisions."""

    in_force = fields.Nested(PolicyInForce, required=True)
    revisions = fields.List(fields.Nested(PolicyRevision), required=True)


class PreferencesBody(Schema):
    channels = fields.Dict(Id(), fields.Boolean(), required=True)
    digest = fields.Boolean(load_default=False)
    quiet = fields.List(fields.Nested(SpanBody), load_default=None, validate=validate.Length(max=5))


class AddressBody(Schema):
    address = Line(200, shortest=1, required=True)


class ErasureBody(Schema):
    """`name` and `former_names`: as the tasks service still keeps them; documents of releases that did not keep whom
    they name are found by them."""

    staff = Id(required=True)
    name = Line(200, load_default=None, allow_none=True)
    former_names = fields.List(Line(200), load_default=list)

    @post_load
    def together(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"staff": data["staff"], "names": [name for name in (data["name"], *data["former_names"]) if name]}


class EndpointBody(Schema):
    url = Line(500, shortest=1, required=True)
    rules = fields.List(Id(), load_default=list, validate=validate.Length(max=50))


class Recorded(Schema):
    commune = fields.String(required=True)
    position = fields.Integer(required=True)


class UrgedTask(Schema):
    """`outcome`: queued, urged_today, unknown, or the status of a task that is not open."""

    task = fields.String(required=True)
    outcome = fields.String(required=True)


class Urged(Recorded):
    result = fields.List(fields.Nested(UrgedTask), required=True)


# Slips

_ID = Id(shortest=1)
_SOME = validate.Length(min=1, max=MOST_TASKS)


class DraftQuery(Schema):
    """`tasks` by their ids with commas between; a slip for each lead."""

    tasks = DelimitedList(_ID, required=True, validate=_SOME)
    signed_by = Id(load_default=None)
    reply_by = Day(load_default=None)


class SlipsQuery(Schema):
    task = Id(load_default=None)


class PrintQuery(Schema):
    """Slips by their ids with commas between."""

    slips = DelimitedList(_ID, required=True, validate=_SOME)


class SlipBody(Schema):
    """Without `number` the clerk writes it in; without `signed_by` the name is left blank."""

    tasks = fields.List(_ID, required=True, validate=_SOME)
    number = Line(limits.NUMBER, shortest=1, load_default=None)
    signed_by = Id(load_default=None)
    reply_by = Day(load_default=None)


class IssuedSlip(Schema):
    slip = fields.String(required=True)
    lead = fields.String(required=True)
    tasks = fields.List(fields.String(), required=True)
    sha256 = fields.String(required=True)


class SlipsIssued(Recorded):
    """Where it was recorded, and one slip for each lead."""

    slips = fields.List(fields.Nested(IssuedSlip), required=True)


# The week and the month

MONTH = r"(19|20|21)\d\d-(0[1-9]|1[0-2])\Z"


class WeekQuery(Schema):
    """Nothing = as it stands now; `on` = as it stood at the end of that day."""

    on = Day(load_default=None)


class MonthQuery(Schema):
    """Nothing = the month that ended last."""

    month = fields.String(load_default=None, validate=validate.Regexp(MONTH, error="Ghi tháng dạng 2024-06."))
