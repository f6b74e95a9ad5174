"""Files outside the log: evidence of results, and files that were imported; stored by their hash, each once."""

import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.tasks import personal
from services.tasks.domain import refusals
from services.tasks.personal import EvidenceFile
from services.tasks.service import Tasks
from shared.eventlog import reading, writing
from shared.eventlog.database import leave_nothing
from shared.events import Evidence, format_time
from shared.sandbox.running import Content, in_child

MAX_EVIDENCE = 20 * 1024 * 1024  # bytes; scans of a commune's documents stay well below
LONGEST_NAME = 200
CHUNK = 1024 * 1024
# The folder of a commune's uploads, in that of its evidence.
UPLOADS = "imports"


def store_evidence(service: Tasks, commune: str, task: str, file_name: str, content: Content) -> Evidence:
    """Keep a file for a task and return what a report names it by.

    Refuses: empty, too large, of a kind that is not taken. Whether the task exists and who asks is checked before.
    """
    size = size_of(content)
    if not size:
        raise refusals.EVIDENCE_EMPTY()
    if size > MAX_EVIDENCE:
        raise refusals.EVIDENCE_TOO_LARGE(limit_mb=MAX_EVIDENCE // (1024 * 1024))
    name = safe_name(file_name)
    media_type = in_child("services.tasks.inspection:media_type_of", content, str, name=name)
    sha256 = keep(folder(service, commune), content)
    stored_at = format_time(service.clock())
    with writing(service.engine, commune) as connection:
        known = {file.sha256 for file in personal.evidence_of(connection, commune, task)}
        if sha256 not in known:
            file = EvidenceFile(task, sha256, name, size, media_type, stored_at)
            personal.save_evidence(connection, commune, file)
    return Evidence(sha256=sha256, size=size, media_type=media_type)


def read_evidence(service: Tasks, commune: str, task: str, sha256: str) -> tuple[EvidenceFile, Path] | None:
    """A task's file with where its bytes are; None when it was never stored for this task, or was erased."""
    with reading(service.engine, commune) as connection:
        files = {file.sha256: file for file in personal.evidence_of(connection, commune, task)}
    path = path_of(folder(service, commune), sha256)
    return (files[sha256], path) if sha256 in files and path.exists() else None


def erase_evidence(service: Tasks, commune: str, task: str, sha256: str) -> bool:
    """Forget a task's file, and its bytes when no other task of the commune has it; False when there is none."""
    with writing(service.engine, commune) as connection:
        if all(file.sha256 != sha256 for file in personal.evidence_of(connection, commune, task)):
            return False
        personal.erase_evidence(connection, commune, task, sha256)
        if not personal.evidence_is_stored(connection, commune, sha256):
            path_of(folder(service, commune), sha256).unlink(missing_ok=True)
    leave_nothing(service.engine, ("evidence_files",))
    return True


def folder(service: Tasks, commune: str) -> Path:
    return service.evidence / commune


def path_of(where: Path, sha256: str) -> Path:
    return where / sha256[:2] / sha256


def keep(where: Path, content: Content) -> str:
    """Write bytes under their hash, so that a crash leaves either the whole file or none; the same bytes once."""
    sha256 = sha256_of(content)
    path = path_of(where, sha256)
    if not path.exists():
        write_whole(path, _chunks(content))
    return sha256


def sha256_of(content: Content) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(content):
        digest.update(chunk)
    return digest.hexdigest()


def size_of(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.seek(0, os.SEEK_END)


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
    else:
        content.seek(0)
        yield from iter(lambda: content.read(CHUNK), b"")


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file, so that a crash leaves either the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
            file.flush()
            # A folder that a group shares holds files that it shares.
            os.fchmod(file.fileno(), 0o660 if path.parent.stat().st_mode & stat.S_IWGRP else 0o600)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def safe_name(file_name: str) -> str:
    """The last part of the name, composed, without control characters, not longer than file systems take."""
    name = unicodedata.normalize("NFC", file_name).replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in name if unicodedata.category(char)[0] != "C").strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME:
        name = f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending}"[:LONGEST_NAME]
    return name or "minh-chung"
