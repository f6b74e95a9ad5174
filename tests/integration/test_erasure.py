"""An erased person: after going through everything, the name and addresses are in no byte of the data folder."""

import base64
import contextlib
import io
import json
import os
import socket
import tempfile
import threading
import time
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import JSON, LargeBinary, MetaData, String, Table, delete, text, update
from werkzeug.serving import make_server

from cchc.cli import cli
from cchc.installation import Installation
from cchc.personal_data import ERASED, EVERY
from cchc.services import SERVICES
from cchc.settings import Settings, WrongSetting
from services.notifications.tables import slip_files, slips
from services.tasks import erasure, importing
from services.tasks.app import create_web
from services.tasks.elsewhere import over_http
from services.tasks.tables import people
from shared.eventlog import open_database, utcnow, writing
from shared.events import parse_time
from shared.journal import Wanted, entries, kinds
from shared.web import sign_in
from shared.web.keys import mint
from tests.support.deployed import deployed_on
from tests.support.evidence import pdf
from tests.support.logged import logged
from tests.support.mail import Postbox, smtp_server
from tests.support.reminded import COMMUNE, SmallCommune

NAME = "Đỗ Thị Mật Qzxw"
EMAIL = "mat.qzxw@xa-nho.example"
PHONE = "0909qzxw01"
CHAT = "chat-qzxw-77"
# As the person was called before; nothing of it is in the present name.
FORMER = "Hồ Văn Xjvwk"
CANARIES = (NAME, NAME.upper(), "Qzxw", EMAIL, PHONE, CHAT, FORMER, "Xjvwk")
ROSTER = "Mã;Họ và tên;Chức vụ;Nhóm;Email;Từ ngày\np77;{name};Công chức;Công chức;{email};01/01/2024\n"


def bearer(commune: SmallCommune, staff: str, *roles: str) -> dict[str, str]:
    key, lifetime = commune.installation.signing_key, timedelta(minutes=5)
    token = mint(key, sub=f"staff/{staff}", commune=COMMUNE, roles=list(roles), lifetime=lifetime)
    return {"Authorization": f"Bearer {token}"}


def forms(text: str) -> Iterator[bytes]:
    """The bytes by which a text may stand in a file."""
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            yield written.encode(encoding)
        raw = written.encode()
        yield "".join(f"={byte:02X}" if byte > 126 or byte == 61 else chr(byte) for byte in raw).encode()
        for skipped in range(3):  # wherever in the stream of base64 it begins
            coded = base64.b64encode(b"\0" * skipped + raw)
            if len(coded) > 16:  # what is left of a shorter one would be found anywhere
                yield coded[4 * bool(skipped) : -4]


def found_in(folder: Path, canaries: Sequence[str] = CANARIES) -> list[tuple[str, str]]:
    """Files that hold a canary, in their raw bytes or in the parts of an archive that lies anywhere in them."""
    found = []
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        raw = file.read_bytes()
        contents = [raw]
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(raw)) as parts:
            contents += [parts.read(part) for part in parts.namelist()]
        name = str(file.relative_to(folder))
        found += [
            (name, canary) for canary in canaries if any(form in raw for form in forms(canary) for raw in contents)
        ]
    return found


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    commune = SmallCommune(tmp_path / "data", "2024-01-02")
    yield commune
    commune.installation.close()


