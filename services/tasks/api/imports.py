"""Files of annexes and rosters: a dry run that records nothing, the file with its column "Lỗi", the confirmation."""

from io import BytesIO
from pathlib import PurePath
from typing import Any

import flask
import msgspec

from services.tasks import answers, importing
from services.tasks.api.changes import recorded
from services.tasks.api.evidence import FORM, uploaded
from services.tasks.api.request import PREFIX, answer_all, service
from services.tasks.importing import DryRun, Kind
from services.tasks.imports.cells import MAX_UPLOAD, is_workbook
from services.tasks.schemas import ConfirmImportBody, ImportForm, ImportQuery, Recorded
from shared.sandbox.running import Content
from shared.web.answers import XLSX, answer_of
from shared.web.auth import action, body_limit, principal
from shared.web.idempotency import idempotency_key
from shared.web.openapi import ETAG, FILE_NAME, KEY, POSITION
from shared.web.schema import Blueprint

blueprint = Blueprint("imports", __name__, url_prefix=f"{PREFIX}/imports", description="Nhập phụ lục, danh sách")


@blueprint.route("/<any(annex, roster):kind>", methods=["POST"])
@blueprint.arguments(ImportForm, location="form")
@blueprint.uploads("file", form=ImportForm)
@blueprint.answers(200, answers.DryRunAnswer)
@action("import.run")
@body_limit(MAX_UPLOAD + FORM)
def dry_run_import(form: dict[str, Any], commune: str, kind: Kind) -> msgspec.Struct:
    """What confirming a file (part `file` of a form) would record, row by row. Records nothing."""
    name, content = uploaded()
    return answer_of(answers.DryRunAnswer, _run(commune, kind, content, name, form))


@blueprint.route("/<any(annex, roster):kind>/<sha256>")
@blueprint.arguments(ImportQuery, location="query")
@blueprint.answers(200, answers.DryRunAnswer)
@action("import.run")
def repeat_dry_run(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> msgspec.Struct:
    """The dry run of a file that was sent before, as of now."""
    with importing.kept_file(service(), commune, sha256) as content:
        return answer_of(answers.DryRunAnswer, _run(commune, kind, content, "", query))


@blueprint.route("/<any(annex, roster):kind>/<sha256>/annotated")
@blueprint.arguments(ImportQuery, location="query")
@blueprint.answers(200, media=XLSX, headers=[FILE_NAME])
@blueprint.answers(200, media="text/csv", headers=[FILE_NAME], description="A file of the kind that was sent.")
@action("import.run")
def annotate_import(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> flask.Response:
    """The file again, with a column "Lỗi" that says of each row what becomes of it."""
    with importing.kept_file(service(), commune, sha256) as content:
        run = _run(commune, kind, content, "", query)
        ending, media_type = (".xlsx", XLSX) if is_workbook(content.read(4)) else (".csv", "text/csv")
        file = BytesIO(importing.annotated(content, run))
    name = str(PurePath(f"{kind}-{sha256[:8]}-loi").with_suffix(ending))
    return flask.send_file(file, mimetype=media_type, as_attachment=True, download_name=name)


@blueprint.route("/<any(annex, roster):kind>/<sha256>/confirmation", methods=["POST"])
@blueprint.arguments(ConfirmImportBody)
@blueprint.answers(200, Recorded, headers=[ETAG, POSITION])
@blueprint.takes(KEY)
@action("import.confirm")
def confirm_import(body: dict[str, Any], commune: str, kind: Kind, sha256: str) -> Any:
    """Record what the dry run says as of now, all of it or nothing; a file that brings nothing records nothing."""
    with importing.kept_file(service(), commune, sha256) as content:
        run = _run(commune, kind, content, "", body)
    done = importing.confirm(service(), principal(), commune, run, by=body.get("by"), key=idempotency_key())
    return recorded(done, "import", otherwise=f"import/{run.import_}")


@blueprint.route("")
@blueprint.answers(200, answers.Imports)
@action("import.read")
def list_imports(commune: str) -> msgspec.Struct:
    """Every file that was confirmed, with its counts."""
    return answer_all(commune, "import", answers.ImportState, answers.Imports)


def _run(commune: str, kind: Kind, content: Content, name: str, sent: dict[str, Any]) -> DryRun:
    return importing.dry_run(
        service(),
        commune,
        kind,
        content,
        name,
        directive=sent.get("directive"),
        sender=principal().staff,
        by=sent.get("by"),
    )
