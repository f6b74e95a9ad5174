"""Nobody decides or types what their own rating rests on: every command, for every role, over HTTP; and somebody else
always may (ADR 0029)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from services.scoring.access import ACTIONS
from services.scoring.domain.concerns import Concerns
from services.scoring.domain.decisions import HANDLERS
from shared.events.values import Role
from tests.integration.test_procedure_api import ADMIN, Office, decision, meeting
from tests.integration.test_scoring_api import BASE, OUTSIDE, RATINGS, unit_result
from tests.support.histories import (
    COMMUNE,
    History,
    appointed,
    assigned,
    changed,
    completed,
    opened,
    reported,
    unit_defined,
)

YEAR = f"{BASE}/years/2024"
SUBJECT = "p50"
GRADES = dict.fromkeys(("k1", "k2", "k3", "k4"), "tot")
CRITERIA = {"d": 100, "dd": 100, "e": 100, "reasons": {"d": "Đạt", "dd": "Đạt", "e": "Đạt"}}
RULING = {"level": "tot", "proposal": "d1"}
PERIOD = f"{RATINGS}/{SUBJECT}/periods/2024-11"
Sent = tuple[str, dict[str, Any]]

# What each command looks like about the subject; a `by` is added. In it nothing but the subject is right or wrong.
REQUESTS: dict[str, Sent] = {
    "ChooseSettings": (f"{YEAR}/settings", {"settings": {"min_tasks": 1}, "reason": "Hạ ngưỡng"}),
    "ChooseRuleSet": (f"{YEAR}/rule-set", {"category": "cong_chuc", "rule_set": "none", "reason": "Không xếp"}),
    "AssessCommon": (f"{RATINGS}/{SUBJECT}/common", {"items": GRADES, "stage": "confirmed"}),
    "AssessPeriod": (f"{PERIOD}/common", {"items": {"I.1": "5"}, "stage": "confirmed"}),
    "RecordUnitResult": (f"{YEAR}/units/to-mot/result", unit_result("x")),
    "RecordLeaderCriteria": (f"{PERIOD}/leader-criteria", CRITERIA),
    "ReceivePeriodResult": (f"{PERIOD}/result", {"score": "99", "from": "Xã cũ"}),
    "ClosePeriod": (f"{BASE}/periods/2024-11/closing", {"staff": [SUBJECT]}),
    "ReopenPeriod": (f"{BASE}/periods/2024-11/reopening", {"staff": [SUBJECT], "reason": "Sai"}),
    "ProposeOne": (f"{RATINGS}/{SUBJECT}/proposal", {}),
    "RecordMeeting": (f"{YEAR}/meeting", meeting("p07", SUBJECT)),
    "RecordOpinion": (f"{RATINGS}/{SUBJECT}/opinion", {"by_body": "Đảng ủy xã", "text": "Nhất trí"}),
    "Decide": (f"{RATINGS}/{SUBJECT}/decision", RULING),
    "Notify": (f"{RATINGS}/{SUBJECT}/notice", {}),
    "ResolveAppeal": (f"{RATINGS}/{SUBJECT}/appeals/k1/resolution", {"outcome": "upheld"}),
    "ReRate": (f"{RATINGS}/{SUBJECT}/re-rating", RULING | {"replaces": "x", "reason": "Theo kiến nghị"}),
}
WITHOUT_BY = {"RecordMeeting", "RecordOpinion", "Notify"}
# Chosen for all alike by the Chairman, who is not rated by it: that one alone may.
OF_ALL = {"ChooseSettings", "ChooseRuleSet"}
COMMANDS = {command.__name__: handler for command, handler in HANDLERS.items()}


def commune(folder: Path, *roles: str) -> Office:
    """A commune with its leaders, one person of the Office, and the subject: in a post with these roles, and leading a
    department."""
    subject = appointed(SUBJECT, roles=list(roles), leader=True, leads_unit="to-mot", tracker="p03")
    return Office(folder, leaders_and_office().record("1/1", unit_defined("to-mot", SUBJECT, since="1/1"), subject))


def leaders_and_office(**office: Any) -> History:
    return (
        History()
        .record("1/1", opened())
        .record(
            "1/1",
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external", leads_unit=COMMUNE),
            appointed("p03", category="can_bo", roles=["vice_chair"], tracker="p01", leader=True),
            appointed("p14", roles=["office", "staff"], tracker="p03", **office),
            appointed("p07", tracker="p14"),
        )
    )


@pytest.fixture(scope="module", params=get_args(Role))
def of_role(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Office]]:
    office = commune(tmp_path_factory.mktemp(request.param), request.param)
    yield request.param, office
    office.scoring.engine.dispose()


def test_every_command_is_tried_or_is_exempt_with_its_reason():
    concerning = {name for name, handler in COMMANDS.items() if isinstance(handler.concerns, Concerns)}
    assert concerning == REQUESTS.keys()
    assert all(handler.concerns.reason for name, handler in COMMANDS.items() if name not in concerning)  # type: ignore[union-attr]


@pytest.mark.parametrize("command", sorted(REQUESTS))
def test_no_role_decides_or_types_what_the_own_rating_rests_on(of_role: tuple[str, Office], command: str):
    role, office = of_role
    path, body = REQUESTS[command]
    token = office.auth(f"staff/{SUBJECT}", role)
    for by in (SUBJECT, "p01", "external"):
        said = {**body, **OUTSIDE, "by": by} if "document_number" in body else {**body, "by": by}
        answer = office.post(path, body if command in WITHOUT_BY else said, as_=token)
        if role == "chair" and command in OF_ALL:
            assert answer.status_code in (201, 403) and answer.json.get("code") in (
                None,
                "acts-for-another",
                "chair-only",
            )
            continue
        allowed = role in ACTIONS[COMMANDS[command].action]
        assert (answer.status_code, answer.json["code"]) == (403, "rates-oneself" if allowed else "role"), answer.json
        if allowed:
            named = re.findall(r"\((p\d+)\)", answer.json["detail"])
            assert named and SUBJECT not in named, answer.json["detail"]
            held = {"p01": "chair", "p03": "vice_chair", "p14": "office"}
            assert all(held[staff] in ACTIONS[COMMANDS[command].action] for staff in named)


@pytest.mark.parametrize("command", sorted(REQUESTS.keys() - WITHOUT_BY - OF_ALL))
def test_the_office_records_nothing_of_the_kind_in_the_persons_name(tmp_path: Path, command: str):
    office = commune(tmp_path, "staff")
    path, body = REQUESTS[command]
    assert office.refused("p14", path, {**body, "by": SUBJECT}) == "rates-oneself"
    office.scoring.engine.dispose()


def test_a_year_with_one_person_in_the_office_goes_through_for_her_too(tmp_path: Path):
    """For every step somebody may do it instead, and is named: for the Office, the Chairman and a lone deputy."""
    history = leaders_and_office(leader=True, leads_unit="vp").record("1/1", unit_defined("vp", "p14", since="1/1"))
    tasks = {f"t-{staff}": staff for staff in ("p14", "p03")}
    history.record("14/6", *[assigned(task, lead=lead, due="30/6") for task, lead in tasks.items()])
    history.record("28/6", *[reported(task, on="28/6") for task in tasks])
    history.record("1/7", *[completed(task, on="28/6") for task in tasks])
    office = Office(tmp_path, history)
    opinion = {"by_body": "Đảng ủy xã", "text": "Nhất trí mức tốt"}

    def instead(who: str, other: str, path: str, body: dict[str, Any], by: bool = False) -> Any:
        """The one concerned is refused and told who may; that one does it."""
        refused = office.send(who, path, {**body, "by": who} if by else body)
        assert (refused.json["code"], f"({other})" in refused.json["detail"]) == ("rates-oneself", True), refused.json
        return office.done(other, path, {**body, "by": other} if by else body)

    p14, p03, p01 = (f"{RATINGS}/{staff}" for staff in ("p14", "p03", "p01"))
    grades = {"items": GRADES, "stage": "confirmed"}
    instead("p14", "p03", f"{p14}/common", grades, by=True)
    instead("p03", "p01", f"{p03}/common", grades, by=True)
    instead("p14", "p01", f"{YEAR}/units/vp/result", unit_result("p14"), by=True)
    assert office.refused("p01", f"{YEAR}/units/{COMMUNE}/result", unit_result("p01")) == "rates-oneself"
    office.done(ADMIN, f"{YEAR}/units/{COMMUNE}/result", unit_result("external"))
    proposed = {each["staff"]: each for each in office.done("p14", f"{YEAR}/proposals", {"by": "p14"})}
    for staff in ("p14", "p03", "p01"):
        office.done(staff, f"{RATINGS}/{staff}/self-assessment", {"level": "tot"})
    instead("p14", "p01", f"{YEAR}/meeting", meeting("p14", "p03") | {"votes": meeting("p14")["votes"]})
    office.done("p14", f"{YEAR}/meeting", meeting("p07", "p03"))
    assert office.refused("p01", f"{YEAR}/meeting", meeting("p07")) == "office-only"
    instead("p14", "p03", f"{p14}/opinion", opinion)
    instead("p03", "p14", f"{p03}/opinion", opinion)
    assert office.refused("p03", f"{p01}/opinion", opinion) == "office-only"
    instead("p01", "p14", f"{p01}/opinion", opinion)

    ruling = {"level": "tot", "differs_reason": "Theo biểu quyết"}
    said = {staff: ruling | {"proposal": proposed[staff]["proposal"]} for staff in ("p14", "p03", "p01")}
    instead("p14", "p01", f"{p14}/decision", said["p14"], by=True)
    instead("p03", "p01", f"{p03}/decision", said["p03"], by=True)
    above = said["p01"] | {"by": "external", "decision_number": "1187/QĐ-UBND", "decided_on": "2024-12-20"}
    assert office.refused("p01", f"{p01}/decision", above | {"document_sha256": "d" * 64}) == "rates-oneself"
    assert office.refused("p14", f"{p01}/decision", above) == "outside-needs-chair-or-admin"
    assert office.refused(ADMIN, f"{p01}/decision", above) == "outside-document-required"
    office.done(ADMIN, f"{p01}/decision", above | {"document_sha256": "d" * 64})
    instead("p14", "p03", f"{p14}/notice", {})
    instead("p03", "p14", f"{p03}/notice", {})
    instead("p01", "p14", f"{p01}/notice", {})
    assert office.refused("p03", f"{p01}/notice", {}) == "office-only"
    assert office.done("p14", f"{YEAR}/publication", {})["undecided"] == ["p07"]

    appeal = office.done("p14", f"{p14}/appeals", {"text": "Đề nghị xem lại"})["appeal"]
    instead("p14", "p01", f"{p14}/appeals/{appeal}/resolution", {"outcome": "upheld"}, by=True)
    again = instead("p14", "p01", f"{p14}/proposal", {}, by=True)
    re_rating = {"proposal": again["proposal"], "level": again["level"], "reason": "Theo kiến nghị"}
    re_rating["replaces"] = office.standing("p14")["decision"]["event"]
    instead("p14", "p01", f"{p14}/re-rating", re_rating, by=True)
    assert office.course("p14")["standing"]["kind"] == "re_rated"
    office.scoring.engine.dispose()


def test_a_token_counts_only_as_far_as_its_roles(tmp_path: Path):
    """The Office's own token, made for less, types for nobody; the Chairman's decides nothing."""
    both = History().record("1/1", opened()).record(
        "1/1",
        appointed("p01", category="can_bo", roles=["chair", "staff"], leader=True, rater="external"),
        appointed("p14", roles=["office", "staff"], tracker="p01"),
        appointed("p07", tracker="p14"),
    )  # fmt: skip
    office = Office(tmp_path, both)
    assessment = {"level": "tot"}
    path = f"{RATINGS}/p07/self-assessment"
    narrowed = office.auth("staff/p14", "staff")
    assert office.post(path, assessment, as_=narrowed).json["code"] == "acts-for-another"
    assert office.post(path, assessment, as_=office.auth("staff/p14", "office")).status_code == 201
    office.runner.catch_up()
    office.done("p14", f"{YEAR}/meeting", meeting("p07"))
    ruling = decision(office.proposed("p07"), "tot")
    path = f"{RATINGS}/p07/decision"
    assert office.post(path, ruling, as_=office.auth("staff/p01", "staff")).json["code"] == "not-the-rater"
    assert office.post(path, ruling, as_=office.auth("staff/p01", "chair")).status_code == 201
    office.scoring.engine.dispose()


P14_BY_P20 = {"staff": "p14", "rater": "p20"}
FROM_BELOW = {
    "a subordinate": ("p14", [{"staff": "p20", "tracker": "p14"}, P14_BY_P20]),
    "a subordinate's": ("p14", [{"staff": "p20", "tracker": "p21"}, {"staff": "p21", "tracker": "p14"}, P14_BY_P20]),
    "each other": ("p14", [{"staff": "p20", "rater": "p14"}, P14_BY_P20]),
    "the Chairman's deputy": ("p01", [{"staff": "p01", "rater": "p20"}]),
}


@pytest.mark.parametrize("case", FROM_BELOW)
def test_nobody_is_rated_from_below(tmp_path: Path, case: str):
    staff, posts = FROM_BELOW[case]
    history = leaders_and_office().record("2/1", appointed("p20"), appointed("p21"))
    office = Office(tmp_path, history.record("3/1", *[changed(since="3/1", **post) for post in posts]))
    keeper = "p03" if staff == "p14" else "p14"
    proposal = office.done(keeper, f"{RATINGS}/{staff}/proposal", {"by": keeper})["proposal"]
    assert office.refused("p20", f"{RATINGS}/{staff}/decision", decision(proposal, by="p20")) == "judged-from-below"
    office.scoring.engine.dispose()
