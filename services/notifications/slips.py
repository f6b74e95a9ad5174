"""Urging slips on paper: filled in from the template, issued, kept beside the log, printed one by one or together."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import date
from typing import Any

import msgspec
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docxtpl import DocxTemplate
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy import Connection, insert, select

from services.notifications import tables
from services.notifications.channels.interface import Contact
from services.notifications.domain import slips as domain
from services.notifications.domain.people import holders, posts_on
from services.notifications.domain.records import Records
from services.notifications.domain.slips import Signature, Slip, SlipTask
from services.notifications.slip_template import TEMPLATE
from services.notifications.views import of_tasks
from shared.eventlog import Appended, Decision, Key, Log, Transaction
from shared.events import UrgingSlipIssued
from shared.records import commune_name
from shared.refusal import Refused
from shared.workbook import without_times

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BLANK = "……"  # for the clerk (văn thư) to write in
NAME = BLANK * 6
MOST_TOGETHER = 200
ISSUERS = ("chair", "office")
_KINDS = ("xã", "phường", "thị trấn", "đặc khu")

Contacts = Mapping[str, Contact]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a slip is asked for with. `number` only for the tasks of one lead: each slip has its own."""

    tasks: list[str]
    number: str | None = None
    signed_by: str | None = None
    reply_by: date | None = None


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A slip as recorded; `time` is RFC 3339 in UTC."""

    slip: str
    time: str
    number: str | None
    signed_by: str | None
    sha256: str
    tasks: list[str]


class Draft(msgspec.Struct, frozen=True):
    slip: Slip
    document: bytes


# Filling in


def drafts(records: Records, contacts: Contacts, wish: Wish, at: str) -> list[Draft]:
    """The slips of a wish, by lead; nothing is recorded. `at` is RFC 3339 in UTC. Refuses what `domain.slips` does,
    and slip-signer, slip-number."""
    found = domain.slips(records, wish.tasks, at, reply_by=wish.reply_by)
    signed = domain.signature(records, at, wish.signed_by)
    if wish.number is not None and len(found) > 1:
        raise Refused("slip-number", count=len(found))
    commune = commune_name(records)
    return [Draft(slip, document(slip, commune, contacts, signed, wish.number)) for slip in found]


def document(slip: Slip, commune: str, contacts: Contacts, signed: Signature, number: str | None = None) -> bytes:
    """One slip as .docx: the same bytes for the same slip, so that its hash is one for ever."""
    values = {
        "commune": commune.upper(),
        "commune_name": commune,
        "place": _place(commune),
        "number": number or BLANK,
        "year": slip.on.year,
        "addressee": _addressee(slip, _name(contacts, slip.addressee)),
        "address": "ông (bà)" if slip.addressee == slip.lead else f"đơn vị {slip.post}",
        "on": _day(slip.on),
        "count": len(slip.tasks),
        "reply_by": _day(slip.reply_by),
        "tasks": [_told(task) for task in slip.tasks],
        "signature": signed.lines,
        "signer": _name(contacts, signed.staff) or "",
    }
    template = DocxTemplate(io.BytesIO(TEMPLATE.read_bytes()))
    template.render(_clean(values), autoescape=True)
    written = io.BytesIO()
    template.save(written)
    return without_times(written.getvalue())


def _addressee(slip: Slip, name: str | None) -> str:
    if slip.addressee == slip.lead:
        return f"Ông (bà) {name or NAME}, {slip.post}"
    return f"Đơn vị {slip.post}" + (f" (ông, bà {name or NAME})" if slip.addressee else "")


def _name(contacts: Contacts, staff: str | None) -> str | None:
    contact = contacts.get(staff) if staff else None
    return contact.name if contact else None


def _place(commune: str) -> str:
    """ "xã Tiên Cảnh" → "Tiên Cảnh": the place is written without what kind of place it is."""
    kind = next((kind for kind in _KINDS if commune.lower().startswith(f"{kind} ")), "")
    return commune[len(kind) :].strip()


def _told(task: SlipTask) -> dict[str, Any]:
    directive = f"{task.directive} ngày {_day(task.directive_on)}" if task.directive and task.directive_on else None
    return {
        "title": task.title.rstrip(" ."),
        "product": task.product.rstrip(" ."),
        "directive": directive,
        "due": _day(task.due),
        "days_over": f"{task.days_over:02d}",
        "requested": _day(task.requested_on) if task.requested_on else None,
    }


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _clean(value: Any) -> Any:
    """Texts on one line and without what XML cannot hold: docxtpl would make breaks and tabs of control characters."""
    if isinstance(value, str):
        return " ".join(ILLEGAL_CHARACTERS_RE.sub("", value).split())
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    return value


# Printing together


def together(documents: Sequence[bytes]) -> bytes:
    """One document of several slips, each on a page of its own and numbered from 1: what a clerk prints at once.

    They come from one template, so styles and the header's relation are the same in all.
    """
    if len(documents) == 1:
        return documents[0]
    whole, *others = [Document(io.BytesIO(each)) for each in documents]
    body = whole.element.body
    for other in others:
        _end_section(body)
        last = body.sectPr
        for element in list(other.element.body)[:-1]:
            last.addprevious(deepcopy(element))
    written = io.BytesIO()
    whole.save(written)
    return without_times(written.getvalue())


def _end_section(body: Any) -> None:
    """Close the section before the last one with a paragraph that takes no room."""
    paragraph, properties, spacing = (OxmlElement(name) for name in ("w:p", "w:pPr", "w:spacing"))
    for name, value in (("before", "0"), ("after", "0"), ("line", "20"), ("lineRule", "exact")):
        spacing.set(qn(f"w:{name}"), value)
    properties.append(spacing)
    properties.append(deepcopy(body.sectPr))
    paragraph.append(properties)
    body.sectPr.addprevious(paragraph)


# Issuing and reading


def issue(
    log: Log, contacts: Callable[[], Contacts], commune: str, actor: str, by: str, wish: Wish, *, key: Key | None = None
) -> Appended:
    """Issue one slip for each lead: recorded for each task, its document kept beside the log.

    Refuses what `drafts` does, and slip-issuer: only the Chairman and the Office issue slips.
    """
    names = contacts()

    def decide(tx: Transaction) -> Decision:
        records = of_tasks(tx.connection, commune, wish.tasks)
        if by not in holders(posts_on(records, tx.today, tx.time), *ISSUERS):
            raise Refused("slip-issuer", by=by)
        events, rows, result = [], [], []
        for draft in drafts(records, names, wish, tx.time):
            slip, sha256 = tx.new_id(), hashlib.sha256(draft.document).hexdigest()
            named = [task.task for task in draft.slip.tasks]
            events += [
                UrgingSlipIssued(
                    task=task, slip=slip, sha256=sha256, by=by, number=wish.number, signed_by=wish.signed_by
                )
                for task in named
            ]
            rows.append({"commune": commune, "slip": slip, "body": draft.document})
            result.append({"slip": slip, "lead": draft.slip.lead, "tasks": named, "sha256": sha256})
        tx.connection.execute(insert(tables.slip_files), rows)
        return Decision(events, result)

    return log.append(commune, decide, actor=actor, key=key)


def issued(connection: Connection, commune: str, *, task: str | None = None) -> list[Issued]:
    """The slips of a commune, or those that name a task, the last one first."""
    c = tables.slips.c
    found: dict[str, Issued] = {}
    for row in connection.execute(select(tables.slips).where(c.commune == commune).order_by(c.position.desc())):
        slip = found.get(row.slip)
        if slip is None:
            slip = found[row.slip] = Issued(
                slip=row.slip, time=row.time, number=row.number, signed_by=row.signed_by, sha256=row.sha256, tasks=[]
            )
        slip.tasks.insert(0, row.task)
    return [slip for slip in found.values() if task is None or task in slip.tasks]


def stored(connection: Connection, commune: str, slips: Iterable[str]) -> list[bytes]:
    """The documents of slips, in the order asked. Refuses: slip-unknown, slip-file-gone."""
    known = {slip.slip for slip in issued(connection, commune)}
    found = []
    for slip in slips:
        c = tables.slip_files.c
        body = connection.execute(select(c.body).where(c.commune == commune, c.slip == slip)).scalar()
        if body is None:
            raise Refused("slip-file-gone" if slip in known else "slip-unknown", slip=slip)
        found.append(bytes(body))
    return found
