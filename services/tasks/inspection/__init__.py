"""What an evidence file is, whatever its name says, and whether something in it could run: in the child process of
`shared.sandbox`, and nowhere else (ADR 0032)."""

from pathlib import PurePath

from services.tasks.domain import refusals
from services.tasks.inspection import compound, office, pdf, text
from services.tasks.inspection.kinds import JPEG, PDF, PNG, TEXTS
from services.tasks.inspection.polyglot import must_be_one_thing

# Only kinds that no browser runs; a page or picture with scripts inside would be shown under our own name.
PICTURES = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))


def media_type_of(content: bytes, name: str) -> str:
    """The kind of the bytes. The name only tells kinds of text apart.

    Refuses `evidence-kind`, `evidence-active`, `evidence-disguised`, `evidence-locked`, `evidence-broken`.
    """
    for signature, kind in PICTURES:
        if content.startswith(signature):
            must_be_one_thing(content, kind)
            return kind.media_type
    if content.startswith(pdf.SIGNATURE):
        must_be_one_thing(content, PDF)
        pdf.must_be_harmless(content)
        return PDF.media_type
    if content.startswith(compound.SIGNATURE):
        return compound.harmless_kind(content).media_type
    if content.startswith(office.SIGNATURE):
        return office.harmless_kind(content).media_type
    kind_of_text = TEXTS.get(PurePath(name).suffix.lower())
    if kind_of_text and text.is_text(content):
        text.must_be_harmless(content)
        return kind_of_text.media_type
    raise refusals.EVIDENCE_KIND()
