"""Files of annexes and rosters, first as a dry run that records nothing, then confirmed; for HTTP and command line."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from services.tasks import personal, views
from services.tasks.commands import execute
from services.tasks.domain import refusals
from services.tasks.domain.context import Context
from services.tasks.domain.decisions import ConfirmImport, Together
from services.tasks.domain.directives import in_force
from services.tasks.domain.imports import Import
from services.tasks.domain.task import Task
from services.tasks.domain.templates import Template
from services.tasks.evidence import UPLOADS, folder, keep, path_of, sha256_of
from services.tasks.imports import plan_annex, plan_roster
from services.tasks.imports.annex import AnnexImport
from services.tasks.imports.leads import Person
from services.tasks.imports.plan import Before, Contact, Plan, RowPlan, counts, outcome
from services.tasks.imports.results import Skipped, SkippedSheet, Table
from services.tasks.imports.roster import RosterImport
from services.tasks.service import Tasks
from shared import journal
from shared.eventlog import Appended, Key, Transaction, snapshot, utcnow, writing
from shared.events import TaskAssigned, decode, format_time
from shared.journal import kinds
from shared.sandbox.running import Content, in_child
from shared.web.auth import Principal

Kind = Literal["annex", "roster"]
READING = "services.tasks.imports.reading"  # what the child process runs
HASH = re.compile(r"[0-9a-f]{64}")
ACTOR = "service/tasks"  # a dry run is no person's decision


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """A file as read and compared with the log up to `position`. `plan` is for `confirm`, the rest for people. The
    file is there until `kept_until` (RFC 3339), and longer when it is looked at again."""

    commune: str
    position: int
    kind: Kind
    sha256: str
    file_name: str
    kept_until: str
    directive: str | None
    import_: str
    rows: list[RowPlan]
    counts: dict[str, int]
    tables: list[Table]
    skipped: list[Skipped]
    skipped_sheets: list[SkippedSheet]
    plan: Plan


def dry_run(
    service: Tasks,
    commune: str,
    kind: Kind,
    content: Content,
    file_name: str,
    *,
    directive: str | None = None,
    sender: str | None = None,
    by: str | None = None,
) -> DryRun:
    """Read a file, compare it with what is recorded, and keep nothing but its bytes.

    What it would record is looked at for the person who sends it and the one in whose name: rows about their own work
    wait for others, and rows of a roster say who has to confirm them.

    Refuses: a file that cannot be read (`file-…`), a commune that is not open, for an annex an unknown directive.
    """
    today = service.today
    # Before the states: what is recorded meanwhile makes the confirmation ask for another look.
    position = service.log.head(commune).position
    with snapshot(service.engine, commune) as connection:
        states = views.load(connection, commune, (), kinds=KINDS)
        contacts = personal.people_of(connection, commune)
        unit_names = personal.unit_names_of(connection, commune)
    context = Context(commune, today, f"staff/{sender}" if sender else ACTOR, states=states, in_name_of=by)
    if context.state(f"commune/{commune}") is None:
        raise refusals.COMMUNE_NOT_OPEN()
    sha256 = sha256_of(content)
    imports: list[Import] = list(context.of_kind("import").values())
    before = sum(one.sha256 == sha256 and one.kind == kind for one in imports)
    read: AnnexImport | RosterImport
    if kind == "roster":
        directive = None
        staff = _by_id(context, "staff")
        read = roster = in_child(f"{READING}:read_roster", content, RosterImport, taken=list(staff))
        plan = plan_roster.plan_roster(
            roster,
            plan_roster.Recorded(
                commune,
                today,
                staff,
                _by_id(context, "unit"),
                unit_names,
                {
                    staff: Contact(staff, one.name or "", one.email or "", one.phone or "")
                    for staff, one in contacts.items()
                },
                context,
            ),
            _before(context, _import_id(kind, sha256, before)),
        )
    else:
        if directive is None:
            raise refusals.DIRECTIVE_REQUIRED()
        issued = in_force(context.state(f"directive/{directive}"), directive)
        people = _people(context, contacts, unit_names)
        read = annex = in_child(
            f"{READING}:read_annex", content, AnnexImport, people=people, issued_on=issued.issued_on, on=today
        )
        recorded = plan_annex.Recorded(directive, issued.issued_on, _known(service, context, directive))
        plan = plan_annex.plan_annex(
            annex,
            recorded,
            context,
            service.new_id,
            _before(context, _import_id(kind, sha256, before)),
        )
    if not path_of(_folder(service, commune), sha256).exists():
        with writing(service.engine, commune) as connection:
            journal.record(connection, commune, kinds.UPLOAD_KEPT, [f"sha256/{sha256}"], {"kind": kind})
    keep(_folder(service, commune), content)
    path_of(_folder(service, commune), sha256).touch()  # looked at now: it stays for another day
    return DryRun(
        commune=commune,
        position=position,
        kind=kind,
        sha256=sha256,
        file_name=file_name,
        kept_until=format_time(utcnow() + service.uploads_kept),
        directive=directive,
        import_=_import_id(kind, sha256, before + 1),
        rows=plan.rows,
        counts=counts(plan.rows),
        tables=read.tables,
        skipped=read.skipped,
        skipped_sheets=read.skipped_sheets,
        plan=plan,
    )


KINDS = frozenset({"commune", "unit", "staff", "directive", "calendar", "task", "template", "import"})


def _import_id(kind: Kind, sha256: str, number: int) -> str:
    """The number counts the confirmations of the very same file."""
    return f"{kind}-{sha256[:16]}-{number}"


def _before(context: Context, last: str) -> Before:
    """What the last confirmation of the file settled, and which rows it held."""
    confirmed: Import | None = context.state(f"import/{last}")
    return Before(confirmed=confirmed is not None, held=frozenset(confirmed.held if confirmed else ()))


def confirm(
    service: Tasks, principal: Principal, commune: str, run: DryRun, *, by: str | None = None, key: Key | None = None
) -> Appended:
    """Record what a dry run found, all of it or nothing. A file that brings nothing new records nothing.

    `by` is the person for whom the Office records it.

    Refuses what its rows refuse, and `import-outdated` when something was recorded since the dry run.
    """
    plan = run.plan
    confirmed = ConfirmImport(
        import_=run.import_,
        kind=run.kind,
        sha256=run.sha256,
        rows=run.counts["rows"],
        created=run.counts["new"],
        changed=run.counts["changed"],
        waiting=run.counts["waits"],
        rejected=run.counts["error"],
        commands=plan.commands,
        by=by,
        held=plan.held,
    )

    def names(tx: Transaction) -> None:
        if tx.head.position != run.position:
            raise refusals.IMPORT_OUTDATED()
        _save_names(tx.connection, commune, plan)

    command = confirmed if plan.commands else Together(commands=[])
    return execute(service, principal, command, commune=commune, key=key, outside_log=names)


def annotated(content: Content, run: DryRun) -> bytes:
    """The file with a column "Lỗi" that says what becomes of each row."""
    texts = {(row.sheet, row.row): outcome(row) for row in run.rows}
    return in_child("services.tasks.imports.annotate:annotate", content, bytes, tables=run.tables, texts=texts)


def kept_file(service: Tasks, commune: str, sha256: str) -> BinaryIO:
    """A file that had a dry run, to be closed. Refuses: none with this hash."""
    path = path_of(_folder(service, commune), sha256)
    if not HASH.fullmatch(sha256) or not path.exists():
        raise refusals.IMPORT_FILE_UNKNOWN()
    return path.open("rb")


def _folder(service: Tasks, commune: str) -> Path:
    return folder(service, commune) / UPLOADS


def _save_names(connection: Any, commune: str, plan: Plan) -> None:
    personal.save_unit_names(connection, commune, plan.unit_names)
    persons = []
    for contact in plan.contacts:
        said = (contact.name or None, contact.email or None, contact.phone or None)
        persons.append(personal.Person(contact.staff, *said))
    personal.save_person(connection, commune, *persons)


def _by_id(context: Context, kind: str) -> dict[str, Any]:
    return {subject.partition("/")[2]: state for subject, state in context.of_kind(kind).items()}


def _people(context: Context, contacts: dict[str, personal.Person], unit_names: dict[str, str]) -> list[Person]:
    """The people in post today, as an annex may name them."""
    people = []
    for staff in _by_id(context, "staff"):
        if (post := context.post(staff)) is not None:
            unit = "" if post.unit == context.commune else unit_names.get(post.unit, post.unit)
            name = contacts[staff].name if staff in contacts else None
            people.append(Person(staff, post.post, unit, post.category, post.tracker, name=name or ""))
    return people


def _known(service: Tasks, context: Context, directive: str) -> dict[tuple[str, str], list[plan_annex.Known]]:
    """What earlier imports made of this directive's rows, by sheet and number."""
    states: dict[str, Task] = context.of_kind("task")
    templates: dict[str, Template] = context.of_kind("template")
    known: dict[tuple[str, str], list[plan_annex.Known]] = defaultdict(list)
    for state in plan_annex.items_of(directive, states.values(), templates.values()):
        item = plan_annex.item_of(state)
        if item is not None:
            known[item.sheet, item.no].append(plan_annex.Known(state, _first(service, context.commune, state)))
    return known


def _first(service: Tasks, commune: str, state: Task | Template) -> Any:
    """How it was first set; a draft keeps its words itself."""
    if isinstance(state, Template):
        return state.versions[0]
    if state.draft is not None:
        return None
    assigned = decode(service.log.read_stream(commune, f"task/{state.task}")[0]).data
    return assigned if isinstance(assigned, TaskAssigned) else None
