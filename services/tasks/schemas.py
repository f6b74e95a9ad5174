"""The bodies and queries that the tasks service takes over HTTP, and what its commands answer."""

from typing import Any, get_args

from marshmallow import ValidationError, fields, validate, validates_schema

from services.tasks.domain import limits
from services.tasks.domain.organisation import RecordDiscipline
from services.tasks.domain.task import ASSIGNED
from services.tasks.fields import SHA256, Coefficient, DueBody, RecurrenceBody, Setting
from shared.events.values import AbsenceKind, Category, Role, Roll
from shared.reform import FIELDS
from shared.web.paging import Cursor, PageQuery
from shared.web.schema import Id, Line, Schema, Words

MOST_ANSWERS = 500

# The commune, its units and calendars


class OpenCommuneBody(Schema):
    name = Line(limits.NAME, required=True)
    code = Id(required=True)
    valid_from = fields.Date(required=True)
    parent = Line(limits.NAME)


class RenameCommuneBody(Schema):
    name = Line(limits.NAME)
    code = Id()
    valid_from = fields.Date(required=True)
    legal_basis = Words(limits.TEXT, required=True)


class CloseCommuneBody(Schema):
    on = fields.Date(required=True)
    successors = fields.List(Id(), required=True)
    legal_basis = Words(limits.TEXT, required=True)


class SettingsBody(Schema):
    settings = fields.Dict(Id(), Setting(), required=True, validate=validate.Length(max=100))
    reason = Words(limits.TEXT, required=True)
    by = Id()


class UnitBody(Schema):
    """`name` is kept outside the log."""

    name = Line(limits.NAME)
    kind = fields.String(required=True, validate=validate.OneOf(["department", "area"]))
    valid_from = fields.Date(required=True)
    parent = Id()
    head = Id()
    valid_to = fields.Date()


class DayOffBody(Schema):
    date = fields.Date(required=True)
    name = Line(limits.NAME, required=True)
    legal_basis = Words(limits.LINE, required=True)


class WorkingWeekendBody(Schema):
    date = fields.Date(required=True)
    legal_basis = Words(limits.LINE, required=True)
    for_ = fields.Date(data_key="for", attribute="for")


class CalendarBody(Schema):
    calendar = Id(required=True)
    days_off = fields.List(fields.Nested(DayOffBody), required=True)
    working_weekends = fields.List(fields.Nested(WorkingWeekendBody), load_default=list)
    supersedes = Id()
    by = Id()


# People


class AppointmentBody(Schema):
    category = fields.String(required=True, validate=validate.OneOf(get_args(Category)))
    roles = fields.List(fields.String(validate=validate.OneOf(get_args(Role))), required=True)
    post = Line(limits.LONGEST["post"], required=True)
    unit = Id(required=True)
    valid_from = fields.Date(required=True)
    leader = fields.Boolean()
    rated = fields.Boolean()
    similar_group = Id()
    leads_unit = Id()
    tracker = Id()
    rater = Id()
    service_from = fields.Date()


class StaffChangeBody(Schema):
    """A field that is absent stays as it is; null clears one that may be empty."""

    valid_from = fields.Date(required=True)
    category = fields.String(validate=validate.OneOf(get_args(Category)))
    roles = fields.List(fields.String(validate=validate.OneOf(get_args(Role))))
    post = Line(limits.LONGEST["post"])
    unit = Id()
    leader = fields.Boolean()
    rated = fields.Boolean()
    similar_group = Id(allow_none=True)
    leads_unit = Id(allow_none=True)
    tracker = Id(allow_none=True)
    rater = Id(allow_none=True)
    service_from = fields.Date(allow_none=True)
    reason = Words(limits.TEXT)


class EndBody(Schema):
    valid_to = fields.Date(required=True)
    reason = Words(limits.TEXT)


class AbsenceBody(Schema):
    """The kind only: the reason of an absence is never recorded."""

    absence = Id(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(get_args(AbsenceKind)))
    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date()
    substitute = Id()


class DisciplineBody(Schema):
    act = Id(required=True)
    act_date = fields.Date(required=True)
    decision_date = fields.Date(required=True)
    of = fields.String(required=True, validate=validate.OneOf(["party", "administration"]))
    form = fields.String(required=True, validate=validate.OneOf(get_args(RecordDiscipline.__annotations__["form"])))
    public_duty = fields.Boolean(required=True)
    degradation = fields.Boolean(required=True)
    used_in_year = fields.Integer(strict=True)


class PersonBody(Schema):
    """Kept outside the log, so that it can be erased."""

    name = Line(limits.NAME, load_default=None, allow_none=True)
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=limits.EMAIL))
    phone = Line(limits.PHONE, load_default=None, allow_none=True)


# Directives and templates


class DirectiveBody(Schema):
    number = Line(limits.LONGEST["number"], required=True)
    issued_on = fields.Date(required=True)
    title = Words(limits.TEXT, required=True)
    annex_sha256 = fields.String(validate=SHA256)
    supersedes = Id()


class AmendDirectiveBody(Schema):
    number = Line(limits.LONGEST["number"])
    issued_on = fields.Date()
    title = Words(limits.TEXT)
    annex_sha256 = fields.String(validate=SHA256)
    supersedes = Id()
    reason = Words(limits.TEXT, required=True)


class ReasonBody(Schema):
    reason = Words(limits.TEXT, required=True)


class ReasonedBody(ReasonBody):
    """A reason, and for whom the Office records it."""

    by = Id()


