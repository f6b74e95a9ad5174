"""Files of annexes and rosters: a dry run that records nothing, the file with its column "Lỗi", the confirmation."""

from io import BytesIO
from pathlib import PurePath
from typing import Any

import flask
import msgspec

from services.tasks import importing, views
from services.tasks.api import reading as read
from services.tasks.api.evidence import FORM, uploaded
from services.tasks.api.recording import PREFIX, answered, tasks
from services.tasks.importing import DryRun, Kind
from services.tasks.imports.archive import MAX_UPLOAD
from services.tasks.imports.sheets import is_workbook
from services.tasks.schemas import ImportForm, ImportQuery, Recorded
from shared.eventlog import reading
from shared.web.auth import action, body_limit, principal
from shared.web.idempotency import idempotency_key
from shared.web.schema import Blueprint

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint() -> Blueprint:
    imports = Blueprint("imports", __name__, url_prefix=f"{PREFIX}/imports", description="Nhập phụ lục, danh sách")

    @imports.route("/<any(annex, roster):kind>", methods=["POST"])
    @imports.arguments(ImportForm, location="form")
    @action("import.run")
    @body_limit(MAX_UPLOAD + FORM)
    def dry_run(form: dict[str, Any], commune: str, kind: Kind) -> flask.Response:
        """What confirming a file (part `file` of a form) would record, row by row. Records nothing."""
        name, content = uploaded()
        return read.answer(described(_run(commune, kind, content, name, form)))

    @imports.route("/<any(annex, roster):kind>/<sha256>")
    @imports.arguments(ImportQuery, location="query")
    @action("import.run")
    def again(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> flask.Response:
        """The dry run of a file that was sent before, as of now."""
        content = importing.kept_file(tasks(), commune, sha256)
        return read.answer(described(_run(commune, kind, content, "", query)))

    @imports.route("/<any(annex, roster):kind>/<sha256>/annotated")
    @imports.arguments(ImportQuery, location="query")
    @action("import.run")
    def annotated(query: dict[str, Any], commune: str, kind: Kind, sha256: str) -> flask.Response:
        """The file again, with a column "Lỗi" that says of each row what becomes of it."""
        content = importing.kept_file(tasks(), commune, sha256)
        found = _run(commune, kind, content, "", query)
        ending, media_type = (".xlsx", XLSX) if is_workbook(content) else (".csv", "text/csv")
        name = str(PurePath(f"{kind}-{sha256[:8]}-loi").with_suffix(ending))
        annotated = BytesIO(importing.annotated(content, found))
        return flask.send_file(annotated, mimetype=media_type, as_attachment=True, download_name=name)

    @imports.route("/<any(annex, roster):kind>/<sha256>/confirmation", methods=["POST"])
    @imports.arguments(ImportForm)
    @imports.response(200, Recorded)
    @action("import.confirm")
    def confirm(body: dict[str, Any], commune: str, kind: Kind, sha256: str) -> Any:
        """Record what the dry run says as of now, all of it or nothing; a file that brings nothing records nothing."""
        content = importing.kept_file(tasks(), commune, sha256)
        found = _run(commune, kind, content, "", body)
        done = importing.confirm(tasks(), principal(), commune, found, key=idempotency_key())
        return answered(done, f"import/{found.import_}")

    @imports.route("")
    @action("import.read")
    def confirmed(commune: str) -> flask.Response:
        """Every file that was confirmed, with its counts."""
        with reading(tasks().engine, commune) as connection:
            found = views.all_of(connection, commune, "import")
        return read.answer({"imports": [read.plain(one) for one in found]})

    return imports


def _run(commune: str, kind: Kind, content: bytes, name: str, said: dict[str, Any]) -> DryRun:
    return importing.dry_run(tasks(), commune, kind, content, name, directive=said.get("directive"))


def described(found: DryRun) -> dict[str, Any]:
    """A dry run as JSON: everything but the commands it leads to."""
    fields = (name for name in found.__struct_fields__ if name != "plan")
    return {name: msgspec.to_builtins(getattr(found, name)) for name in fields}
