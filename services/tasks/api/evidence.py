"""Files that prove results: stored by their hash, handed out only to those who may see the task."""

from typing import Any

import flask

from services.tasks import beside
from services.tasks import evidence as files
from services.tasks.api import reading as read
from services.tasks.api.recording import PREFIX, tasks
from services.tasks.api.tasks import must_see
from services.tasks.schemas import StoredEvidence
from shared.eventlog import reading
from shared.refusal import Refused
from shared.web.auth import action, body_limit
from shared.web.schema import Blueprint

FORM = 64 * 1024  # what a multipart form adds around its file, in bytes


def blueprint() -> Blueprint:
    evidence = Blueprint("evidence", __name__, url_prefix=f"{PREFIX}/tasks/<task>/evidence", description="Minh chứng")

    @evidence.route("", methods=["POST"])
    @evidence.response(201, StoredEvidence)
    @action("evidence.store")
    @body_limit(files.MAX_EVIDENCE + FORM)
    def store(commune: str, task: str) -> Any:
        """Store a file (part `file` of a form) for a task; the same file twice is one."""
        must_see(commune, task)
        name, content = uploaded()
        return files.store_evidence(tasks(), commune, task, name, content)

    @evidence.route("")
    @action("evidence.read")
    def stored(commune: str, task: str) -> flask.Response:
        """The files stored for a task."""
        must_see(commune, task)
        with reading(tasks().engine, commune) as connection:
            found = beside.evidence_of(connection, commune, task)
        return read.answer({"files": [file._asdict() for file in found]})

    @evidence.route("/<sha256>")
    @action("evidence.read")
    def download(commune: str, task: str, sha256: str) -> flask.Response:
        """A file, always to be saved and never to be shown in place."""
        must_see(commune, task)
        found = files.read_evidence(tasks(), commune, task, sha256)
        if found is None:
            raise Refused("unknown-evidence")
        file, path = found
        return flask.send_file(
            path, mimetype=file.media_type, as_attachment=True, download_name=file.file_name, etag=file.sha256
        )

    @evidence.route("/<sha256>", methods=["DELETE"])
    @evidence.response(204)
    @action("person.write")
    def erase(commune: str, task: str, sha256: str) -> None:
        """Erase a file and its name, as personal data must be erasable; its hash stays in the log."""
        must_see(commune, task)
        if not files.erase_evidence(tasks(), commune, task, sha256):
            raise Refused("unknown-evidence")

    return evidence


def uploaded() -> tuple[str, bytes]:
    """The name and bytes of the form's file. Refuses: none was sent."""
    file = flask.request.files.get("file")
    if file is None:
        raise Refused("file-required")
    return file.filename or "", file.read()
