"""At no door does a name become an id of something new, which would stay in the log for ever (G21)."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cchc.cli import cli
from shared.refusal import Refused
from shared.web.keys import mint
from tests.support.reminded import COMMUNE, SmallCommune

CANARY = "Kanarix4"
NAME = f"{CANARY} Văn A"
SINCE = "2024-01-02"
APPOINTMENT = {"category": "cong_chuc", "roles": ["staff"], "post": "Công chức", "unit": COMMUNE, "valid_from": SINCE}
DISCIPLINE = {
    "act_date": SINCE, "decision_date": SINCE, "of": "party", "form": "khien_trach", "public_duty": False,
    "degradation": False,
}  # fmt: skip
OPENED = {"name": "Xã Mới", "code": "1", "valid_from": SINCE}
RULE = {
    "rule": "due-1", "base": "due", "offset_days": -1, "audience": ["lead"], "urgency": "digest", "channels": ["inbox"],
}  # fmt: skip
POLICY = {"rules": [RULE], "quiet": {"spans": []}, "digest": {}, "reason": "Quy chế"}
TASKS, REMINDING = f"/api/v1/tasks/communes/{COMMUNE}", f"/api/v1/notifications/communes/{COMMUNE}"

SENT: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", f"{TASKS}/staff/{NAME}/appointment", APPOINTMENT),
    ("POST", f"{TASKS}/staff/p50/appointment", APPOINTMENT | {"similar_group": NAME}),
    ("POST", f"{TASKS}/staff/p05/change", {"valid_from": SINCE, "similar_group": NAME}),
    ("POST", f"{TASKS}/staff/p05/absences", {"absence": NAME, "kind": "unpaid", "from": SINCE}),
    ("POST", f"{TASKS}/staff/p05/disciplines", DISCIPLINE | {"act": NAME}),
    ("PUT", f"{TASKS}/units/{NAME}", {"kind": "area", "valid_from": SINCE}),
    ("POST", f"{TASKS}/settings", {"settings": {NAME: 1}, "reason": "Quy chế"}),
    ("POST", f"{TASKS}/rename", {"code": NAME, "valid_from": SINCE, "legal_basis": "NQ"}),
    ("POST", f"{TASKS}/close", {"on": SINCE, "successors": [NAME], "legal_basis": "NQ"}),
    ("POST", f"{TASKS}/calendars/2031", {"calendar": NAME, "days_off": []}),
    ("POST", "/api/v1/tasks/communes/xa-moi", OPENED | {"code": NAME}),
    ("POST", f"/api/v1/tasks/communes/{NAME}", OPENED),
    ("PUT", f"{REMINDING}/policy", POLICY | {"policy": NAME}),
    ("PUT", f"{REMINDING}/policy", POLICY | {"policy": "p-1", "rules": [RULE | {"rule": NAME}]}),
)


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommune]:
    commune = SmallCommune(tmp_path_factory.mktemp("codes") / "data", SINCE, (2024,))
    yield commune
    recorded = [body for service in ("tasks", "notifications") for body in bodies(commune, service)]
    assert recorded and not any(CANARY.lower() in body.decode().lower() for body in recorded)
    commune.installation.close()


def bodies(commune: SmallCommune, service: str) -> list[bytes]:
    return [*commune.installation.own_log(service).read_all(COMMUNE)]


@pytest.mark.parametrize(("method", "path", "body"), SENT, ids=lambda value: value if isinstance(value, str) else "")
def test_no_route_takes_a_name_as_a_new_id(commune: SmallCommune, method: str, path: str, body: dict[str, Any]):
    service = path.split("/")[3]
    before = bodies(commune, service)
    wide = "/communes/xa-moi" in path or "/communes/Kan" in path
    token = mint(
        commune.installation.signing_key,
        sub="operator/o1",
        commune="*" if wide else COMMUNE,
        roles=["admin"] if wide else ["admin", "office", "chair"],
        lifetime=timedelta(minutes=5),
    )
    headers = {"Authorization": f"Bearer {token}"}
    based_on = (
        {"If-Match": '"1"'}
        if path.endswith(("/change", "/absences", "/disciplines", "/rename", "/close", "/settings"))
        else {}
    )
    client = commune.installation.web(service).test_client()
    answer = client.open(path, method=method, json=body, headers=headers | based_on)
    problem: Any = answer.json
    # The address of a commune has its own form, and a policy's schema too.
    expected = (
        {"not-found"} if f"communes/{CANARY}" in path else {"invalid"} if "policy" in path else {"code-not-plain"}
    )
    assert problem["code"] in expected, answer.text
    assert CANARY not in problem["detail"] and bodies(commune, service) == before
    if problem["code"] == "code-not-plain":
        assert answer.status_code == 422 and "ví dụ p07" in problem["detail"]


def test_no_command_takes_a_name_as_a_new_id(commune: SmallCommune, tmp_path: Path):
    calendar, people = tmp_path / "2031.json", tmp_path / "people.csv"
    calendar.write_text(json.dumps({"year": 2031, "days_off": [], "working_weekends": []}))
    people.write_text(f"commune,staff,new_id\n{COMMUNE},p04,{NAME}\n")
    opened = ("--name", "Xã Mới", "--valid-from", SINCE)
    merged = ("--name", "Xã Mới", "--on", "2024-01-02", "--legal-basis", "NQ", "--from", COMMUNE)
    before = bodies(commune, "tasks")
    for arguments in (
        ("commune", "open", "xa-moi", "--code", NAME, *opened),
        ("commune", "settings", COMMUNE, f"{NAME}=1", "--reason", "Quy chế"),
        ("commune", "close", COMMUNE, "--on", SINCE, "--successor", NAME, "--legal-basis", "NQ"),
        ("calendar", "publish", str(calendar), "--revision", NAME),
        ("commune", "merge", "xa-gop", "--code", NAME, *merged),
        ("commune", "merge", "xa-gop", "--code", "1", *merged, "--people", str(people)),
    ):
        ran = CliRunner().invoke(cli, ["--data", str(commune.installation.settings.data), *arguments])
        assert isinstance(ran.exception, Refused) and ran.exception.code == "code-not-plain", (arguments, ran.output)
    ran = CliRunner().invoke(
        cli, ["--data", str(commune.installation.settings.data), "commune", "open", NAME, "--code", "1", *opened]
    )
    assert ran.exit_code == 2 and "không phải mã xã" in ran.output
    assert bodies(commune, "tasks") == before


def test_a_row_whose_code_is_a_name_is_told_another(commune: SmallCommune):
    roster = f"Mã;Chức vụ;Nhóm;Từ ngày\n{NAME};Công chức;Công chức;02/01/2024\n{NAME} B;;;\n"
    key, base = commune.installation.signing_key, f"{TASKS}/imports/roster"
    token = mint(key, sub="operator/o1", commune=COMMUNE, roles=["admin"], lifetime=timedelta(minutes=5))
    client, headers = commune.installation.web("tasks").test_client(), {"Authorization": f"Bearer {token}"}
    before = bodies(commune, "tasks")
    run: Any = client.post(base, data={"file": (BytesIO(roster.encode()), "ds.csv")}, headers=headers).json
    told = [[error["code"] for error in row["errors"]] for row in run["rows"]]
    assert told[0] == ["ma_khong_hop_le"] and "ma_khong_hop_le" in told[1]
    # p01…p06 are in post: nobody is told a code that is somebody's.
    assert "p07" in run["rows"][0]["errors"][0]["text"] and "p08" in run["rows"][1]["errors"][0]["text"]
    done = client.post(f"{base}/{run['sha256']}/confirmation", json={}, headers=headers)
    assert done.status_code == 200 and bodies(commune, "tasks") == before
