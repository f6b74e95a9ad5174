"""Files of annexes and rosters: a dry run that records nothing, the file with its column "Lỗi", the confirmation."""

from io import BytesIO
from pathlib import PurePath
from typing import Any

import flask
import msgspec

from services.tasks import importing
from services.tasks.api.changes import recorded
from services.tasks.api.evidence import FORM, uploaded
from services.tasks.api.request import PREFIX, answer_all, service
from services.tasks.importing import DryRun, Kind
from services.tasks.imports.archive import MAX_UPLOAD
from services.tasks.imports.sheets import is_workbook
from services.tasks.schemas import ConfirmImportBody, ImportForm, ImportQuery, Recorded
from shared.web.answers import XLSX, as_json
from shared.web.auth import action, body_limit, principal
from shared.web.idempotency import idempotency_key
from shared.web.schema import Blueprint

blueprint = Blueprint("imports", __name__, url_prefix=f"{PREFIX}/imports", description="Nhập phụ lục, danh sách")


@blueprint.route("/<any(annex, roster):kind>", methods=["POST"])
@blueprint.arguments(ImportForm, location="form")
@action("import.run")
@body_limit(MAX_UPLOAD + FORM)
def dry_run(form: dict[str, Any], commune: str, kind: Kind) -> flask.Response:
    """What confirming a file (part `file` of a form) would record, row by row. Records nothing."""
    name, content = uploaded()
    return as_json(described(_run(commune, kind, content, name, form)))


@blueprint.route("/<any(annex, roster):kind>/<sha256>")
@blueprint.arguments(ImportQuery, location="query")
@action("import.run")
def again(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> flask.Response:
    """The dry run of a file that was sent before, as of now."""
    content = importing.kept_file(service(), commune, sha256)
    return as_json(described(_run(commune, kind, content, "", query)))


@blueprint.route("/<any(annex, roster):kind>/<sha256>/annotated")
@blueprint.arguments(ImportQuery, location="query")
@action("import.run")
def annotated(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> flask.Response:
    """The file again, with a column "Lỗi" that says of each row what becomes of it."""
    content = importing.kept_file(service(), commune, sha256)
    run = _run(commune, kind, content, "", query)
    ending, media_type = (".xlsx", XLSX) if is_workbook(content) else (".csv", "text/csv")
    name = str(PurePath(f"{kind}-{sha256[:8]}-loi").with_suffix(ending))
    file = BytesIO(importing.annotated(content, run))
    return flask.send_file(file, mimetype=media_type, as_attachment=True, download_name=name)


@blueprint.route("/<any(annex, roster):kind>/<sha256>/confirmation", methods=["POST"])
@blueprint.arguments(ConfirmImportBody)
@blueprint.response(200, Recorded)
@action("import.confirm")
def confirm(body: dict[str, Any], commune: str, kind: Kind, sha256: str) -> Any:
    """Record what the dry run says as of now, all of it or nothing; a file that brings nothing records nothing."""
    content = importing.kept_file(service(), commune, sha256)
    run = _run(commune, kind, content, "", body)
    done = importing.confirm(service(), principal(), commune, run, by=body.get("by"), key=idempotency_key())
    return recorded(done, "import", otherwise=f"import/{run.import_}")


@blueprint.route("")
@action("import.read")
def confirmed(commune: str) -> flask.Response:
    """Every file that was confirmed, with its counts."""
    return answer_all(commune, "import", "imports")


def _run(commune: str, kind: Kind, content: bytes, name: str, sent: dict[str, Any]) -> DryRun:
    return importing.dry_run(service(), commune, kind, content, name, directive=sent.get("directive"))


def described(run: DryRun) -> dict[str, Any]:
    """A dry run as JSON: everything but the commands it leads to."""
    fields = (name for name in run.__struct_fields__ if name != "plan")
    return {name: msgspec.to_builtins(getattr(run, name)) for name in fields}
