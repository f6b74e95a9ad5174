"""Directives, and the templates of recurring tasks."""

import msgspec

from services.tasks import answers
from services.tasks.api.changes import add, change
from services.tasks.api.request import PREFIX, Versioned, answer_all, answer_one, state_of
from services.tasks.domain.directives import AmendDirective, IssueDirective, WithdrawDirective
from services.tasks.domain.templates import EndTemplate, SetTemplate
from services.tasks.schemas import AmendDirectiveBody, DirectiveBody, ReasonBody, ReasonedBody, TemplateBody
from shared.web.auth import action
from shared.web.openapi import ETAG
from shared.web.schema import Blueprint

CHANGES = (
    change("/directives", IssueDirective, DirectiveBody, "Record a directive.", makes="directive"),
    change("/directives/<directive>", AmendDirective, AmendDirectiveBody, "Put a directive right.", "PATCH"),
    change("/directives/<directive>/withdrawal", WithdrawDirective, ReasonBody, "Withdraw a directive."),
    change("/templates", SetTemplate, TemplateBody, "Set up a recurring task.", makes="template"),
    change(
        "/templates/<template>",
        SetTemplate,
        TemplateBody,
        "What its next occurrences are assigned with.",
        "PUT",
        operation="changeTemplate",
    ),
    change("/templates/<template>/end", EndTemplate, ReasonedBody, "No more occurrences."),
)

blueprint = Blueprint("directives", __name__, url_prefix=PREFIX, description="Chỉ thị và việc định kỳ")
add(blueprint, CHANGES)


@blueprint.route("/directives")
@blueprint.answers(200, answers.Directives)
@action("directive.read")
def list_directives(commune: str) -> msgspec.Struct:
    """Every directive."""
    return answer_all(commune, "directive", answers.DirectiveState, answers.Directives)


@blueprint.route("/directives/<directive>")
@blueprint.answers(200, answers.DirectiveState, headers=[ETAG])
@action("directive.read")
def read_directive(commune: str, directive: str) -> Versioned:
    """One directive."""
    return answer_one(answers.DirectiveState, state_of(commune, f"directive/{directive}"))


@blueprint.route("/templates")
@blueprint.answers(200, answers.Templates)
@action("template.read")
def list_templates(commune: str) -> msgspec.Struct:
    """Every recurring task, with all its versions."""
    return answer_all(commune, "template", answers.TemplateState, answers.Templates)


@blueprint.route("/templates/<template>")
@blueprint.answers(200, answers.TemplateState, headers=[ETAG])
@action("template.read")
def read_template(commune: str, template: str) -> Versioned:
    """One recurring task."""
    return answer_one(answers.TemplateState, state_of(commune, f"template/{template}"))
