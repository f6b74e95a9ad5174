"""Histories of one commune for tests: days and events become chained envelopes that a log could hold as they are.

    history = History().record("1/1", appointed("p07")).record("14/6", assigned("t1", due="30/6"))

Days are written as in the field: "30/6" is of 2024, other years are named ("5/1/2025").
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any, Self, TypeAlias

from services.scoring.domain.fold import evolve
from services.scoring.domain.records import Records
from shared import events as ev
from shared.events import CATALOGUE, GENESIS_HASH, Due, Envelope, Exceeded, UnitFigures

Day: TypeAlias = str | date

COMMUNE = "tien-canh"
YEAR = 2024


def day(text: Day) -> date:
    """A day as people write it: "30/6" (of 2024) or "30/6/2025"."""
    if isinstance(text, date):
        return text
    parts = [int(part) for part in text.split("/")]
    return date(parts[2] if len(parts) > 2 else YEAR, parts[1], parts[0])


class History:
    """The logs of one commune under construction; every day given must not lie before the last one of its log."""

    def __init__(self, commune: str = COMMUNE) -> None:
        self.commune = commune
        self.bodies: dict[str, list[bytes]] = {"tasks": [], "scoring": []}
        self._streams: dict[tuple[str, str], int] = {}
        self._last: dict[str, str] = {"tasks": "", "scoring": ""}

    def record(self, on: Day, *data: Any, actor: str = "staff/vp") -> Self:
        """Record events on a day, one second after the other from 9:00 in Vietnam."""
        for one in data:
            self._append(day(on), one, actor)
        return self

    def copy(self) -> "History":
        """The same so far; what is recorded in one is not in the other."""
        found = History(self.commune)
        found.bodies = {source: [*bodies] for source, bodies in self.bodies.items()}
        found._streams, found._last = dict(self._streams), dict(self._last)
        return found

    def _append(self, on: date, data: Any, actor: str) -> None:
        source = CATALOGUE.of(data).sources[0]
        log = self.bodies[source]
        position = len(log) + 1
        time = f"{on.isoformat()}T02:{position // 60 % 60:02d}:{position % 60:02d}.000Z"
        assert time[:10] >= self._last[source][:10], f"{on} lies before the last event of {source}"
        time = max(time, self._last[source])
        subject = ev.subject_of(data, self.commune)
        version = self._streams[source, subject] = self._streams.get((source, subject), 0) + 1
        envelope = Envelope(
            specversion="1.0",
            id=ev.uuid7(ev.parse_time(time), position.to_bytes(10, "big")),
            source=f"/{source}",
            type=ev.type_name(data),
            subject=subject,
            time=time,
            commune=self.commune,
            position=position,
            streamversion=version,
            actor=actor,
            previoushash=ev.event_hash(log[-1]) if log else GENESIS_HASH,
            data=data,
        )
        log.append(ev.encode(envelope))
        self._last[source] = time

    def envelopes(self, source: str | None = None) -> list[Envelope]:
        """What a reader decodes, the tasks log before the scoring log."""
        sources: Iterable[str] = [source] if source else self.bodies
        return [ev.decode(body) for one in sources for body in self.bodies[one]]

    def records(self, until: Day | None = None) -> Records:
        """The records as known at the end of a day (default: all)."""
        records = Records(self.commune)
        for envelope in self.envelopes():
            if until is None or envelope.day <= day(until):
                evolve(records, envelope)
        return records


def due(on: Day | None) -> Due:
    return Due(text="thường xuyên") if on is None else Due(text=f"trước ngày {day(on):%d/%m/%Y}", date=day(on))


def opened() -> ev.CommuneOpened:
    return ev.CommuneOpened(name="xã Tiên Cảnh", code="20878", valid_from=day("1/1/2020"))


def appointed(staff: str = "p07", *, since: Day = "1/1/2020", **more: Any) -> ev.StaffAppointed:
    service_from = more.pop("service_from", None)
    fields: dict[str, Any] = {
        "category": "cong_chuc",
        "roles": ["staff"],
        "post": "Công chức Văn phòng - Thống kê",
        "unit": "vp",
        "leader": False,
    }
    return ev.StaffAppointed(
        staff=staff,
        valid_from=day(since),
        service_from=day(service_from) if service_from else None,
        **(fields | more),
    )


def changed(staff: str, since: Day, **fields: Any) -> ev.StaffChanged:
    return ev.StaffChanged(staff=staff, valid_from=day(since), **fields)


def left(staff: str, last: Day) -> ev.StaffLeft:
    return ev.StaffLeft(staff=staff, valid_to=day(last))


def absent(
    staff: str, begin: Day, end: Day | None = None, *, kind: Any = "insured", absence: str = "a1"
) -> ev.AbsenceRecorded:
    return ev.AbsenceRecorded(staff=staff, absence=absence, kind=kind, from_=day(begin), to=day(end) if end else None)


def disciplined(
    staff: str, decided: Day, *, act: str = "h1", of: Any = "administration", used_in_year: int | None = None
) -> ev.StaffDisciplined:
    return ev.StaffDisciplined(
        staff=staff,
        act=act,
        act_date=day("1/3"),
        decision_date=day(decided),
        of=of,
        form="khien_trach",
        public_duty=False,
        degradation=False,
        used_in_year=used_in_year,
    )


def discipline_withdrawn(staff: str, act: str = "h1") -> ev.DisciplineWithdrawn:
    return ev.DisciplineWithdrawn(staff=staff, act=act, reason="Quyết định bị hủy")


def assigned(
    task: str = "t1", *, due: Day | None = "30/6", lead: str = "p07", assigned_on: str | None = None, **more: Any
) -> ev.TaskAssigned:
    fields: dict[str, Any] = {
        "title": f"Nhiệm vụ {task}",
        "collaborators": [],
        "field": 0,
        "coefficient": None,
        "origin": "planned",
        "evidence_required": True,
    }
    return ev.TaskAssigned(
        task=task,
        by="ct",
        product="Báo cáo",
        lead=lead,
        due=_due(due),
        due_version=1,
        assigned_on=day(assigned_on) if assigned_on else None,
        **(fields | more),
    )


_due = due


def confirmed(task: str, due: Day | None, version: int) -> ev.DueConfirmed:
    return ev.DueConfirmed(task=task, due=_due(due), due_version=version, by="vp", reason="Đã rõ thời hạn")


def recomputed(task: str, due: Day, version: int) -> ev.DueRecomputed:
    return ev.DueRecomputed(task=task, due=_due(due), due_version=version, by="vp", reason="Lịch nghỉ mới")


def asked(task: str, due: Day) -> ev.ExtensionRequested:
    return ev.ExtensionRequested(task=task, by="p07", reason="Chờ số liệu", proposed_due=_due(due))


def granted(task: str, due: Day, version: int, *, late: bool = False) -> ev.ExtensionGranted:
    return ev.ExtensionGranted(task=task, by="ct", late=late, reason="Đồng ý", due=_due(due), due_version=version)


def refused(task: str) -> ev.ExtensionRefused:
    return ev.ExtensionRefused(task=task, by="ct", late=False, reason="Không đồng ý")


def reported(task: str, on: Day) -> ev.ResultReported:
    return ev.ResultReported(task=task, by="p07", on=day(on), summary="Đã xong", evidence=[], explanation="Kèm sau")


def returned(task: str, due: Day, version: int, *, failure: bool = False) -> ev.ResultReturned:
    return ev.ResultReturned(
        task=task, by="ct", reason="Thiếu biểu", quality_failure=failure, due=_due(due), due_version=version
    )


def completed(task: str, on: Day, *, met: bool = True, exceeded: bool = False) -> ev.TaskCompleted:
    beyond = Exceeded(kind="early", reason="Xong trước 10 ngày", confirmed_by="ct") if exceeded else None
    return ev.TaskCompleted(
        task=task, verified_by="ct", on=day(on), quality="met" if met else "not_met", exceeded=beyond
    )


def reopened(task: str, due: Day, version: int, *, failure: bool = False) -> ev.TaskReopened:
    return ev.TaskReopened(
        task=task, by="ct", reason="Số liệu sai", quality_failure=failure, due=_due(due), due_version=version
    )


def cause(task: str, version: int | None = None, *, of: Any = "lateness") -> ev.ObjectiveCauseConfirmed:
    return ev.ObjectiveCauseConfirmed(task=task, of=of, reason="Bão số 6", by="ct", due_version=version)


def handed_back(task: str, kind: Any = "unable") -> ev.TaskHandedBack:
    return ev.TaskHandedBack(task=task, by="p07", kind=kind, reason="Không đủ điều kiện")


def cancelled(task: str) -> ev.TaskCancelled:
    return ev.TaskCancelled(task=task, by="ct", reason="Huyện bỏ chỉ tiêu")


def common(staff: str = "p07", year: int = YEAR, *, stage: Any = "confirmed", **items: Any) -> ev.CommonAssessed:
    """Criteria by name; without any, all four `tot`."""
    given = items or dict.fromkeys(("k1", "k2", "k3", "k4"), "tot")
    return ev.CommonAssessed(staff=staff, year=year, items=given, stage=stage, by="ct")


def unit_result(unit: str = "xa", year: int = YEAR, **figures: Any) -> ev.UnitResultRecorded:
    """A unit's year; without figures an excellent one: all ten targets, half exceeded, all units good."""
    best = {
        "targets": 10,
        "completed": 10,
        "on_time_quality": 10,
        "exceeded": 5,
        "units": 10,
        "units_hoan_thanh": 10,
        "units_tot": 7,
    }
    return ev.UnitResultRecorded(unit=unit, year=year, figures=UnitFigures(**(best | figures)), by="ct")


