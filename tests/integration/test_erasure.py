"""An erased person: after going through everything, the name and addresses are in no byte of the data folder."""

import base64
import contextlib
import io
import os
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import JSON, LargeBinary, MetaData, String

from cchc.cli import cli
from cchc.personal_data import EVERY
from cchc.services import SERVICES
from services.tasks import erasure, importing
from shared.web import sign_in
from shared.web.keys import mint
from tests.support.reminded import COMMUNE, SmallCommune

NAME = "Đỗ Thị Mật Qzxw"
EMAIL = "mat.qzxw@xa-nho.example"
PHONE = "0909qzxw01"
CHAT = "chat-qzxw-77"
CANARIES = (NAME, NAME.upper(), "Qzxw", EMAIL, PHONE, CHAT)
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


def found_in(folder: Path) -> list[tuple[str, str]]:
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
            (name, canary) for canary in CANARIES if any(form in raw for form in forms(canary) for raw in contents)
        ]
    return found


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    commune = SmallCommune(tmp_path / "data", "2024-01-02")
    yield commune
    commune.installation.close()


def live(commune: SmallCommune) -> None:
    """A life of p04 that leaves the name wherever the product keeps one."""
    tasks = commune.installation.web("tasks").test_client()
    notifications = commune.installation.web("notifications").test_client()
    base, office = f"/api/v1/tasks/communes/{COMMUNE}", bearer(commune, "p03", "office", "staff")
    for name in (f"{NAME} cũ", NAME):  # an earlier spelling is somewhere too
        contact = {"name": name, "email": EMAIL, "phone": PHONE}
        assert tasks.put(f"{base}/people/p04", json=contact, headers=office).status_code == 204
    own = bearer(commune, "p04", "staff")
    address = f"/api/v1/notifications/communes/{COMMUNE}/addresses/apprise"
    kept = notifications.put(address, json={"address": CHAT}, headers=own)
    assert kept.status_code < 300, kept.text
    roster = ROSTER.format(name=NAME, email=EMAIL).encode()
    importing.dry_run(commune.tasks, COMMUNE, "roster", roster, f"{NAME}.csv")
    commune.assign("báo cáo", lead="p04", due="2024-01-05")
    commune.to("2024-01-10 08:00")
    body = {"tasks": [commune.names["báo cáo"]], "signed_by": "p01"}
    issued = notifications.post(f"/api/v1/notifications/communes/{COMMUNE}/slips", json=body, headers=office)
    assert issued.status_code == 201, issued.text
    slip = issued.json["slips"][0]["slip"] if issued.json else ""
    document = notifications.get(f"/api/v1/notifications/communes/{COMMUNE}/slips/{slip}.docx", headers=office).data
    with zipfile.ZipFile(io.BytesIO(document)) as parts:
        assert "Qzxw" in parts.read("word/document.xml").decode()


def test_nothing_of_an_erased_person_is_left(commune: SmallCommune):
    data = commune.installation.settings.data
    live(commune)
    assert {"tasks.db", "notifications.db"} <= {name.removesuffix("-wal") for name, _ in found_in(data)}
    ran = CliRunner().invoke(cli, ["--data", str(data), "person", "erase", "p04"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    said = [line.split("\t") for line in ran.output.splitlines()]
    assert [line[1] for line in said if line[0].startswith(("họ tên", "địa chỉ", "bản lưu", "tệp danh"))] == ["1"] * 4
    assert "Qzxw" not in ran.output and "bản sao lưu" in ran.output
    assert found_in(data) == []
    again = CliRunner().invoke(cli, ["--data", str(data), "person", "erase", "p04"], catch_exceptions=False)
    assert again.exit_code == 0 and "\t1\t" not in again.output
    assert commune.installation.tasks.log.head(COMMUNE).position > 0


def test_the_route_erases_what_its_service_keeps(commune: SmallCommune):
    data = commune.installation.settings.data
    live(commune)
    client = commune.installation.web("tasks").test_client()
    office = bearer(commune, "p03", "office", "staff")
    assert client.delete(f"/api/v1/tasks/communes/{COMMUNE}/people/p04", headers=office).status_code == 204
    left = {name.partition("/")[0].removesuffix("-wal").removesuffix("-shm") for name, _ in found_in(data)}
    assert left == {"notifications.db"}


def test_an_upload_stays_for_a_day(commune: SmallCommune):
    roster = ROSTER.format(name=NAME, email=EMAIL).encode()
    run = importing.dry_run(commune.tasks, COMMUNE, "roster", roster, "danh-sach.csv")
    assert erasure.expire_uploads(commune.tasks) == 0
    [kept] = [file for file in (commune.tasks.evidence / COMMUNE / "imports").glob("*/*") if file.is_file()]
    long_ago = time.time() - erasure.UPLOAD_LIFETIME_S - 1
    os.utime(kept, (long_ago, long_ago))
    importing.dry_run(commune.tasks, COMMUNE, "roster", roster, "danh-sach.csv")  # looked at again: another day
    assert erasure.expire_uploads(commune.tasks) == 0 and importing.kept_file(commune.tasks, COMMUNE, run.sha256)
    os.utime(kept, (long_ago, long_ago))
    assert erasure.expire_uploads(commune.tasks) == 1 and not kept.exists()


def test_every_column_says_what_it_holds_of_a_person(commune: SmallCommune):
    declared = [(table, column) for kind in EVERY for table, columns in kind.items() for column in columns]
    assert len(declared) == len(set(declared))
    found = {(table.name, column.name) for table in sign_in.metadata.sorted_tables for column in table.columns}
    found -= {("sign_in_codes", "expires")}
    for service in SERVICES:
        stored = MetaData()
        stored.reflect(commune.installation.engine(service))
        for table in stored.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, String | LargeBinary | JSON):
                    found.add((table.name, column.name))
    assert sorted(found) == sorted(declared)
