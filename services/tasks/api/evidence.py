"""Files that prove results: stored by their hash, handed out only to those who may see the task."""

from typing import BinaryIO, cast

import flask
import msgspec

from services.tasks import answers, evidence, queries
from services.tasks.api.request import PREFIX, known, service
from services.tasks.domain import refusals
from services.tasks.inspection.kinds import named
from shared import journal
from shared.events import Evidence
from shared.journal import kinds
from shared.text import fault
from shared.web.auth import action, body_limit, principal
from shared.web.openapi import ETAG, FILE_NAME
from shared.web.problems import Invalid
from shared.web.schema import Blueprint

FORM = 64 * 1024  # what a multipart form adds around its file, in bytes

blueprint = Blueprint("evidence", __name__, url_prefix=f"{PREFIX}/tasks/<task>/evidence", description="Minh chứng")


@blueprint.route("", methods=["POST"])
@blueprint.answers(201, Evidence)
@blueprint.uploads("file")
@action("evidence.store")
@body_limit(evidence.MAX_EVIDENCE + FORM)
def store_evidence(commune: str, task: str) -> Evidence:
    """Store a file (part `file` of a form) for a task; the same file twice is one."""
    _must_see(commune, task)
    name, content = uploaded()
    return evidence.store_evidence(service(), commune, task, name, content)


@blueprint.route("")
@blueprint.answers(200, answers.Files)
@action("evidence.read")
def list_evidence(commune: str, task: str) -> msgspec.Struct:
    """The files stored for a task."""
    _must_see(commune, task)
    return answers.Files(files=answers.files(queries.evidence_files(service(), commune, task)))


@blueprint.route("/<sha256>")
@blueprint.answers(200, media="*/*", headers=[ETAG, FILE_NAME], description="The file as it was stored.")
@action("evidence.read")
def download_evidence(commune: str, task: str, sha256: str) -> flask.Response:
    """A file, always to be saved and never to be shown in place, under an ending of the kind that was found."""
    _must_see(commune, task)
    kept = evidence.read_evidence(service(), commune, task, sha256)
    if kept is None:
        raise refusals.EVIDENCE_UNKNOWN()
    file, path = kept
    journal.seen(service().engine, commune, kinds.EVIDENCE_READ, [f"task/{task}", f"sha256/{sha256}"])
    return flask.send_file(
        path,
        mimetype=file.media_type,
        as_attachment=True,
        download_name=named(file.file_name, file.media_type),
        etag=file.sha256,
    )


@blueprint.route("/<sha256>", methods=["DELETE"])
@blueprint.answers(204)
@action("person.write")
def erase_evidence(commune: str, task: str, sha256: str) -> None:
    """Erase a file and its name, as personal data must be erasable; its hash stays in the log. Not of one's own task:
    the result rests on it."""
    known(queries.task_of_others(service(), commune, principal(), task))
    if not evidence.erase_evidence(service(), commune, task, sha256):
        raise refusals.EVIDENCE_UNKNOWN()


def uploaded() -> tuple[str, BinaryIO]:
    """The name and content of the form's file. Raises Invalid for a name that is no text. Refuses: none was sent."""
    file = flask.request.files.get("file")
    if file is None:
        raise refusals.FILE_REQUIRED()
    name = file.filename or ""
    if wrong := fault(name):
        raise Invalid({"file": [wrong]}, "files")
    return name, cast(BinaryIO, file.stream)


def _must_see(commune: str, task: str) -> None:
    """Raises Rejected 404. Refuses: who asks may not see the task, or is in no post."""
    known(queries.visible_task(service(), commune, principal(), task))