def settings(year: int = YEAR, **chosen: Any) -> ev.SettingsChosen:
    return ev.SettingsChosen(year=year, settings=chosen, by="ct", reason="Theo quy chế của xã")


# nd335, Mẫu số 01: the ten common criteria with the most points of each.
FULL = {"I.1": "5", "I.2": "5"} | {f"{group}.{item}": "2.5" for group in ("II", "III") for item in range(1, 5)}


def period_common(period: str, total: str = "30", staff: str = "p07", *, stage: Any = "confirmed") -> ev.CommonAssessed:
    """All ten criteria of a period, with points that sum up to `total`."""
    left, items = Fraction(total), {}
    for name, most in FULL.items():
        given = min(left, Fraction(most))
        items[name], left = str(given), left - given
    return ev.CommonAssessed(staff=staff, year=int(period[:4]), items=items, stage=stage, by="ct", period=period)


def leader_criteria(
    period: str, staff: str = "p07", *, d: Any = 100, dd: Any = 100, e: Any = 100
) -> ev.LeaderCriteriaRecorded:
    return ev.LeaderCriteriaRecorded(
        staff=staff, year=int(period[:4]), period=period, d=d, dd=dd, e=e, reasons=dict.fromkeys("de", "Đạt"), by="ct"
    )


def period_closed(period: str, history: History, closed_on: Day, *staff: str) -> ev.PeriodClosed:
    """A closing that pins all that the history holds by now."""
    inputs = [ev.Input(source=source, position=len(log), hash="0" * 64) for source, log in history.bodies.items()]
    return ev.PeriodClosed(
        period=period, staff=list(staff) or ["p07"], by="ct", closed_on=day(closed_on), inputs=inputs
    )


def period_reopened(period: str, *staff: str) -> ev.PeriodReopened:
    return ev.PeriodReopened(period=period, staff=list(staff) or ["p07"], by="ct", reason="Sai số liệu")


def period_received(period: str, score: str, staff: str = "p07") -> ev.PeriodResultReceived:
    return ev.PeriodResultReceived(
        staff=staff, year=int(period[:4]), period=period, score=score, from_="xã cũ", by="vp"
    )


def corrected_coefficient(task: str, coefficient: str) -> ev.CoefficientCorrected:
    return ev.CoefficientCorrected(task=task, coefficient=coefficient, reason="Ghi nhầm", by="ct")


def rule_set_chosen(rule_set: str, category: Any = "cong_chuc", year: int = YEAR) -> ev.RuleSetChosen:
    return ev.RuleSetChosen(year=year, category=category, rule_set=rule_set, by="ct", reason="Theo quy chế của xã")


def unit_defined(unit: str, head: str | None, since: Day = "1/1/2020", until: Day | None = None) -> ev.UnitDefined:
    last = day(until) if until else None
    return ev.UnitDefined(unit=unit, kind="department", valid_from=day(since), head=head, valid_to=last)
