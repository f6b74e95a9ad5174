"""Staff in their posts, absences, discipline; and names and addresses, which lie beside the log and can be erased."""

from typing import Any

import flask

from services.tasks import beside, views
from services.tasks.api import reading as read
from services.tasks.api.recording import PREFIX, Change, add, tasks
from services.tasks.domain.access import ACTIONS
from services.tasks.domain.context import canonical
from services.tasks.domain.organisation import (
    AppointStaff,
    ChangeStaff,
    EndAppointment,
    RecordAbsence,
    RecordDiscipline,
    WithdrawDiscipline,
)
from services.tasks.schemas import (
    AbsenceBody,
    AppointmentBody,
    DisciplineBody,
    EndBody,
    PersonBody,
    ReasonBody,
    StaffChangeBody,
)
from shared.eventlog import reading, writing
from shared.vietnamese import in_order_of
from shared.web.auth import action
from shared.web.problems import Rejected
from shared.web.schema import Blueprint

CHANGES = (
    Change("/staff/<staff>/appointment", AppointStaff, AppointmentBody, "A person takes a post."),
    Change("/staff/<staff>/change", ChangeStaff, StaffChangeBody, "Some attributes of a post change from a day on."),
    Change("/staff/<staff>/end", EndAppointment, EndBody, "The last day in post."),
    Change("/staff/<staff>/absences", RecordAbsence, AbsenceBody, "An absence; the same id again replaces it."),
    Change("/staff/<staff>/disciplines", RecordDiscipline, DisciplineBody, "A disciplined act."),
    Change(
        "/staff/<staff>/disciplines/<act>/withdrawal", WithdrawDiscipline, ReasonBody, "A disciplined act is withdrawn."
    ),
)


def blueprint() -> Blueprint:
    people = Blueprint("people", __name__, url_prefix=PREFIX, description="Cán bộ, công chức và đầu mối")
    add(people, CHANGES)

    @people.route("/staff")
    @action("staff.read")
    def staff_list(commune: str) -> flask.Response:
        """Who is in post today; names, and their order, only for those who may read them."""
        with reading(tasks().engine, commune) as connection:
            asking = read.asking(connection, commune)
            names = _people(connection, commune, asking)
            found = views.staff_on(connection, commune, read.today())
        return read.answer(
            {
                "staff": [
                    {"id": staff.staff, "post": post, "absent": staff.absent_on(read.today())}
                    | ({"name": names[staff.staff].name} if staff.staff in names else {})
                    for staff, post in in_order_of(names, found, lambda one: one[0].staff)
                ]
            }
        )

    @people.route("/staff/<staff>")
    @action("staff.read")
    def staff_one(commune: str, staff: str) -> flask.Response:
        """A person: the post today; absences and acts only for the person and those who see every record."""
        with reading(tasks().engine, commune) as connection:
            asking = read.asking(connection, commune)
            found = read.stored(connection, commune, f"staff/{canonical(staff)}")
            contact = _people(connection, commune, asking).get(found.state.staff)
        answer = {"id": found.state.staff, "version": found.version, "post": found.state.post_on(read.today())}
        if asking.sees_all or asking.staff == found.state.staff:
            answer |= {name: getattr(found.state, name) for name in ("steps", "absences", "acts")}
        return read.answer(answer | ({"contact": contact._asdict()} if contact else {}), {"ETag": f'"{found.version}"'})

    @people.route("/people")
    @action("person.read")
    def contacts(commune: str) -> flask.Response:
        """Names and addresses of everybody for whom they are kept, by given name."""
        with reading(tasks().engine, commune) as connection:
            found = _people(connection, commune, read.asking(connection, commune))
        return read.answer({"people": [person._asdict() for person in found.values()]})

    @people.route("/people/<staff>", methods=["PUT"])
    @people.arguments(PersonBody)
    @people.response(204)
    @action("person.write")
    def save(body: dict[str, Any], commune: str, staff: str) -> None:
        """Keep a person's name and addresses; what is left out is cleared."""
        code = canonical(staff)
        with writing(tasks().engine, commune) as connection:
            _must_write(connection, commune)
            read.stored(connection, commune, f"staff/{code}")
            beside.save_person(connection, commune, beside.Person(code, **body))

    @people.route("/people/<staff>", methods=["DELETE"])
    @people.response(204)
    @action("person.write")
    def erase(commune: str, staff: str) -> None:
        """Erase a person's name and addresses; the code stays in the log."""
        with writing(tasks().engine, commune) as connection:
            _must_write(connection, commune)
            beside.erase_person(connection, commune, canonical(staff))

    return people


def _people(connection: Any, commune: str, asking: read.Asking) -> dict[str, beside.Person]:
    if asking.roles.isdisjoint(ACTIONS["person.read"]):
        return {}
    return beside.people_of(connection, commune)


def _must_write(connection: Any, commune: str) -> None:
    """The token's role counts only while the post that gave it is held."""
    if read.asking(connection, commune).roles.isdisjoint(ACTIONS["person.write"]):
        raise Rejected("role")
