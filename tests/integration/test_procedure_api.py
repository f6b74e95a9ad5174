"""A year's end over HTTP, from the proposal to the re-rating, and who may do what in it."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.scoring.app import create_web
from services.scoring.domain import refusals
from services.scoring.domain.sheet import sheet, sheet_bytes
from services.scoring.views import PROJECTION, Moment, known_at
from shared.eventlog import Head, writing
from shared.eventlog.feed import FeedError
from shared.events import CalendarPublished, DayOff, StaffChanged, decode
from shared.projection.positions import set_parked
from shared.web.auth import Verifier
from tests.integration.test_scoring_api import BASE, RATINGS, World, history, unit_result
from tests.support.histories import COMMUNE, History, appointed, assigned, day, reopened, reported, returned

YEAR = f"{BASE}/years/2024"
# Types what the level above decided on the Chairman.
ADMIN = "admin"


class Office(World):
    """The commune at year's end, with short names for who asks."""

    def __init__(self, folder: Path, begun: History | None = None) -> None:
        super().__init__(folder)
        self.verifier = Verifier(str(folder / "public.json"))
        unrated = appointed("p20", roles=["staff"], tracker="p14", rated=False)
        self.history = begun or history().record("4/10", unrated)
        self.hold(self.history)

    def own_by(self, heads: Callable[[], dict[str, Head]]) -> None:
        """As if the tasks log were a replica, whose owner says so."""
        self.scoring = msgspec.structs.replace(self.scoring, owner_heads=heads)
        self.client = create_web(self.scoring, self.verifier).test_client()

    def as_(self, who: str) -> dict[str, str]:
        if who == ADMIN:
            return self.auth("operator/cli", "admin")
        roles = {"p01": ["chair"], "p03": ["vice_chair"], "p14": ["office", "staff"]}
        return self.auth(f"staff/{who}", *roles.get(who, ["staff"]))

    def send(self, who: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.post(path, body or {}, as_=self.as_(who))
        self.runner.catch_up()
        return answer

    def done(self, who: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.send(who, path, body)
        assert answer.status_code == 201, answer.json
        return answer.json.get("result")

    def refused(self, who: str, path: str, body: dict[str, Any] | None = None) -> str:
        answer = self.send(who, path, body)
        assert answer.status_code in (403, 404, 409, 422, 503), answer.json
        assert "…" not in answer.json["detail"] and "{" not in answer.json["detail"]
        return str(answer.json["code"])

    def course(self, staff: str, who: str = "p14") -> Any:
        return self.get(f"{RATINGS}/{staff}/procedure", as_=self.as_(who)).json["result"]

    def standing(self, staff: str) -> Any:
        return self.course(staff)["standing"]

    def proposed(self, staff: str = "p07") -> str:
        return str(self.done("p14", f"{RATINGS}/{staff}/proposal", {"by": "p14"})["proposal"])

    def decided(self, staff: str = "p07", level: str = "hoan_thanh") -> str:
        """A decision in the order of the law; returns its event's id."""
        proposal = self.proposed(staff)
        self.done(staff, f"{RATINGS}/{staff}/self-assessment", {"level": "tot"})
        self.done("p14", f"{YEAR}/meeting", meeting(staff))
        self.done("p01", f"{RATINGS}/{staff}/decision", decision(proposal, level))
        return str(self.standing(staff)["decision"]["event"])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.scoring.engine.dispose()


def meeting(*staff: str, **more: Any) -> dict[str, Any]:
    votes = [{"staff": one, "level": "tot", "for": 20, "against": 2} for one in staff]
    return {"held_on": "2024-12-12", "present": 24, "absent": 1, "votes": votes} | more


def decision(proposal: str, level: str = "hoan_thanh", **more: Any) -> dict[str, Any]:
    return {"proposal": proposal, "level": level, "by": "p01", "differs_reason": "Đã khắc phục"} | more


def test_a_whole_year_end(office: Office):
    chair_settings = {"settings": {"decision_by": "12-22"}, "by": "p01", "reason": "Theo công văn của huyện"}
    office.done("p01", f"{YEAR}/settings", chair_settings)
    grades = dict.fromkeys(("k1", "k2", "k3", "k4"), "tot")
    office.done("p14", f"{RATINGS}/p07/common", {"items": grades, "stage": "confirmed", "by": "p14"})
    office.done(ADMIN, f"{YEAR}/units/{COMMUNE}/result", unit_result("external"))
    [*_, p07] = [line for line in office.get(f"{YEAR}/procedure").json["result"]["people"] if line["staff"] == "p07"]
    assert (p07["standing"], p07["next"], p07["level"]) == ("computed", "propose", None)

    outcomes = {each["staff"]: each for each in office.done("p14", f"{YEAR}/proposals", {"by": "p01"})}
    assert outcomes.keys() == {"p01", "p03", "p07", "p14"}
    assert {staff: each["level"] for staff, each in outcomes.items()}["p07"] == "can_xem_xet"
    assert office.course("p07")["next"] == "self_assess"

    office.done("p07", f"{RATINGS}/p07/self-assessment", {"level": "tot", "comment": "Trễ một việc do chờ số liệu"})
    office.done("p14", f"{RATINGS}/p03/self-assessment", {"level": "tot"})  # typed from paper
    assert office.course("p07")["next"] == "hold_meeting"
    office.done("p14", f"{YEAR}/meeting", meeting("p07", "p03"))
    assert [office.course(staff)["next"] for staff in ("p07", "p03")] == ["decide", "record_opinion"]
    opinion = {"by_body": "Đảng ủy xã", "text": "Nhất trí mức tốt", "level": "tot", "on": "2024-12-13"}
    office.done("p14", f"{RATINGS}/p03/opinion", opinion)

    office.done("p01", f"{RATINGS}/p07/decision", decision(outcomes["p07"]["proposal"], decision_number="210/QĐ-UBND"))
    office.done("p14", f"{RATINGS}/p03/decision", decision(outcomes["p03"]["proposal"], "tot"))
    external = decision(outcomes["p01"]["proposal"], outcomes["p01"]["level"], by="external", differs_reason=None)
    assert office.refused("p14", f"{RATINGS}/p01/decision", external) == "outside-needs-chair-or-admin"
    assert office.refused(ADMIN, f"{RATINGS}/p01/decision", external) == "outside-document-required"
    external |= {"decision_number": "1187/QĐ-UBND", "decided_on": "2024-12-20", "document_sha256": "d" * 64}
    office.done(ADMIN, f"{RATINGS}/p01/decision", external)
    first = office.standing("p07")
    assert (first["kind"], first["level"], first["decision"]["reason"]) == ("decided", "hoan_thanh", "Đã khắc phục")
    row = next(row for row in office.get(RATINGS).json["result"]["rows"] if row["staff"] == "p07")
    assert (row["standing"], row["level"], row["level_text"]) == ("decided", "hoan_thanh", "Hoàn thành nhiệm vụ")
    assert (row["computed_level"], row["proposed_level"], row["decided_level"]) == (
        "can_xem_xet", "can_xem_xet", "hoan_thanh",
    )  # fmt: skip

    office.done("p14", f"{RATINGS}/p07/notice", {"on": "2024-12-20"})
    assert office.done("p14", f"{YEAR}/publication") == {"undecided": ["p14"]}
    appeal = office.done("p07", f"{RATINGS}/p07/appeals", {"text": "Việc trễ là do chờ số liệu của huyện"})
    assert (appeal["due"], appeal["calendar"]) == ("2024-12-31", None)
    assert office.course("p07")["next"] == "resolve_appeal"
    resolution = {"outcome": "upheld", "by": "p01", "text": "Chấp nhận"}
    office.done("p01", f"{RATINGS}/p07/appeals/{appeal['appeal']}/resolution", resolution)
    assert office.course("p07")["next"] == "re_rate"

    again = office.proposed()
    replacing = {"proposal": again, "level": "tot", "replaces": first["decision"]["event"]}
    office.done("p01", f"{RATINGS}/p07/re-rating", replacing | {"reason": "Theo kết quả giải quyết", "by": "p01"})
    last = office.course("p07")
    assert (last["standing"]["kind"], last["standing"]["level"], last["next"]) == ("re_rated", "tot", "notify")
    assert last["standing"]["earlier"] == [first["decision"]]
    then = office.get(f"{RATINGS}/p07/procedure", positions=f"tasks:{office.tasks.head(COMMUNE).position},scoring:3",
                      on="2024-12-20")  # fmt: skip
    assert then.json["result"]["standing"]["kind"] == "computed"


def test_a_proposal_is_recomputed_from_its_pins_to_the_byte(office: Office):
    office.proposed()
    [body] = office.scoring.logs["scoring"].read(COMMUNE)
    said: Any = decode(body).data
    office.hold(office.history.record("21/12", assigned("t9", lead="p07", due="22/12")))
    positions = {pin.source: pin.position for pin in said.inputs}
    records = known_at(office.scoring.logs, COMMUNE, Moment(positions, said.evaluated_on)).records
    again = sheet(records, 2024, "p07", on=said.evaluated_on)
    assert hashlib.sha256(sheet_bytes(again)).hexdigest() == said.sheet_sha256
    assert (again.rule_set_sha256, again.level) == (said.rule_set_sha256, said.level)


def test_later_events_leave_a_decided_rating_and_are_listed_as_such(office: Office):
    office.decided()
    before = office.standing("p07")
    office.hold(office.history.record("21/12", reopened("t1", "31/12", 2, failure=True)))
    office.done("p14", f"{RATINGS}/p07/common", {"items": {"k1": "khong"}, "stage": "confirmed", "by": "p14"})
    after = office.course("p07")
    assert after["standing"] == before
    assert [event["what"] for event in after["since"]] == ["common", "reopened"]
    assert office.refused("p01", f"{RATINGS}/p07/decision", decision(before["proposal"]["proposal"])) == (
        "already-decided"
    )
    row = next(row for row in office.get(RATINGS).json["result"]["rows"] if row["staff"] == "p07")
    assert (row["level"], row["decided_level"]) == ("hoan_thanh", "hoan_thanh")


def test_a_decision_stays_on_the_list_when_the_person_is_taken_off_it_later(office: Office):
    decided = office.decided()
    change = StaffChanged(staff="p07", valid_from=day("1/12"), rated=False)
    office.hold(office.history.record("21/12", change))
    row = next(row for row in office.get(RATINGS).json["result"]["rows"] if row["staff"] == "p07")
    assert (row["level"], row["standing"], row["computed_level"]) == ("hoan_thanh", "decided", "khong_xep_loai")
    assert "p07" in [line["staff"] for line in office.get(f"{YEAR}/procedure").json["result"]["people"]]
    again = {"proposal": office.proposed(), "level": "khong_xep_loai", "replaces": decided, "reason": "Đã thôi việc"}
    office.done("p01", f"{RATINGS}/p07/re-rating", again | {"by": "p01"})


def test_everyone_is_proposed_but_those_whose_result_waits(office: Office):
    office.hold(
        office.history.record("5/10", assigned("t5", lead="p07", due="30/10")).record("20/10", reported("t5", "20/10"))
    )
    outcomes = {each["staff"]: each for each in office.done("p14", f"{YEAR}/proposals", {"by": "p14"})}
    assert (outcomes["p07"]["code"], outcomes["p07"]["proposal"]) == ("result-waits", None)
    assert "p07" in outcomes["p07"]["detail"]
    assert outcomes["p14"]["proposal"]
    assert office.refused("p14", f"{RATINGS}/p07/proposal", {"by": "p14"}) == "result-waits"
    office.hold(office.history.record("21/12", returned("t5", "31/12", 2)))
    office.proposed()


def test_nothing_is_pinned_while_something_is_missing(office: Office):
    path, body = f"{RATINGS}/p07/proposal", {"by": "p14"}
    longer = office.tasks.head(COMMUNE)

    def away() -> Any:
        raise FeedError("connection refused")

    told = {
        "tasks-behind": lambda: {COMMUNE: Head(longer.position + 1, "", "")},
        "owner-away": away,
    }
    for code, owner_heads in told.items():
        office.own_by(owner_heads)
        answer = office.send("p14", path, body)
        assert (answer.status_code, answer.json["code"]) == (503, code)
    office.own_by(lambda: {COMMUNE: longer})
    office.proposed()
    with writing(office.scoring.engine, COMMUNE) as connection:
        set_parked(connection, PROJECTION.name, COMMUNE, "tasks", "p07 was never appointed")
    answer = office.post(path, body, as_=office.as_("p14"))
    assert (answer.status_code, answer.json["code"]) == (503, "commune-parked")


def test_minutes_written_after_the_decision_show_as_such(office: Office):
    office.decided()
    office.now = datetime(2024, 12, 23, 1, tzinfo=UTC)
    office.done("p14", f"{YEAR}/meeting", meeting("p07", held_on="2024-12-13"))
    assert [(vote["held_on"], vote["recorded_on"]) for vote in office.standing("p07")["votes"]] == [
        ("2024-12-12", "2024-12-20"), ("2024-12-13", "2024-12-23"),
    ]  # fmt: skip


def test_numbers_of_people_have_an_end(office: Office):
    assert office.refused("p14", f"{YEAR}/meeting", meeting("p07", present=10**20)) == "invalid"
    endless = unit_result("external", targets=10**20)
    assert office.refused("p14", f"{YEAR}/units/{COMMUNE}/result", endless) == "invalid"


def test_a_repeated_proposal_with_its_key_is_one(office: Office):
    headers = office.as_("p14") | {"Idempotency-Key": "k1"}
    first, again = (office.post(f"{YEAR}/proposals", {"by": "p14"}, as_=headers) for _ in range(2))
    assert first.json == again.json


def test_votes_and_opinions_are_not_for_a_tracker_who_does_not_rate(office: Office):
    office.hold(office.history.record("21/12", appointed("p21", since="1/12", roles=["staff"], tracker="p07")))
    office.done("p14", f"{RATINGS}/p21/self-assessment", {"level": "tot", "comment": "Mới nhận việc"})
    office.done("p14", f"{YEAR}/meeting", meeting("p21"))
    said = {who: office.course("p21", who)["standing"] for who in ("p01", "p21", "p07")}
    assert all(said[who]["votes"] and said[who]["self_assessment"] for who in ("p01", "p21"))
    assert (said["p07"]["votes"], said["p07"]["self_assessment"]) == ([], None)
    proposal = office.proposed("p21")
    office.done("p01", f"{RATINGS}/p21/decision", decision(proposal))
    filed = office.done("p21", f"{RATINGS}/p21/appeals", {"text": "Người theo dõi ghi nhận sai"})
    assert office.course("p21", "p07")["standing"]["appeals"] == []
    lines = office.get(f"{YEAR}/procedure", as_=office.as_("p03")).json["result"]["people"]
    [waiting] = [line["open_appeal"] for line in lines if line["staff"] == "p21"]
    assert waiting == {"appeal": filed["appeal"], "received_on": "2024-12-20", "due": filed["due"]}
    assert office.get(f"{RATINGS}/p21/procedure", as_=office.as_("p03")).json["code"] == "sheet-of-another"


def test_another_rule_set_is_chosen_with_a_reason_and_seen_on_the_sheet(office: Office):
    body = {"category": "cong_chuc", "rule_set": "none", "by": "p01", "reason": "Xã không xếp loại nhóm này"}
    operator = office.auth("operator/quan-tri", "admin", commune="*")
    assert office.post(f"{YEAR}/rule-set", body, as_=operator).status_code == 201
    office.runner.catch_up()
    assert office.get(f"{RATINGS}/p07").json["result"]["rule_set"] == "none"
    assert office.refused("p01", f"{YEAR}/rule-set", body | {"rule_set": "nd999"}) == "rule-set-unknown"
    assert office.refused("p14", f"{YEAR}/rule-set", body) == "rates-oneself"
    others = {"by": "p14", "category": "hop_dong"}
    assert office.refused("p14", f"{YEAR}/rule-set", body | others) == "chair-only"
    assert office.refused("p03", f"{YEAR}/rule-set", body) == "role"


def test_an_appeal_is_counted_by_the_published_calendars(office: Office):
    off = DayOff(date=day("25/12"), name="Nghỉ bù", legal_basis="Thông báo của tỉnh")
    for year, days in ((2024, [off]), (2025, [DayOff(date=day("1/1/2025"), name="Tết", legal_basis="BLLĐ Đ112")])):
        published = CalendarPublished(
            calendar=f"vn-{year}-r1", year=year, days_off=days, working_weekends=[], by="operator/x"
        )
        office.history.record("10/12", published)
    office.hold(office.history)
    office.decided()
    filed = office.done("p14", f"{RATINGS}/p07/appeals", {"text": "Đề nghị xem lại", "received_on": "2024-12-20"})
    assert (filed["due"], filed["calendar"]) == ("2025-01-02", "vn-2024-r1+vn-2025-r1")


def test_every_refusal_of_scoring_has_a_text_that_can_be_filled():
    assert all(each.title.strip() and each.detail.strip().endswith((".", "}")) for each in refusals.ALL)


def test_the_clock_of_the_year_says_when_the_decision_is_late(office: Office):
    assert office.get(f"{YEAR}/procedure").json["result"]["late"] is True  # 20/12, due by 15/12
    office.now = datetime(2024, 12, 20, 2, tzinfo=UTC)
    assert office.get(f"{YEAR}/procedure", as_of="2024-12-15").json["result"]["late"] is False