class TemplateBody(Schema):
    title = Words(limits.TEXT, required=True)
    lead = Id(required=True)
    recurrence = fields.Nested(RecurrenceBody, required=True)
    due_text = Words(limits.LINE, required=True)
    product = Words(limits.TEXT)
    field = fields.Integer(strict=True)
    collaborators = fields.List(Id())
    coefficient = Coefficient(allow_none=True)
    evidence_required = fields.Boolean()
    roll = fields.String(validate=validate.OneOf(get_args(Roll)))
    directive = Id()
    valid_from = fields.Date()
    by = Id()


# Tasks


class AssignBody(Schema):
    title = Words(limits.TEXT, required=True)
    lead = Id(required=True)
    due = fields.Nested(DueBody, required=True)
    product = Words(limits.TEXT)
    field = fields.Integer(strict=True)
    collaborators = fields.List(Id())
    coefficient = Coefficient(allow_none=True)
    origin = fields.String(validate=validate.OneOf(["planned", "ad_hoc", "taken_over"]))
    evidence_required = fields.Boolean()
    directive = Id()
    parent = Id()
    taken_over_from = Id()
    assigned_on = fields.Date()
    by = Id()


class CorrectionBody(ReasonedBody):
    title = Words(limits.TEXT)
    product = Words(limits.TEXT)
    field = fields.Integer(strict=True)
    collaborators = fields.List(Id())


class CoefficientBody(ReasonedBody):
    coefficient = Coefficient(required=True)


class ByBody(Schema):
    by = Id()


class ProgressBody(ByBody):
    note = Words(limits.TEXT, required=True)
    percent = fields.Integer(strict=True)


class DueChangeBody(ReasonedBody):
    due = fields.Nested(DueBody, required=True)


class ExtensionBody(ReasonedBody):
    proposed_due = fields.Nested(DueBody, required=True)


class GrantBody(ReasonedBody):
    """Without `due` the proposed date is granted."""

    due = fields.Nested(DueBody)


class ReportBody(ByBody):
    """`evidence`: the hashes of files that were stored for this task before."""

    summary = Words(limits.TEXT, required=True)
    evidence = fields.List(fields.String(validate=SHA256), load_default=list, validate=validate.Length(max=100))
    explanation = Words(limits.TEXT)
    on = fields.Date()
    reason = Words(limits.TEXT)


class ReturnBody(DueChangeBody):
    quality_failure = fields.Boolean(required=True)


class ExceededBody(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["early", "quantity", "value"]))
    reason = Words(limits.TEXT, required=True)
    confirmed_by = Id()


class AcceptBody(ByBody):
    quality = fields.String(validate=validate.OneOf(["met", "not_met"]))
    exceeded = fields.Nested(ExceededBody)


class CauseBody(ReasonedBody):
    of = fields.String(required=True, validate=validate.OneOf(["lateness", "quality"]))
    due_version = fields.Integer(strict=True)
    document = Words(limits.LINE)


class HandBackBody(ReasonedBody):
    kind = fields.String(required=True, validate=validate.OneOf(["unable", "reassigned"]))


class TasksQuery(PageQuery):
    """Filters of the task list. `due_from` and `due_to` are days that count themselves; `q` is found in titles whatever
    its case and diacritics."""

    lead = Id()
    status = fields.String(validate=validate.OneOf(ASSIGNED))
    field = fields.Integer(validate=validate.Range(min(FIELDS), max(FIELDS)))
    directive = Id()
    due_from = fields.Date()
    due_to = fields.Date()
    q = Line(limits.NAME)
    cursor = Cursor(str)


# Drafts and imports


class TaskAnswer(AssignBody):
    """An assignment that says only what the row does not."""


class TemplateAnswer(TemplateBody):
    """A recurring task that says only what the row does not."""


class AnswerBody(Schema):
    """What a waiting row becomes, once for each: a task or a template; what is absent is taken from the row."""

    task = fields.Nested(TaskAnswer(partial=True))
    template = fields.Nested(TemplateAnswer(partial=True))

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Ghi đúng một trong hai: task hoặc template.")


class SettleBody(ByBody):
    """An empty list drops the row."""

    into = fields.List(fields.Nested(AnswerBody), required=True, validate=validate.Length(max=200))


class SettleOneOfManyBody(SettleBody):
    draft = Id(required=True)


class SettleManyBody(Schema):
    settlements = fields.List(
        fields.Nested(SettleOneOfManyBody), required=True, validate=validate.Length(min=1, max=MOST_ANSWERS)
    )

    @validates_schema
    def as_many_as_rows(self, data: dict[str, Any], **_: Any) -> None:
        """All of them are decided while the commune is locked."""
        if sum(len(each["into"]) for each in data["settlements"]) > MOST_ANSWERS:
            raise ValidationError(f"Một lần trả lời thành nhiều nhất {MOST_ANSWERS} việc. Hãy chia thành nhiều lần.")


class ImportForm(Schema):
    """The parts of the form besides `file`."""

    directive = Id()


class ConfirmImportBody(ByBody):
    """`by` assigns what the rows become, when the Office confirms for another or an account of no person is used."""

    directive = Id()


class ImportQuery(Schema):
    directive = Id()


# Answers


class Recorded(Schema):
    """Where a command was recorded: the stream it concerned, and the version of every stream it wrote to."""

    commune = fields.String(required=True)
    position = fields.Integer(required=True)
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    versions = fields.Dict(fields.String(), fields.Integer(), required=True)
