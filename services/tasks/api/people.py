"""Staff in their posts, absences, discipline; and names and addresses, outside the log so that they can be erased."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from services.tasks import answers, erasure, personal, queries, views
from services.tasks.access import ACTIONS
from services.tasks.api.changes import add, change
from services.tasks.api.request import PREFIX, Versioned, known, service
from services.tasks.domain.context import canonical
from services.tasks.domain.organisation import (
    AppointStaff,
    ChangeStaff,
    EndAppointment,
    RecordAbsence,
    RecordDiscipline,
    WithdrawDiscipline,
)
from services.tasks.personal import Person
from services.tasks.schemas import (
    AbsenceBody,
    AppointmentBody,
    DisciplineBody,
    EndBody,
    PersonBody,
    ReasonBody,
    StaffChangeBody,
)
from shared import journal
from shared.eventlog import writing
from shared.journal import kinds
from shared.roles import in_words
from shared.web.auth import action, principal
from shared.web.conditional import etag
from shared.web.openapi import ETAG
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

CHANGES = (
    change("/staff/<staff>/appointment", AppointStaff, AppointmentBody, "A person takes a post."),
    change("/staff/<staff>/change", ChangeStaff, StaffChangeBody, "Some attributes of a post change from a day on."),
    change("/staff/<staff>/end", EndAppointment, EndBody, "The last day in post."),
    change("/staff/<staff>/absences", RecordAbsence, AbsenceBody, "An absence; the same id again replaces it."),
    change("/staff/<staff>/disciplines", RecordDiscipline, DisciplineBody, "A disciplined act."),
    change(
        "/staff/<staff>/disciplines/<act>/withdrawal", WithdrawDiscipline, ReasonBody, "A disciplined act is withdrawn."
    ),
)

blueprint = Blueprint("people", __name__, url_prefix=PREFIX, description="Cán bộ, công chức và đầu mối")
add(blueprint, CHANGES)


@blueprint.route("/staff")
@blueprint.answers(200, answers.StaffList)
@action("staff.read")
def list_staff(commune: str) -> msgspec.Struct:
    """The people in post today; names, and their order, only for those who may read them."""
    return answers.StaffList(staff=queries.colleagues(service(), commune, principal()))


@blueprint.route("/staff/<staff>")
@blueprint.answers(200, answers.StaffState, headers=[ETAG])
@action("staff.read")
def read_staff(commune: str, staff: str) -> Versioned:
    """A person: the post today; absences and acts only for the person and those who see every record."""
    record = known(queries.staff_record(service(), commune, principal(), staff))
    return answers.staff(record), etag(record.stored.version)


@blueprint.route("/people")
@blueprint.answers(200, answers.Contacts)
@action("person.read")
def list_contacts(commune: str) -> msgspec.Struct:
    """Names and addresses of everybody for whom they are kept, by given name."""
    people = queries.contacts(service(), commune, principal())
    journal.seen(service().engine, commune, kinds.CONTACTS_READ)
    return answers.Contacts(people=[answers.contact_of(person) for person in people.values()])


@blueprint.route("/people/<staff>", methods=["PUT"])
@blueprint.arguments(PersonBody)
@blueprint.answers(204)
@action("person.write")
def save_contact(body: dict[str, Any], commune: str, staff: str) -> None:
    """Keep a person's name and addresses; what is left out is cleared. A former name is shown to nobody and kept until
    the person is erased, as papers and files may carry it."""
    code = canonical(staff)
    with writing(service().engine, commune) as connection:
        _must_write(connection, commune)
        known(views.one(connection, commune, f"staff/{code}"))
        personal.save_person(connection, commune, Person(code, **body))


@blueprint.route("/people/<staff>", methods=["DELETE"])
@blueprint.answers(204)
@action("person.write")
def erase_contact(commune: str, staff: str) -> None:
    """Erase a person's names and addresses, the commune's uploads, and what notifications keeps: addresses and stored
    slips that name the person. All of it, or a refusal and nothing. The code stays in the log; files of evidence that
    are named after the person stay too, as others may need them."""
    with writing(service().engine, commune) as connection:
        _must_write(connection, commune)
    erasure.erase_everywhere(service(), commune, canonical(staff))


def _must_write(connection: Connection, commune: str) -> None:
    """The token's role counts only while the post that gave it is held."""
    if not queries.viewer(service(), connection, commune, principal()).may("person.write"):
        raise Rejected("role", who=in_words(ACTIONS["person.write"]))
