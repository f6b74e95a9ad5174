"""The year 2026 of a commune under nd335, lived over HTTP month by month, its clock and ids always the same.

p05 leads the unit kinh-te and is rated with d, đ and e; p07 is late after a closing; p09 came in May with the scores of
the former agency; p11 is away the whole of August, appeals and is rated again; p14 is the Office, with April reopened;
p30 is on a contract, rated by nd335 as the commune chose. The Chairman p01 and the deputy p03 are rated by nd90.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.events import uuid7
from tests.integration.test_scoring_api import BASE, World
from tests.support.histories import (
    COMMUNE,
    FULL,
    History,
    absent,
    appointed,
    assigned,
    cause,
    completed,
    day,
    opened,
    period_common,
    reopened,
    reported,
    returned,
    unit_defined,
)

YEAR = f"{BASE}/years/2026"
RATINGS = f"{YEAR}/ratings"
ROLES = {"p01": ["chair"], "p03": ["vice_chair"], "p14": ["office", "staff"]}
# Those rated by nd335, and who tracks them.
TRACKERS = {"p05": "p03", "p07": "p05", "p09": "p05", "p11": "p05", "p14": "p03", "p30": "p14"}
ALIKE = {"similar_group": "chuyen-vien"}

COEFFICIENTS = {"p05": "3", "p07": "2.5", "p09": "2", "p11": "2", "p14": "1.5", "p30": "1"}
COMMON = {"p05": "29", "p07": "18", "p09": "27", "p11": "25.5", "p14": "28", "p30": "12"}
# By person and month: done after the due date, returned for a major error, never done.
LATE = {("p07", 3), ("p14", 4), ("p11", 5), ("p30", 7)}
RETURNED = {("p07", 4), ("p30", 7), ("p11", 10)}
UNDONE = {("p30", 2), ("p30", 9), ("p30", 11)}
# Where a unit or the commune was as good as planned.
GOOD = {
    "targets": 10,
    "completed": 10,
    "on_time_quality": 9,
    "exceeded": 3,
    "units": 5,
    "units_hoan_thanh": 5,
    "units_tot": 4,
    "level": "tot",
}


# The document of what the level above decided.
OUTSIDE = {"document_number": "88/QĐ-UBND", "document_date": "2026-12-10", "document_sha256": "d" * 64}


def named(month: int) -> str:
    return f"2026-{month:02}"


class Year2026(World):
    """Scoring on a tasks log that grows with the year. `seen` keeps what was answered on the way, by name."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.scoring.logs["scoring"].new_id = self._new_id
        self.count = 0
        self.history = History()
        self.seen: dict[str, Any] = {}

    def _new_id(self, now: datetime) -> str:
        self.count += 1
        return uuid7(now, hashlib.sha256(f"2026 {self.count}".encode()).digest()[:10])

    # Asking and recording

    def on(self, text: str) -> None:
        """Turn the clock to noon of a day."""
        of = day(text)
        self.now = datetime(of.year, of.month, of.day, 5, tzinfo=UTC)

    def record(self, on: str, *data: Any) -> None:
        """What the tasks service records on a day."""
        self.history.record(on, *data)
        self.hold(self.history)
        self.on(on)

    def as_(self, who: str) -> dict[str, str]:
        if who == "admin":  # types what the level above decided on the Chairman
            return self.auth("operator/cli", "admin")
        return self.auth(f"staff/{who}", *ROLES.get(who, ["staff"]))

    def send(self, who: str, path: str, body: dict[str, Any]) -> Any:
        self.now += timedelta(seconds=1)
        answer = self.post(path, body, as_=self.as_(who))
        self.runner.catch_up()
        return answer

    def done(self, who: str, path: str, body: dict[str, Any]) -> Any:
        answer = self.send(who, path, body)
        assert answer.status_code == 201, answer.json
        return answer.json.get("result")

    def ask(self, path: str, **query: Any) -> Any:
        answer = self.get(path, as_=self.as_("p14"), **query)
        assert answer.status_code == 200, answer.json
        return answer.json["result"]

    def rating(self, staff: str, **query: Any) -> Any:
        return self.ask(f"{RATINGS}/{staff}", **query)

    def period(self, staff: str, month: int, **query: Any) -> Any:
        return next(each for each in self.rating(staff, **query)["periods"] if each["period"] == named(month))

    def course(self, staff: str) -> Any:
        return self.ask(f"{RATINGS}/{staff}/procedure")

    def row(self, staff: str) -> Any:
        return next(row for row in self.ask(RATINGS)["rows"] if row["staff"] == staff)

    # The year

    def live(self) -> None:
        self.begin()
        for month in range(1, 12):
            self.first_days(month)
            self.work(month)
            self.assess(month, f"28/{month}/2026")
        self.first_days(12)
        self.december()
        self.propose()
        self.decide()
        self.appeal()
        self.after()

    def begin(self) -> None:
        self.record(
            "1/1/2026",
            opened(),
            appointed("p01", category="can_bo", roles=["chair"], leader=True, rater="external", leads_unit=COMMUNE),
            appointed("p03", category="can_bo", roles=["vice_chair"], leader=True, tracker="p01", leads_unit="van-xa"),
            appointed("p05", leader=True, leads_unit="kinh-te", unit="kinh-te", tracker="p03"),
            appointed("p07", unit="kinh-te", tracker="p05", **ALIKE),
            appointed("p11", unit="kinh-te", tracker="p05", **ALIKE),
            appointed("p14", roles=["office", "staff"], tracker="p03", **ALIKE),
            appointed("p30", category="hop_dong", tracker="p14"),
            unit_defined("kinh-te", "p05", since="1/1/2026"),
            unit_defined("van-xa", "p03", since="1/1/2026"),
        )
        chosen = {"category": "hop_dong", "rule_set": "nd335", "reason": "Quy chế đánh giá của xã năm 2026"}
        self.done("p01", f"{YEAR}/rule-set", {**chosen, "by": "p01"})

    def first_days(self, month: int) -> None:
        """Who comes or goes with the month; then the month before is closed on the 5th."""
        if month == 5:
            new = appointed("p09", since="1/5/2026", service_from="1/3/2015", unit="kinh-te", tracker="p05", **ALIKE)
            self.record("1/5/2026", new)
            for number, score in enumerate(("81", "85.5", "79.25", "90"), 1):
                body = {"score": score, "from": "UBND xã Tiên Hà", "by": "p14", "document": "15/BC-UBND"}
                body |= {"document_date": "2026-04-29", "document_sha256": "d" * 64}
                self.done("p14", f"{RATINGS}/p09/periods/{named(number)}/result", body)
        if month == 8:
            self.record("1/8/2026", absent("p11", "1/8/2026", "31/8/2026", kind="protected"))
        if month > 1:
            self.on(f"5/{month}/2026")
            self.seen[f"closed {month - 1}"] = self.close(month - 1)
        if month == 7:
            self.seen["june"] = self.period("p07", 6)
        if month == 9:
            self.reopen_april()

    def work(self, month: int) -> None:
        """A planned task for everyone who is here and at work, and what else the month brought."""
        here = [staff for staff in TRACKERS if (month >= 5 or staff != "p09") and (staff, month) != ("p11", 8)]
        for staff in here:
            self.history.record(f"9/{month}/2026", planned(staff, month, f"20/{month}/2026"))
        if month == 6:
            self.record("9/6/2026", assigned("p07-6b", due="25/6/2026", coefficient="1", title="Biểu hộ nghèo"))
        if month == 7:  # June was closed on the 5th
            self.record("9/7/2026", reported("p07-6b", "9/7/2026"), completed("p07-6b", "9/7/2026"))
        if month == 10:
            storm = assigned("p07-10b", due="16/10/2026", origin="ad_hoc", title="Khắc phục bão số 6")
            self.record("9/10/2026", storm)
            self.record("16/10/2026", reported("p07-10b", "16/10/2026"), completed("p07-10b", "16/10/2026"))
        if month == 4:
            self.record("9/4/2026", planned("p03", 4, "30/4/2026"))
            self.finish("p03-4", "16/4/2026")
        for staff in here:
            if (staff, month) in RETURNED:
                task, on = f"{staff}-{month}", f"17/{month}/2026"
                self.record(on, reported(task, on), returned(task, f"20/{month}/2026", 2, failure=True))
        for last, late in ((18, False), (23, True)):
            for staff in here:
                if ((staff, month) in LATE) == late and (staff, month) not in UNDONE:
                    self.finish(f"{staff}-{month}", f"{last}/{month}/2026")

    def finish(self, task: str, on: str) -> None:
        self.record(on, reported(task, on), completed(task, on))

    def assess(self, month: int, on: str, *, but: Collection[str] = ()) -> None:
        """Self-scores, what the trackers confirm of them, and the Chairman's d, đ and e."""
        self.on(on)
        for staff, tracker in TRACKERS.items():
            if staff not in but and (staff != "p09" or month >= 5):
                self.score(staff, tracker, month)
        reasons = {"d": "Người được theo dõi đều đạt", "dd": "Điều hành đúng kế hoạch", "e": "Nội bộ đoàn kết"}
        body = {"d": 100, "dd": 50 if month == 2 else 100, "e": 100, "reasons": reasons, "by": "p01"}
        self.done("p01", f"{RATINGS}/p05/periods/{named(month)}/leader-criteria", body)

    def score(self, staff: str, tracker: str, month: int) -> None:
        path = f"{RATINGS}/{staff}/periods/{named(month)}/common"
        self.done(staff, path, {"items": FULL, "stage": "self", "by": staff})
        items = period_common(named(month), COMMON[staff]).items
        self.done(tracker, path, {"items": items, "stage": "confirmed", "by": tracker})

    def close(self, month: int, *staff: str) -> Any:
        """By the Office, its own by the Chairman."""
        only = {"staff": list(staff)} if staff else {}
        by = "p01" if "p14" in staff else "p14"
        return self.done(by, f"{BASE}/periods/{named(month)}/closing", {"by": by} | only)

    def reopen(self, month: int, staff: str, reason: str) -> Any:
        body = {"by": "p01", "reason": reason, "staff": [staff]}
        return self.done("p01", f"{BASE}/periods/{named(month)}/reopening", body)

    def reopen_april(self) -> None:
        """The Office's task of April was late for a cause that is confirmed in September only."""
        self.record("7/9/2026", cause("p14-4", 1))
        self.seen["april before"] = self.period("p14", 4)
        self.seen["reopened"] = self.reopen(4, "p14", "Xác nhận nguyên nhân khách quan của tháng 4")
        late = self.send("p01", f"{BASE}/periods/{named(6)}/closing", {"by": "p01", "staff": ["p14"]})
        self.seen["out of order"] = late.json
        for month in range(4, 9):
            self.close(month, "p14")
        self.seen["april after"] = self.period("p14", 4)

    def december(self) -> None:
        """The month of the rating: p14's points are not confirmed yet, a result of p11 waits."""
        for staff in TRACKERS:
            self.history.record("6/12/2026", planned(staff, 12, "10/12/2026"))
        self.record("6/12/2026", assigned("p07-12b", due="28/12/2026", coefficient="2", title="Báo cáo tổng kết năm"))
        for staff in ("p05", "p07", "p09", "p14", "p30"):
            self.finish(f"{staff}-12", "9/12/2026")
        self.record("9/12/2026", reported("p11-12", "9/12/2026"))
        self.assess(12, "11/12/2026", but={"p14"})
        common = {"items": dict.fromkeys(("k1", "k2", "k3", "k4"), "tot"), "stage": "confirmed"}
        self.done("p01", f"{RATINGS}/p03/common", {**common, "by": "p01"})
        self.done("admin", f"{RATINGS}/p01/common", {**common, **OUTSIDE, "by": "external"})
        self.done("admin", f"{YEAR}/units/{COMMUNE}/result", {**GOOD, **OUTSIDE, "outstanding": True, "by": "external"})
        self.done("p01", f"{YEAR}/units/kinh-te/result", {**GOOD, "by": "p01"})
        self.done("p01", f"{YEAR}/units/van-xa/result", {**GOOD, "by": "p01"})

    def propose(self) -> None:
        self.on("12/12/2026")
        self.seen["proposals"] = {each["staff"]: each for each in self.done("p14", f"{YEAR}/proposals", {"by": "p14"})}
        self.seen["waited"] = self.seen["proposals"]["p11"]
        self.record("12/12/2026", completed("p11-12", "9/12/2026"))
        self.now += timedelta(hours=1)
        self.seen["proposals"]["p11"] = self.done("p14", f"{RATINGS}/p11/proposal", {"by": "p14"})
        self.seen["proposed table"] = self.ask(RATINGS)

    def decide(self) -> None:
        """Two of three xuất sắc go beyond the quota; the Chairman decides tốt for p09 and p11, with the reason."""
        self.on("13/12/2026")
        people = ("p03", *TRACKERS)
        for staff in people:
            self.done(staff, f"{RATINGS}/{staff}/self-assessment", {"level": "tot"})
        self.on("14/12/2026")
        for typed_by, voted_on in (("p14", [staff for staff in people if staff != "p14"]), ("p03", ["p14"])):
            votes = [{"staff": staff, "level": "tot", "for": 17, "against": 2} for staff in voted_on]
            minutes = {"held_on": "2026-12-14", "present": 19, "absent": 1, "votes": votes}
            self.done(typed_by, f"{YEAR}/meeting", minutes)
        for staff in ("p03", "p05"):
            said = {"by_body": "Đảng ủy xã", "text": "Nhất trí mức tốt", "level": "tot"}
            self.done("p14", f"{RATINGS}/{staff}/opinion", said)
        self.on("15/12/2026")
        for staff in ("p01", *people):
            said = self.seen["proposals"][staff]
            body = {"proposal": said["proposal"], "level": said["level"], "by": "p01" if staff != "p01" else "external"}
            if staff == "p01":
                above = {"decision_number": "1187/QĐ-UBND", "decided_on": "2026-12-14", "document_sha256": "d" * 64}
                body |= above
            if staff in ("p09", "p11"):
                body |= {"level": "tot", "differs_reason": "Vượt tỷ lệ xuất sắc của xã"}
            self.done("p01" if staff != "p01" else "admin", f"{RATINGS}/{staff}/decision", body)
        self.on("16/12/2026")
        for staff in people:
            self.done("p14" if staff != "p14" else "p01", f"{RATINGS}/{staff}/notice", {})
        self.seen["published"] = self.done("p14", f"{YEAR}/publication", {"on": "2026-12-16"})
        self.seen["decided"] = {staff: self.course(staff) for staff in people}

    def appeal(self) -> None:
        """p11 was late in May for a cause that nobody had confirmed: upheld, May reopened, rated again."""
        self.on("18/12/2026")
        path = f"{RATINGS}/p11"
        filed = self.done("p11", f"{path}/appeals", {"text": "Tháng 5 trễ do chờ số liệu của tỉnh"})
        self.seen["appeal"] = filed
        self.record("22/12/2026", cause("p11-5", 1))
        resolution = {"outcome": "upheld", "by": "p01", "text": "Chấp nhận"}
        self.done("p01", f"{path}/appeals/{filed['appeal']}/resolution", resolution)
        self.seen["may reopened"] = self.reopen(5, "p11", "Theo kết quả giải quyết kiến nghị")
        for month in (*range(5, 8), *range(9, 12)):  # in August p11 was away
            self.close(month, "p11")
        self.on("23/12/2026")
        again = self.done("p14", f"{path}/proposal", {"by": "p14"})
        first = self.course("p11")["standing"]["decision"]
        body = {"proposal": again["proposal"], "level": again["level"], "replaces": first["event"], "by": "p01"}
        self.done("p01", f"{path}/re-rating", body | {"reason": "Theo kết quả giải quyết kiến nghị"})
        self.seen["re-rated"] = self.course("p11")

    def after(self) -> None:
        """A result of November turns out wrong, a task of late December is never done, December is closed."""
        self.record("28/12/2026", reopened("p07-11", "30/12/2026", 2, failure=True))
        self.score("p14", "p03", 12)
        self.on("5/1/2027")
        self.seen["closed 12"] = self.close(12)


def planned(staff: str, month: int, due: str) -> Any:
    title = f"Báo cáo tháng {month}"
    return assigned(f"{staff}-{month}", lead=staff, due=due, coefficient=COEFFICIENTS.get(staff), title=title)
