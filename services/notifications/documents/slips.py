"""Urging slips on paper: filled in from the template, printed one by one or together."""

import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import msgspec
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docxtpl import DocxTemplate
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from services.notifications.channels.interface import Contact
from services.notifications.documents.slip_template import TEMPLATE
from services.notifications.domain import refusals
from services.notifications.domain import slips as domain
from services.notifications.domain.records import Records
from services.notifications.domain.slips import IssueSlips, Signature, Slip, SlipTask
from shared.dates import day_month_year
from shared.records import commune_name
from shared.workbook import without_times

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BLANK = "……"  # the clerk (văn thư) writes it in
NAME = BLANK * 6
_KINDS = ("xã", "phường", "thị trấn", "đặc khu")

Contacts = Mapping[str, Contact]


class Draft(msgspec.Struct, frozen=True):
    """`people`: the staff ids of those whom the document names; its other words are those of the tasks."""

    slip: Slip
    document: bytes
    people: frozenset[str]


# Filling in


def drafts(records: Records, contacts: Contacts, wish: IssueSlips, at: str) -> list[Draft]:
    """The slips of a wish, by lead; nothing is recorded. `at` is RFC 3339 in UTC.

    Refuses what `domain.slips` does, `slip-signer`, `slip-number`.
    """
    slips = domain.slips(records, wish.tasks, at, reply_by=wish.reply_by)
    signed = domain.signature(records, at, wish.signed_by)
    if wish.number is not None and len(slips) > 1:
        raise refusals.SLIP_NUMBER(count=len(slips))
    commune = commune_name(records)
    written = [(slip, document(slip, commune, contacts, signed, wish.number)) for slip in slips]
    return [
        Draft(slip, body, frozenset(staff for staff in (slip.addressee, signed.staff) if staff))
        for slip, body in written
    ]


def document(slip: Slip, commune: str, contacts: Contacts, signed: Signature, number: str | None = None) -> bytes:
    """One slip as .docx: the same bytes for the same slip, so that its hash never changes."""
    values = {
        "commune": commune.upper(),
        "commune_name": commune,
        "place": _place(commune),
        "number": number or BLANK,
        "year": slip.on.year,
        "addressee": _addressee(slip, _name(contacts, slip.addressee)),
        "address": "ông (bà)" if slip.addressee == slip.lead else f"đơn vị {slip.post}",
        "on": day_month_year(slip.on),
        "count": len(slip.tasks),
        "reply_by": day_month_year(slip.reply_by),
        "tasks": [_row(task) for task in slip.tasks],
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


def _row(task: SlipTask) -> dict[str, Any]:
    directive = (
        f"{task.directive} ngày {day_month_year(task.directive_on)}" if task.directive and task.directive_on else None
    )
    return {
        "title": task.title.rstrip(" ."),
        "product": task.product.rstrip(" ."),
        "directive": directive,
        "due": day_month_year(task.due),
        "days_over": f"{task.days_over:02d}",
        "requested": day_month_year(task.requested_on) if task.requested_on else None,
    }


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
