"""PDF: every object is read by qpdf, those in compressed object streams too, where names cannot be searched for."""

import io
import re
from collections.abc import Iterator

import pikepdf

from services.tasks.domain import refusals
from services.tasks.inspection import active, fields, places
from services.tasks.inspection.kinds import PDF

SIGNATURE = b"%PDF-"

BY_ITSELF = "hành động tự chạy khi mở"
# What a reader program would run, start, unpack or fetch (ISO 32000-2, 12.6.4, 7.11.4): key of a dictionary → words.
KEYS = {
    "/JS": "JavaScript",
    "/JavaScript": "JavaScript",
    "/EF": "tệp đính kèm",
    "/EmbeddedFiles": "tệp đính kèm",
    "/XFA": "biểu mẫu XFA",
    "/RichMediaContent": "nội dung đa phương tiện",
    "/PresSteps": BY_ITSELF,
}
# The same as values of the keys that name the kind of a dictionary or of an action.
VALUES = {
    "/S": {
        "/JavaScript": "JavaScript",
        "/Launch": "lệnh mở chương trình",
        "/ImportData": "lệnh nạp dữ liệu",
        "/GoToE": "tệp đính kèm",
        "/Rendition": "nội dung đa phương tiện",
    },
    "/Type": {"/EmbeddedFile": "tệp đính kèm"},
    "/Subtype": {
        "/FileAttachment": "tệp đính kèm",
        "/RichMedia": "nội dung đa phương tiện",
        "/3D": "nội dung đa phương tiện",
        "/Movie": "nội dung đa phương tiện",
        "/Screen": "nội dung đa phương tiện",
        "/Sound": "nội dung đa phương tiện",
    },
}
# Actions that a click begins, with the key that says where they lead to.
LEADING = {"/URI": "/URI", "/GoToR": "/F", "/SubmitForm": "/F", "/Thread": "/F"}
FETCHED = "dữ liệu lấy từ nơi khác"
# Warnings of qpdf: it passed over objects in a compressed stream, which a program may read all the same.
UNREAD = ("unfilterable", "error decoding", "deeply nested")
LONG = 7  # bytes of a name that does not come about by chance in 20 MB of picture
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
# What may happen by itself, when a document is opened, a page is shown or a pointer moves: showing a place of it.
MAY_OPEN = ("/GoTo", "/Named")
CLICKS = ("/D", "/U")
CHAIN = 1000  # actions after each other; they may come back to the first


def must_be_harmless(content: bytes) -> None:
    """Links, signatures, forms that are only filled in, and bookmarks pass.

    Refuses `evidence-active`, `evidence-locked`, `evidence-broken`.
    """
    try:
        with pikepdf.open(io.BytesIO(content), inherit_page_attributes=False) as document:
            pages = len(document.pages)
            found = {words for each in document.objects for words in _found(each)}
            warnings = " ".join(map(str, document.get_warnings()))
    except pikepdf.PasswordError as error:
        raise refusals.EVIDENCE_LOCKED(kind=PDF.words) from error
    except (pikepdf.PdfError, pikepdf.DependencyError, ValueError, RuntimeError) as error:
        raise refusals.EVIDENCE_BROKEN(kind=PDF.words) from error
    if "bad_alloc" in warnings:
        raise MemoryError
    if not pages or any(sign in warnings for sign in UNREAD):
        raise refusals.EVIDENCE_BROKEN(kind=PDF.words)
    if warnings:
        found |= _named(content)
    active.must_be_none(found)


def _named(content: bytes) -> set[str]:
    """What a damaged file names: another program may read objects that qpdf took for damaged."""
    plain = ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 16)]), content)
    names = VALUES["/S"] | VALUES["/Type"]
    return {words for name, words in names.items() if len(name) >= LONG and name.encode() in plain}


def _found(top: object) -> Iterator[str]:
    """What is active in an object; others that it refers to have their own turn."""
    waiting = [top]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting += [each for each in one if not _refers(each)]
            continue
        if isinstance(one, pikepdf.Stream):
            one = one.stream_dict
            if "/F" in one or "/Ref" in one:  # its content, or a page shown in its place, is in another file
                yield FETCHED
        if not isinstance(one, pikepdf.Dictionary):
            continue
        for key, value in one.items():
            if key in KEYS:
                yield KEYS[key]
            elif key in VALUES and (words := VALUES[key].get(_name(value))):
                yield words
            elif key == "/OpenAction" and _acts(value):
                yield BY_ITSELF
            elif key == "/AA" and isinstance(value, pikepdf.Dictionary):
                yield from (BY_ITSELF for cause, action in value.items() if cause not in CLICKS and _acts(action))
            if not _refers(value):
                waiting.append(value)
        yield from _led(one)


def _led(one: pikepdf.Dictionary) -> Iterator[str]:
    """Where a click leads: of an action, or what all addresses of a document begin with."""
    key = LEADING.get(_name(one.get("/S"))) or ("/Base" if "/Base" in one else None)
    target = one.get(key) if key else None
    targets = [target.get(name) for name in ("/F", "/UF")] if isinstance(target, pikepdf.Dictionary) else [target]
    for each in targets:
        # An address without its scheme may have a query.
        if isinstance(each, pikepdf.String) and not any(
            map(places.may_be_clicked, (text := str(each), text.partition("?")[0]))
        ):
            yield fields.LEADS


def _acts(value: object) -> bool:
    """Does an action, or one of those that come after it, more than show a place of the document?"""
    waiting = [value]
    for _ in range(CHAIN):
        if not waiting:
            return False
        action = waiting.pop()
        if isinstance(action, pikepdf.Dictionary) and "/S" in action:
            if _name(action["/S"]) not in MAY_OPEN:
                return True
            following = action.get("/Next")
            waiting += list(following) if isinstance(following, pikepdf.Array) else [following]
    return True


def _refers(value: object) -> bool:
    return isinstance(value, pikepdf.Object) and value.is_indirect


def _name(value: object) -> str:
    return str(value) if isinstance(value, pikepdf.Name) else ""
