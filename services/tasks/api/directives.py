"""Directives, and the templates of recurring tasks."""

import flask

from services.tasks.api.changes import add, change
from services.tasks.api.request import PREFIX, answer_all, answer_one, state_of
from services.tasks.domain.directives import AmendDirective, IssueDirective, WithdrawDirective
from services.tasks.domain.templates import EndTemplate, SetTemplate
from services.tasks.schemas import AmendDirectiveBody, DirectiveBody, ReasonBody, ReasonedBody, TemplateBody
from shared.web.auth import action
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
@action("directive.read")
def directive_list(commune: str) -> flask.Response:
    """Every directive."""
    return answer_all(commune, "directive", "directives")


@blueprint.route("/directives/<directive>")
@action("directive.read")
def directive_one(commune: str, directive: str) -> flask.Response:
    """One directive."""
    return answer_one(state_of(commune, f"directive/{directive}"))


@blueprint.route("/templates")
@action("template.read")
def template_list(commune: str) -> flask.Response:
    """Every recurring task, with all its versions."""
    return answer_all(commune, "template", "templates")


@blueprint.route("/templates/<template>")
@action("template.read")
def template_one(commune: str, template: str) -> flask.Response:
    """One recurring task."""
    return answer_one(state_of(commune, f"template/{template}"))
