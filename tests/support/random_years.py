"""Random years of a commune: whatever the two logs may hold, in any order that the fold takes."""

from datetime import date, timedelta
from random import Random
from typing import Any

import msgspec

from shared import events as ev
from shared.events.values import TaskPin
from tests.support import histories as h
from tests.support.histories import History

STAFF = ("p07", "p08", "p09")
CATEGORIES = ("cong_chuc", "cong_chuc", "cong_chuc", "can_bo", "khong_chuyen_trach", "dau_moi")
COEFFICIENTS = (None, "1", "1.5", "2", "3", "5/2")


class _Task:
    """What the fold asks of a task's events, and no report before the assignment: versions that go up, a reopening only
    after an acceptance."""

    def __init__(self, name: str, lead: str, given: date) -> None:
        self.name, self.lead, self.given, self.version = name, lead, given, 1
        self.accepted = False
        self.reported: date | None = None

    def next(self) -> int:
        self.version += 1
        return self.version


class RandomYear:
    """One commune from the autumn before the rating year to the spring after it, from a seed."""

    def __init__(self, random: Random, year: int, steps: int) -> None:
        self.random, self.year = random, year
        self.history = History()
        self.tasks: list[_Task] = []
        self.acts: list[tuple[str, str]] = []
        self.today = date(year - 1, 11, 1)
        self.history.record(self.today, h.opened())
        for staff in STAFF:
            begins = min(self.today, self._near(200)) if staff != STAFF[-1] or self._maybe() else self._near(300)
            self.history.record(self.today, self._appointed(staff, begins))
        span = 520
        actions, weights = zip(*_ACTIONS, strict=True)
        for _ in range(steps):
            self.today += timedelta(days=min(span, random.choice((0, 0, 0, 1, 1, 2, 3, 5, 9))))
            if self.today > date(year + 1, 4, 1):
                break
            event = random.choices(actions, weights)[0](self)
            if event is not None:
                self.history.record(self.today, *(event if isinstance(event, list) else [event]))

    def _near(self, days: int) -> date:
        return self.today + timedelta(days=self.random.randint(-days, days))

    def _before(self, days: int) -> date:
        return self.today - timedelta(days=self.random.randint(0, days))

    def _soon(self) -> date | None:
        return None if self.random.random() < 0.1 else self.today + timedelta(days=self.random.randint(-3, 40))

    def _due(self) -> date:
        return self.today + timedelta(days=self.random.randint(0, 30))

    def _staff(self) -> str:
        return self.random.choice(STAFF[:2]) if self.random.random() < 0.9 else STAFF[2]

    def _maybe(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def _task(self) -> _Task | None:
        return self.random.choice(self.tasks[-12:]) if self.tasks else None

    def _period(self, around: date) -> str:
        if self._maybe(0.12):
            return f"{around.year}-Q{(around.month - 1) // 3 + 1}"
        return f"{around.year}-{around.month:02}"

    def _stage(self) -> Any:
        return self.random.choice(("self", "confirmed", "confirmed"))

    # What may happen

    def _appointed(self, staff: str, since: date) -> Any:
        return h.appointed(
            staff,
            since=since,
            category=self.random.choice(CATEGORIES),
            leader=self._maybe(0.25),
            leads_unit=self.random.choice((None, "xa", "vp")),
            rated=self._maybe(0.95),
            service_from=since - timedelta(days=self.random.randint(1, 200)) if self._maybe(0.2) else None,
        )

    def appoint(self) -> Any:
        return self._appointed(self._staff(), self._near(60))

    def change(self) -> Any:
        fields: dict[str, Any] = self.random.choice(
            (
                {"leader": self._maybe()},
                {"category": self.random.choice(CATEGORIES)},
                {"leads_unit": self.random.choice((None, "xa", "vp"))},
                {"rated": self._maybe(0.8)},
                {"service_from": self.random.choice((None, self._near(300)))},
            )
        )
        return h.changed(self._staff(), self._near(60), **fields)

    def leave(self) -> Any:
        return h.left(self._staff(), self._near(60))

    def absent(self) -> Any:
        begin = self._near(60)
        end = None if self._maybe(0.1) else begin + timedelta(days=self.random.choice((0, 5, 20, 45, 91, 130)))
        kind = self.random.choice(("insured", "protected", "unpaid", "other"))
        return h.absent(self._staff(), begin, end, kind=kind, absence=self.random.choice("abc"))

    def discipline(self) -> Any:
        staff, act = self._staff(), self.random.choice("xy")
        self.acts.append((staff, act))
        said = h.disciplined(
            staff,
            self._near(90),
            act=act,
            of=self.random.choice(("party", "administration")),
            used_in_year=self.random.choice((None, None, self.year, self.year - 1)),
        )
        grave = {"public_duty": self._maybe(), "degradation": self._maybe(0.2), "act_date": self._near(200)}
        return msgspec.structs.replace(said, **grave)

    def withdraw_act(self) -> Any:
        if not self.acts:
            return None
        staff, act = self.acts[-1]
        self.acts = [one for one in self.acts if one != (staff, act)]
        return h.discipline_withdrawn(staff, act)

    def assign(self) -> Any:
        given = self._before(10) if self._maybe(0.15) else self.today
        task = _Task(f"t{len(self.tasks)}", self._staff(), given)
        parent = self._task()
        more: dict[str, Any] = {
            "coefficient": self.random.choice(COEFFICIENTS),
            "origin": self.random.choice(("planned", "planned", "planned", "ad_hoc", "taken_over", "merged")),
            "parent": parent.name if parent and self._maybe(0.15) else None,
        }
        event = h.assigned(
            task.name,
            due=self._soon(),
            lead=task.lead,
            assigned_on=given.strftime("%d/%m/%Y") if given < self.today else None,
            **more,
        )
        self.tasks.append(task)
        return event

    def revise(self) -> Any:
        if (task := self._task()) is None:
            return None
        if self._maybe():
            return h.recomputed(task.name, self._near(20), task.next())
        return h.confirmed(task.name, self._soon(), task.next())

    def ask(self) -> Any:
        task = self._task()
        return h.asked(task.name, self._due()) if task else None

    def answer(self) -> Any:
        if (task := self._task()) is None:
            return None
        if self._maybe(0.3):
            return h.refused(task.name)
        if self._maybe(0.1):
            return ev.ExtensionGranted(task=task.name, by="ct", late=False, reason="Đã lùi hạn chung")
        return h.granted(task.name, self._due(), task.next())

    def report(self) -> Any:
        if (task := self._task()) is None:
            return None
        on = self.today if self._maybe(0.7) else max(task.given, self._before(8))
        task.reported = task.reported or on
        return h.reported(task.name, on)

    def return_(self) -> Any:
        if (task := self._task()) is None:
            return None
        task.reported = None
        return h.returned(task.name, self._due(), task.next(), failure=self._maybe(0.4))

    def complete(self) -> Any:
        if (task := self._task()) is None:
            return None
        on = task.reported
        before = [] if on else [h.reported(task.name, self.today)]
        task.accepted, task.reported = True, None
        met, exceeded = self._maybe(0.85), self._maybe(0.5)
        return [*before, h.completed(task.name, on or self.today, met=met, exceeded=exceeded)]

    def reopen(self) -> Any:
        task = self._task()
        if task is None or not task.accepted:
            return None
        return h.reopened(task.name, self._due(), task.next(), failure=self._maybe(0.4))

    def excuse(self) -> Any:
        if (task := self._task()) is None:
            return None
        version = self.random.randint(1, task.version) if self._maybe(0.6) else None
        of = self.random.choice(("lateness", "lateness", "quality"))
        return h.cause(task.name, version if of == "lateness" else None, of=of)

    def hand_back(self) -> Any:
        task = self._task()
        return h.handed_back(task.name, self.random.choice(("unable", "reassigned"))) if task else None

    def cancel(self) -> Any:
        task = self._task()
        return h.cancelled(task.name) if task else None

    def correct(self) -> Any:
        task = self._task()
        return h.corrected_coefficient(task.name, self.random.choice(("1", "2", "7/2"))) if task else None

    def grade(self) -> Any:
        grades = {f"k{n}": self.random.choice(("tot", "tot", "tot", "dap_ung", "khong")) for n in range(1, 5)}
        if self._maybe(0.3):
            grades = {"k2": self.random.choice(("tot", "khong"))}
        return h.common(self._staff(), self.year, stage=self._stage(), **grades)

    def score(self) -> Any:
        period, total = self._period(self.today), str(self.random.choice((10, 20, "27.5", 28, 30)))
        stage = self._stage()
        said = h.period_common(period, total, self._staff(), stage=stage)
        if self._maybe(0.1):
            some = self.random.sample(sorted(said.items), 3)
            said = msgspec.structs.replace(said, items={name: said.items[name] for name in some})
        return said

    def lead(self) -> Any:
        marks = {name: self.random.choice((50, 100, 100)) for name in ("d", "dd", "e")}
        return h.leader_criteria(self._period(self.today), self._staff(), **marks)

    def receive(self) -> Any:
        period, score = self._period(self._near(60)), self.random.choice(("88.5", "100", "181/2"))
        return h.period_received(period, score, self._staff())

    def close(self) -> Any:
        before = self.today.replace(day=1) - timedelta(days=1)
        if self._maybe(0.3):
            before = self._before(150).replace(day=1) - timedelta(days=1)
        period = self._period(before)
        if period[5] == "Q" and before.month % 3:
            return None
        staff = self.random.sample(STAFF, self.random.randint(1, len(STAFF)))
        said = h.period_closed(period, self.history, self.today, *staff)
        if self._maybe(0.2):  # the reader of the other log lags behind
            behind = [max(0, one.position - self.random.randint(0, 9)) for one in said.inputs]
            inputs = [msgspec.structs.replace(one, position=at) for one, at in zip(said.inputs, behind, strict=True)]
            said = msgspec.structs.replace(said, inputs=inputs)
        return said

    def close_in_order(self) -> Any:
        """What an office does that is late: month after month, or all of them anew behind a reopening."""
        first = self._before(150)
        months = [date(first.year, month, 1) for month in range(first.month, 13)]
        names = [f"{month.year}-{month.month:02}" for month in months if month + timedelta(days=31) < self.today]
        for name in names:
            self.history.record(self.today, h.period_closed(name, self.history, self.today, *STAFF[:2]))
        return h.period_reopened(self.random.choice(names), *STAFF[:2]) if names and self._maybe(0.3) else None

    def carry_over(self) -> Any:
        """A task of a merged commune, with its whole life there."""
        there, lead = History(), self._staff()
        name, given = f"t{len(self.tasks)}", self.today - timedelta(days=self.random.randint(30, 200))
        day = [given + timedelta(days=self.random.randint(5 * n, 6 * n)) for n in range(5)]
        life = [
            (given, h.assigned(name, due=day[self.random.randint(1, 3)], lead=lead, origin="taken_over")),
            (day[1], h.asked(name, day[3])),
            (day[2], h.granted(name, day[3], 2)),
            (day[3], h.reported(name, day[3])),
            (day[4], h.completed(name, day[3], met=self._maybe())),
        ]
        for on, data in life[: self.random.randint(1, 5)]:
            there.record(on, data)
        past = [
            ev.PastEvent(type=one.type, time=one.time, data=msgspec.to_builtins(one.data)) for one in there.envelopes()
        ]
        task = _Task(name, lead, given)
        task.version, task.accepted = 2 if len(past) >= 3 else 1, len(past) == 5
        task.reported = day[3] if len(past) == 4 else None
        self.tasks.append(task)
        pin = TaskPin(task=name, commune="xa-cu", position=len(past), hash="0" * 64)
        return ev.TaskCarriedOver(task=name, from_=pin, history=past)

    def reopen_period(self) -> Any:
        return h.period_reopened(self._period(self._near(90)), *self.random.sample(STAFF, 2))

    def unit(self) -> Any:
        some = self.random.choice
        figures = {
            "targets": some((0, 10, 10, 10)),
            "completed": some((4, 5, 7, 8, 10, 10)),
            "on_time_quality": some((7, 8, 10)),
            "exceeded": some((4, 5)),
            "units_hoan_thanh": some((6, 7, 10, 10)),
            "units_tot": some((6, 7)),
            "corruption": self._maybe(0.1),
            "level": some((None, "tot", "hoan_thanh", "xuat_sac")),
        }
        return h.unit_result(some(("xa", "vp")), self.year, **figures)

    def define(self) -> Any:
        since = self._near(60)
        until = since + timedelta(days=self.random.randint(30, 400)) if self._maybe(0.2) else None
        return h.unit_defined(self.random.choice(("xa", "vp")), self.random.choice((None, *STAFF)), since, until)

    def choose(self) -> Any:
        some = self.random.choice
        chosen: dict[str, Any] = some(
            (
                {"cut_off": some(("12-10", "11-30", "12-31"))},
                {"min_tasks": some((1, 3, 5))},
                {"blank_coefficient": some(("1", "2", "1/2"))},
                {"late_reading": some(("deduct", "zero"))},
                {"cap": some(("total", "each", "none"))},
                {"days_6_months": some((120, 180)), "days_3_months": some((60, 90))},
                {"period": some(("month", "month", "quarter"))},
            )
        )
        return h.settings(self.year, **chosen)

    def pick(self) -> Any:
        return h.rule_set_chosen(
            self.random.choice(("nd90", "nd335", "none")), self.random.choice(CATEGORIES), self.year
        )


_ACTIONS = (
    (RandomYear.assign, 30),
    (RandomYear.report, 22),
    (RandomYear.complete, 22),
    (RandomYear.return_, 8),
    (RandomYear.revise, 6),
    (RandomYear.ask, 6),
    (RandomYear.answer, 7),
    (RandomYear.reopen, 6),
    (RandomYear.excuse, 6),
    (RandomYear.hand_back, 4),
    (RandomYear.cancel, 2),
    (RandomYear.correct, 3),
    (RandomYear.score, 22),
    (RandomYear.grade, 4),
    (RandomYear.lead, 9),
    (RandomYear.close, 12),
    (RandomYear.close_in_order, 2),
    (RandomYear.carry_over, 2),
    (RandomYear.reopen_period, 2),
    (RandomYear.receive, 3),
    (RandomYear.unit, 2),
    (RandomYear.define, 1),
    (RandomYear.choose, 2),
    (RandomYear.pick, 1),
    (RandomYear.absent, 2),
    (RandomYear.discipline, 1),
    (RandomYear.withdraw_act, 1),
    (RandomYear.change, 1),
    (RandomYear.appoint, 1),
    (RandomYear.leave, 1),
)
