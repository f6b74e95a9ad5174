"""The kinds of evidence that are taken, and the ending under which a file of each is handed out."""

import msgspec

OFFICE = "application/vnd.openxmlformats-officedocument"


class Kind(msgspec.Struct, frozen=True):
    """`endings` that programs open as this kind; the first is given to a file that has none of them."""

    media_type: str
    endings: tuple[str, ...]
    words: str


PDF = Kind("application/pdf", (".pdf",), "PDF")
PNG = Kind("image/png", (".png",), "ảnh PNG")
JPEG = Kind("image/jpeg", (".jpg", ".jpeg", ".jfif"), "ảnh JPEG")
DOC = Kind("application/msword", (".doc",), "Word 97-2003")
XLS = Kind("application/vnd.ms-excel", (".xls",), "Excel 97-2003")
PPT = Kind("application/vnd.ms-powerpoint", (".ppt", ".pps"), "PowerPoint 97-2003")
DOCX = Kind(f"{OFFICE}.wordprocessingml.document", (".docx",), "Word")
XLSX = Kind(f"{OFFICE}.spreadsheetml.sheet", (".xlsx",), "Excel")
PPTX = Kind(f"{OFFICE}.presentationml.presentation", (".pptx",), "PowerPoint")
TXT = Kind("text/plain", (".txt",), "văn bản")
CSV = Kind("text/csv", (".csv",), "CSV")

TEXTS = {kind.endings[0]: kind for kind in (TXT, CSV)}
KINDS = {kind.media_type: kind for kind in (PDF, PNG, JPEG, DOC, XLS, PPT, DOCX, XLSX, PPTX, TXT, CSV)}


def named(file_name: str, media_type: str) -> str:
    """The name under which a file is handed out: no program takes it for another kind than the one that was found."""
    kind = KINDS.get(media_type)
    if kind is None:
        return f"{file_name}.bin"
    return file_name if file_name.lower().endswith(kind.endings) else file_name + kind.endings[0]