@dataclass(frozen=True)
class Lived:
    """A commune whose p04 has left a trace wherever the product may keep one; `said` is what its processes logged."""

    commune: SmallCommune
    environment: dict[str, str]
    said: io.StringIO
    postbox: Postbox

    @property
    def data(self) -> Path:
        return self.commune.installation.settings.data

    def cchc(self, *arguments: str) -> str:
        command = ["--data", str(self.data), *arguments]
        ran = CliRunner().invoke(cli, command, env=self.environment, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def lived(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lived]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with contextlib.ExitStack() as stack:
        postbox, said = stack.enter_context(smtp_server()), stack.enter_context(logged())
        environment = {
            "CCHC_SMTP": f"smtp://127.0.0.1:{postbox.port}",
            "CCHC_MAIL_FROM": "UBND <van-phong@xa-nho.example>",
        }
        if request.param == "postgresql":
            deployed = stack.enter_context(deployed_on(request.getfixturevalue("private_postgres")))
            environment |= deployed.environment("worker")
        commune = SmallCommune(tmp_path / "data", "2024-01-02", (2024,), **environment)
        stack.callback(commune.installation.close)
        live(commune)
        commune.look()
        yield Lived(commune, environment, said, postbox)


def live(commune: SmallCommune) -> None:
    """A life of p04 that leaves the name wherever the product keeps one."""
    tasks = commune.installation.web("tasks").test_client()
    notifications = commune.installation.web("notifications").test_client()
    base, office = f"/api/v1/tasks/communes/{COMMUNE}", bearer(commune, "p03", "office", "staff")

    def call(*names: str) -> None:
        for name in names:
            contact = {"name": name, "email": EMAIL, "phone": PHONE}
            assert tasks.put(f"{base}/people/p04", json=contact, headers=office).status_code == 204

    def issue(task: str, name: str) -> None:
        body = {"tasks": [commune.names[task]], "signed_by": "p01"}
        issued = notifications.post(f"/api/v1/notifications/communes/{COMMUNE}/slips", json=body, headers=office)
        assert issued.status_code == 201, issued.text
        slip = issued.json["slips"][0]["slip"] if issued.json else ""
        document = notifications.get(f"/api/v1/notifications/communes/{COMMUNE}/slips/{slip}.docx", headers=office).data
        with zipfile.ZipFile(io.BytesIO(document)) as parts:
            assert name in parts.read("word/document.xml").decode()

    call(FORMER)
    own = bearer(commune, "p04", "staff")
    address = f"/api/v1/notifications/communes/{COMMUNE}/addresses/apprise"
    kept = notifications.put(address, json={"address": CHAT}, headers=own)
    assert kept.status_code < 300, kept.text
    roster = ROSTER.format(name=NAME, email=EMAIL).encode()
    importing.dry_run(commune.tasks, COMMUNE, "roster", roster, f"{NAME}.csv")
    for task in ("báo cáo", "tổng hợp"):
        commune.assign(task, lead="p04", due="2024-01-05")
    commune.to("2024-01-10 08:00")
    issue("tổng hợp", FORMER)
    call(f"{NAME} cũ", NAME)  # an earlier spelling is somewhere too
    commune.to("2024-01-10 08:05")
    issue("báo cáo", NAME)


def in_databases(lived: Lived) -> list[str]:
    """Places of PostgreSQL's files that hold a canary: of tables, their indexes and statistics, not of its log."""
    server = open_database(lived.environment["CCHC_OWNER_TASKS"].replace("tasks_owner", "cchc"))
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        connection.execute(text("CHECKPOINT"))
    server.dispose()
    if not folder.exists():
        pytest.skip("the server is in a container, its files are not here")
    return [place for place, _ in found_in(folder / "base")]


def test_nothing_of_an_erased_person_is_left(lived: Lived, tmp_path: Path):
    commune, data = lived.commune, lived.data
    assert lived.postbox.raw, "a mail went out"
    on_postgresql = commune.tasks.engine.dialect.name == "postgresql"
    if on_postgresql:
        for service in ("tasks", "notifications"):
            owner = commune.installation.owner(service)
            with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE"))  # as it does by itself after a while
        assert in_databases(lived)
    else:
        assert {"tasks.db", "notifications.db"} <= {name.removesuffix("-wal") for name, _ in found_in(data)}
    output = lived.cchc("person", "erase", "p04")
    said = [line.split("\t") for line in output.splitlines()]
    counts = [line[1] for line in said if line[0].startswith(("họ tên", "địa chỉ", "bản lưu", "tệp danh"))]
    assert counts == ["1", "1", "2", "1"]
    assert "Qzxw" not in output and "Xjvwk" not in output and "bản sao lưu" in output
    assert found_in(data) == []
    if on_postgresql:
        assert in_databases(lived) == [] and "WAL" in output
    assert "\t1\t" not in lived.cchc("person", "erase", "p04")

    lived.cchc("backup", str(tmp_path / "after.zip"))
    lived.cchc("audit-bundle", "--commune", COMMUNE, "--year", "2024", "-o", str(tmp_path / "bundle.zip"))
    (tmp_path / "journal.json").write_text(lived.cchc("journal", "--json", "--limit", "10000"))
    (tmp_path / "log.txt").write_text(lived.said.getvalue())
    for service in SERVICES:
        client = commune.installation.web(service).test_client()
        (tmp_path / f"{service}.metrics").write_text(client.get("/metrics").text)
        # A topic holds the same bytes.
        (tmp_path / f"{service}.jsonl").write_text(lived.cchc("export-log", service))
    assert found_in(tmp_path) == []


# As people and scanners write a name in the name of a file.
FILE_NAMES = (
    f"Bản cam kết của {NAME}.pdf",
    "do-thi-mat-qzxw.pdf",
    "ĐỗThịMậtQzxw.pdf",
    "Đỗ_Thị_Mật_Qzxw.pdf",
    "DOTHIMATQZXW.pdf",
    "đỗ thị mật qzxw (1).pdf",
    unicodedata.normalize("NFD", f"{NAME} 2.pdf"),
    "Ho.Van.Xjvwk.pdf",
)


def test_evidence_named_after_a_person_is_listed_for_somebody_to_look_at(lived: Lived):
    commune = lived.commune
    client = commune.installation.web("tasks").test_client()
    office, stored = bearer(commune, "p03", "office", "staff"), {}
    tasks: dict[str, str] = {}
    for number, name in enumerate((*FILE_NAMES, "bao-cao.pdf")):
        commune.assign(f"số {number}", lead="p05", due="2024-02-05")
        tasks[name] = commune.names[f"số {number}"]
        path = f"/api/v1/tasks/communes/{COMMUNE}/tasks/{tasks[name]}/evidence"
        sent = client.post(path, data={"file": (io.BytesIO(pdf(f"Trang {number}")), name)}, headers=office)
        assert sent.status_code == 201, sent.text
        stored[name] = f"{path}/{(sent.json or {})['sha256']}"
    output = lived.cchc("person", "erase", "p04")
    assert [name for name in tasks if tasks[name] in output] == [*FILE_NAMES]
    for name in FILE_NAMES:
        assert client.delete(stored[name], headers=office).status_code == 204
    lived.cchc("person", "erase", "p04")
    assert found_in(lived.data, (*CANARIES, "QZXW", "qzxw", "xjvwk")) == []
    if lived.commune.tasks.engine.dialect.name == "postgresql":
        assert in_databases(lived) == []


def test_a_unit_named_after_a_person_is_listed_for_somebody_to_look_at(lived: Lived):
    client = lived.commune.installation.web("tasks").test_client()
    chair = bearer(lived.commune, "p01", "chair", "office")
    path = f"/api/v1/tasks/communes/{COMMUNE}/units/to-mot"
    body = {"kind": "area", "valid_from": "2024-01-02"}
    made = client.put(path, json=body | {"name": f"Tổ của {NAME}"}, headers=chair | {"If-None-Match": "*"})
    assert made.status_code == 200, made.text
    [row] = [line for line in lived.cchc("person", "erase", "p04").splitlines() if "tên bộ phận" in line]
    assert "to-mot" in row
    other = client.put(path, json=body | {"name": "Tổ Một"}, headers=chair | {"If-Match": made.headers["ETag"]})
    assert other.status_code == 200, other.text
    lived.cchc("person", "erase", "p04")
    assert found_in(lived.data) == []
    if lived.commune.tasks.engine.dialect.name == "postgresql":
        assert in_databases(lived) == []


def test_a_restore_brings_back_nobody_who_was_erased_after_the_backup(lived: Lived, tmp_path: Path):
    """The journal of the present says who and what, without names."""
    client = lived.commune.installation.web("tasks").test_client()
    office, task = bearer(lived.commune, "p03", "office", "staff"), lived.commune.names["báo cáo"]
    path = f"/api/v1/tasks/communes/{COMMUNE}/tasks/{task}/evidence"
    file = (io.BytesIO(pdf(NAME)), f"Bản cam kết của {NAME}.pdf")
    stored = client.post(path, data={"file": file}, headers=office).json or {}
    lived.cchc("backup", str(tmp_path / "before.zip"))
    lived.cchc("person", "erase", "p04")
    assert client.delete(f"{path}/{stored['sha256']}", headers=office).status_code == 204
    lived.cchc("person", "erase", "p04")
    lived.commune.installation.close()
    assert found_in(lived.data) == []
    output = lived.cchc("restore", str(tmp_path / "before.zip"))
    assert "đã được xóa lại" in output and "tasks 2" in output and "notifications 3" in output
    assert found_in(lived.data) == []
    if lived.environment.get("CCHC_OWNER_TASKS"):
        assert in_databases(lived) == []
    [restored] = [
        row["row"]
        for row in json.loads(lived.cchc("journal", "--kind", "backup.restored", "--json"))
        if row["service"] == "tasks"
    ]
    assert restored["detail"]["erased_again"] == 2
    again = Installation(Settings.from_environment(lived.environment, lived.data))
    assert "Người p05" in {contact.name for contact in again.channels.directory(COMMUNE).values()}, "others came back"
    again.close()


def test_a_restore_that_cannot_know_what_was_erased_says_so(commune: SmallCommune, tmp_path: Path):
    data = commune.installation.settings.data
    live(commune)

    def cchc(*arguments: str) -> str:
        ran = CliRunner().invoke(cli, ["--data", str(data), *arguments], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output

    cchc("backup", str(tmp_path / "before.zip"))
    cchc("person", "erase", "p04")
    commune.installation.close()
    output = cchc("restore", str(tmp_path / "before.zip"), "--without", "tasks")
    assert "Không còn sổ truy vết của tasks" in output and "cchc person erase" in output
    assert "before-restore-" in cchc("person", "erase", "p04")


@pytest.mark.parametrize("in_the_log", [True, False])
def test_a_slip_of_a_release_that_did_not_keep_whom_it_names_is_found(commune: SmallCommune, in_the_log: bool):
    """By what the log says of it; where that says nothing, by the names that the person has, or had."""
    live(commune)
    with writing(commune.notifications.engine, COMMUNE) as connection:
        connection.execute(update(slip_files).values(people=None))
        if not in_the_log:
            connection.execute(delete(slips))
    if in_the_log:  # under which name a document was written does not matter then
        with writing(commune.tasks.engine, COMMUNE) as connection:
            connection.execute(update(people).values(name="Người khác", former_names=None))
    ran = CliRunner().invoke(cli, ["--data", str(commune.installation.settings.data), "person", "erase", "p04"])
    assert ran.exit_code == 0, ran.output
    assert found_in(commune.installation.settings.data) == []


def test_slips_of_others_stay(commune: SmallCommune):
    live(commune)
    commune.assign("khác", lead="p05", due="2024-01-05")
    office = bearer(commune, "p03", "office", "staff")
    path = f"/api/v1/notifications/communes/{COMMUNE}/slips"
    client = commune.installation.web("notifications").test_client()
    commune.look()
    issued: Any = client.post(path, json={"tasks": [commune.names["khác"]], "signed_by": "p01"}, headers=office).json
    assert erasure.erase_everywhere(commune.tasks, COMMUNE, "p04").slips == 2
    kept = f"{path}/{issued['slips'][0]['slip']}.docx"
    assert client.get(kept, headers=office).status_code == 200
    # Whoever signed it is named by it too.
    assert erasure.erase_everywhere(commune.tasks, COMMUNE, "p01").slips == 1
    assert client.get(kept, headers=office).status_code == 410


@pytest.mark.parametrize("kind", [kind for kind in kinds.KINDS if kind.endswith((".erased", ".removed"))])
def test_every_erasure_can_be_made_again(commune: SmallCommune, kind: str):
    if kind == kinds.UPLOADS_ERASED.code:
        assert kind not in ERASED, "uploads are files"
        return
    table, columns = ERASED[kind]
    found = {name: table_of(commune, name) for name in SERVICES}
    [stored] = [tables[table] for tables in found.values() if table in tables]
    assert {"commune", *columns} <= {column.name for column in stored.columns}


def table_of(commune: SmallCommune, service: str) -> Mapping[str, Table]:
    stored = MetaData()
    stored.reflect(commune.installation.engine(service))
    return stored.tables


def test_the_route_erases_what_every_service_keeps(commune: SmallCommune):
    data = commune.installation.settings.data
    live(commune)
    client = commune.installation.web("tasks").test_client()
    office = bearer(commune, "p03", "office", "staff")
    assert client.delete(f"/api/v1/tasks/communes/{COMMUNE}/people/p04", headers=office).status_code == 204
    assert found_in(data) == []
    for service, kind in (
        ("tasks", "person.erased"),
        ("notifications", "address.erased"),
        ("notifications", "slips.erased"),
    ):
        [row] = entries(commune.installation.engine(service), COMMUNE, Wanted(kind=kind))
        assert row.actor == "staff/p03"


@contextlib.contextmanager
def deployed(commune: SmallCommune) -> Iterator[FlaskClient]:
    """The tasks service of a deployment, which reaches notifications over HTTP alone."""
    server = make_server("127.0.0.1", 0, commune.installation.web("notifications"), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        elsewhere = over_http(f"http://127.0.0.1:{server.port}/api/v1/notifications")
        tasks = msgspec.structs.replace(commune.installation.tasks, erase_elsewhere=elsewhere)
        yield create_web(tasks, commune.installation.verifier).test_client()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_deployed_the_route_asks_the_other_service_in_the_name_of_who_asks(commune: SmallCommune):
    data = commune.installation.settings.data
    live(commune)
    path = f"/api/v1/tasks/communes/{COMMUNE}/people/p04"
    with deployed(commune) as client:
        assert client.delete(path, headers=bearer(commune, "p04", "staff")).status_code == 403
        assert client.delete(path, headers=bearer(commune, "p03", "office", "staff")).status_code == 204
    assert found_in(data) == []
    [row] = entries(commune.installation.engine("notifications"), COMMUNE, Wanted(kind="slips.erased"))
    assert row.actor == "staff/p03"


def test_while_the_other_service_is_away_nothing_is_erased_and_who_can_is_said(commune: SmallCommune):
    live(commune)
    path = f"/api/v1/tasks/communes/{COMMUNE}/people"
    office = bearer(commune, "p03", "office", "staff")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1/notifications"
    tasks = msgspec.structs.replace(commune.installation.tasks, erase_elsewhere=over_http(address))
    client = create_web(tasks, commune.installation.verifier).test_client()
    refused = client.delete(f"{path}/p04", headers=office)
    problem: Any = refused.json
    assert (refused.status_code, problem["code"]) == (503, "erasure-elsewhere")
    assert "cchc person erase p04" in problem["detail"] and "Qzxw" not in refused.text
    listed: Any = client.get(path, headers=office).json
    people = listed["people"]
    assert NAME in {each["name"] for each in people}, "the name finds the slips at the next attempt"
    assert commune.installation.web("tasks").test_client().delete(f"{path}/p04", headers=office).status_code == 204
    assert found_in(commune.installation.settings.data) == []


@pytest.mark.parametrize("hours", [None, 2])
def test_an_upload_stays_as_long_as_the_preview_says(tmp_path: Path, hours: int | None):
    setting = {"CCHC_UPLOAD_HOURS": str(hours)} if hours else {}
    commune = SmallCommune(tmp_path / "data", "2024-01-02", (2024,), **setting)
    lifetime_s = 3600 * (hours or 24)
    roster = ROSTER.format(name=NAME, email=EMAIL).encode()
    before = utcnow()
    run = importing.dry_run(commune.tasks, COMMUNE, "roster", roster, "danh-sach.csv")
    assert abs((parse_time(run.kept_until) - before).total_seconds() - lifetime_s) < 60
    client = commune.installation.web("tasks").test_client()
    shown = client.get(
        f"/api/v1/tasks/communes/{COMMUNE}/imports/roster/{run.sha256}", headers=bearer(commune, "p03", "office")
    )
    answer: Any = shown.json
    assert parse_time(answer["kept_until"]) >= parse_time(run.kept_until)
    assert erasure.expire_uploads(commune.tasks) == 0
    [kept] = [file for file in (commune.tasks.evidence / COMMUNE / "imports").glob("*/*") if file.is_file()]
    long_ago = time.time() - lifetime_s - 1
    os.utime(kept, (long_ago, long_ago))
    importing.dry_run(commune.tasks, COMMUNE, "roster", roster, "danh-sach.csv")  # looked at again: another day
    assert erasure.expire_uploads(commune.tasks) == 0
    importing.kept_file(commune.tasks, COMMUNE, run.sha256).close()
    os.utime(kept, (long_ago, long_ago))
    assert erasure.expire_uploads(commune.tasks) == 1 and not kept.exists()
    commune.installation.close()


@pytest.mark.parametrize("written", ["0", "721", "-1", "một ngày", "1.5", "²"])
def test_a_time_that_is_none_is_refused(written: str):
    with pytest.raises(WrongSetting, match="CCHC_UPLOAD_HOURS"):
        Settings.from_environment({"CCHC_UPLOAD_HOURS": written}, Path("data"))


def test_every_column_says_what_it_holds_of_a_person(commune: SmallCommune):
    declared = [(table, column) for kind in EVERY for table, columns in kind.items() for column in columns]
    assert len(declared) == len(set(declared))
    found = {(table.name, column.name) for table in sign_in.metadata.sorted_tables for column in table.columns}
    found -= {("sign_in_codes", "expires")}
    for service in SERVICES:
        for table in table_of(commune, service).values():
            for column in table.columns:
                if isinstance(column.type, String | LargeBinary | JSON):
                    found.add((table.name, column.name))
    assert sorted(found) == sorted(declared)
