"""Where a link in a document leads: what a person may click on, and what a program may look for by itself.

Everything else is refused, for a list of dangerous schemes would never be whole: `smb:`, `ms-word:`, `search-ms:`,
`\\\\host`, `/\\host` and their like send the reader's account to another machine, or start a program with the words of
the sender.
"""

import re
from urllib.parse import unquote

LONGEST = 4096
DEEPEST = 8  # escapes of escapes

_NAME = r'[^\\/:<>"|?*\x00-\x1f\x7f-\x9f]'
_PATH = rf"(?:{_NAME}+[\\/])*{_NAME}*"
OWN_DRIVE = re.compile(rf"(?:file:///)?[a-z]:[\\/]?{_PATH}", re.IGNORECASE)
NEXT_TO_IT = re.compile(rf"[\\/]?{_PATH}")
# What pages leave behind when somebody copies from them: links that do nothing.
NOWHERE = re.compile(r"about:blank|javascript:(?:void\(0\))?;?", re.IGNORECASE)
WEB = re.compile(r"(?:https?|mailto|tel):[^\x00-\x1f]*", re.IGNORECASE)
# Where a picture was that somebody pasted: in a mail, or lost (Office writes NULL).
PASTED = re.compile(r"cid:[^\\/\x00-\x1f]*|NULL", re.IGNORECASE)


def may_be_clicked(target: str) -> bool:
    """A page, an address, a place in the document, a file of the sender's own."""
    target = target.strip()
    return bool(WEB.fullmatch(target) or NOWHERE.fullmatch(target)) or stays_here(target)


def stays_here(target: str) -> bool:
    """A file on a drive of the computer, or next to the document."""
    path = _path(target)
    return path is not None and bool(OWN_DRIVE.fullmatch(path) or NEXT_TO_IT.fullmatch(path))


def is_on_own_drive(target: str) -> bool:
    path = _path(target)
    return path is not None and bool(OWN_DRIVE.fullmatch(path))


def is_left_by_pasting(target: str) -> bool:
    """Word keeps a copy of the picture, and where it was: on the drive, in a mail."""
    return bool(PASTED.fullmatch(target.strip())) or is_on_own_drive(target)


def _path(target: str) -> str | None:
    """Without what leads to a place in the file, and as programs read it: some take %5C for a backslash."""
    if len(target) > LONGEST:
        return None
    path = target.strip().partition("#")[0]
    for _ in range(DEEPEST):
        if (plain := unquote(path)) == path:
            return path
        path = plain
    return None
