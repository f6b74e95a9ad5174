"""Files that prove results: stored by their hash, handed out only to those who may see the task."""

from typing import Any

import flask

from services.tasks import evidence, queries
from services.tasks.api.request import PREFIX, known, service
from services.tasks.domain import refusals
from services.tasks.schemas import StoredEvidence
from shared.web.answers import as_json
from shared.web.auth import action, body_limit, principal
from shared.web.schema import Blueprint

FORM = 64 * 1024  # what a multipart form adds around its file, in bytes

blueprint = Blueprint("evidence", __name__, url_prefix=f"{PREFIX}/tasks/<task>/evidence", description="Minh chứng")


@blueprint.route("", methods=["POST"])
@blueprint.response(201, StoredEvidence)
@action("evidence.store")
@body_limit(evidence.MAX_EVIDENCE + FORM)
def store(commune: str, task: str) -> Any:
    """Store a file (part `file` of a form) for a task; the same file twice is one."""
    _must_see(commune, task)
    name, content = uploaded()
    return evidence.store_evidence(service(), commune, task, name, content)


@blueprint.route("")
@action("evidence.read")
def stored(commune: str, task: str) -> flask.Response:
    """The files stored for a task."""
    _must_see(commune, task)
    return as_json({"files": [file._asdict() for file in queries.evidence_files(service(), commune, task)]})


@blueprint.route("/<sha256>")
@action("evidence.read")
def download(commune: str, task: str, sha256: str) -> flask.Response:
    """A file, always to be saved and never to be shown in place."""
    _must_see(commune, task)
    kept = evidence.read_evidence(service(), commune, task, sha256)
    if kept is None:
        raise refusals.EVIDENCE_UNKNOWN()
    file, path = kept
    return flask.send_file(
        path, mimetype=file.media_type, as_attachment=True, download_name=file.file_name, etag=file.sha256
    )


@blueprint.route("/<sha256>", methods=["DELETE"])
@blueprint.response(204)
@action("person.write")
def erase(commune: str, task: str, sha256: str) -> None:
    """Erase a file and its name, as personal data must be erasable; its hash stays in the log."""
    _must_see(commune, task)
    if not evidence.erase_evidence(service(), commune, task, sha256):
        raise refusals.EVIDENCE_UNKNOWN()


def uploaded() -> tuple[str, bytes]:
    """The name and bytes of the form's file. Refuses: none was sent."""
    file = flask.request.files.get("file")
    if file is None:
        raise refusals.FILE_REQUIRED()
    return file.filename or "", file.read()


def _must_see(commune: str, task: str) -> None:
    """Raises Rejected 404. Refuses: who asks may not see the task, or is in no post."""
    known(queries.visible_task(service(), commune, principal(), task))
