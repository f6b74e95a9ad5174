"""Directives, and the templates of recurring tasks."""

import flask

from services.tasks import views
from services.tasks.api import reading as read
from services.tasks.api.recording import PREFIX, Change, add, tasks
from services.tasks.domain.directives import AmendDirective, IssueDirective, WithdrawDirective
from services.tasks.domain.templates import EndTemplate, SetTemplate
from services.tasks.schemas import AmendDirectiveBody, DirectiveBody, ReasonBody, ReasonedBody, TemplateBody
from shared.eventlog import reading
from shared.web.auth import action
from shared.web.schema import Blueprint

CHANGES = (
    Change("/directives", IssueDirective, DirectiveBody, "Record a directive.", makes="directive"),
    Change("/directives/<directive>", AmendDirective, AmendDirectiveBody, "Put a directive right.", "PATCH"),
    Change("/directives/<directive>/withdrawal", WithdrawDirective, ReasonBody, "Withdraw a directive."),
    Change("/templates", SetTemplate, TemplateBody, "Set up a recurring task.", makes="template"),
    Change("/templates/<template>", SetTemplate, TemplateBody, "What its next occurrences are assigned with.", "PUT"),
    Change("/templates/<template>/end", EndTemplate, ReasonedBody, "No more occurrences."),
)


def blueprint() -> Blueprint:
    directives = Blueprint("directives", __name__, url_prefix=PREFIX, description="Chỉ thị và việc định kỳ")
    add(directives, CHANGES)

    @directives.route("/directives")
    @action("directive.read")
    def directive_list(commune: str) -> flask.Response:
        """Every directive."""
        with reading(tasks().engine, commune) as connection:
            found = views.all_of(connection, commune, "directive")
        return read.answer({"directives": [read.plain(one) for one in found]})

    @directives.route("/directives/<directive>")
    @action("directive.read")
    def directive_one(commune: str, directive: str) -> flask.Response:
        """One directive."""
        with reading(tasks().engine, commune) as connection:
            return read.answer_one(read.stored(connection, commune, f"directive/{directive}"))

    @directives.route("/templates")
    @action("template.read")
    def template_list(commune: str) -> flask.Response:
        """Every recurring task, with all its versions."""
        with reading(tasks().engine, commune) as connection:
            found = views.all_of(connection, commune, "template")
        return read.answer({"templates": [read.plain(one) for one in found]})

    @directives.route("/templates/<template>")
    @action("template.read")
    def template_one(commune: str, template: str) -> flask.Response:
        """One recurring task."""
        with reading(tasks().engine, commune) as connection:
            return read.answer_one(read.stored(connection, commune, f"template/{template}"))

    return directives
