"""Files that are two things at once: a picture that another program takes for a page with scripts, or an archive."""

import io
import re
import zipfile

from services.tasks.domain import refusals
from services.tasks.inspection.kinds import Kind

# Programs that run pages (mshta, browsers, servers) look for these anywhere in a file.
MARKUP = re.compile(rb"<(?:script|hta:application|html|\?php|!doctype\s+html)[\s>]", re.IGNORECASE)


def must_be_one_thing(content: bytes, kind: Kind) -> None:
    """Refuses `evidence-disguised`."""
    if MARKUP.search(content):
        raise refusals.EVIDENCE_DISGUISED(kind=kind.words, found="trang web (HTML) có thể chạy mã")
    if _is_archive(content):
        raise refusals.EVIDENCE_DISGUISED(kind=kind.words, found="tệp nén (ZIP)")


def _is_archive(content: bytes) -> bool:
    """An archive whose directory has entries; its four bytes alone come about by chance in pictures."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
