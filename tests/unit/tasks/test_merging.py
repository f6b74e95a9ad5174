"""How a commune's log ends in a merger, and with what the new one begins."""

from collections.abc import Iterator
from datetime import date
from typing import Any, get_args

import msgspec
import pytest

from services.tasks.domain.merging import (
    LARGEST_HISTORY,
    PEOPLE,
    UNITS,
    Beginning,
    Former,
    Merger,
    Newcomer,
    Newcomers,
    beginning,
    ending,
    former,
    summary,
)
from shared.events import (
    CATALOGUE,
    MAX_EVENT_BYTES,
    AbsenceRecorded,
    CommuneClosed,
    CommuneOpened,
    DirectiveIssued,
    Exceeded,
    ProgressNoted,
    ResultReported,
    StaffAppointed,
    StaffChanged,
    StaffLeft,
    StaffTakenOver,
    TaskCarriedOver,
    TaskHandedBack,
    UnitDefined,
)
from shared.refusal import Refused
from tests.support import histories as h
from tests.support.histories import History, day

ON = date(2025, 7, 1)
BY = "operator/cchc"


def merger(*communes: str, seat: str = "tien-canh") -> Merger:
    return Merger(
        commune="thanh-binh", name="xã Thạnh Bình", code="20878", on=ON, legal_basis="NQ 1659",
        communes=communes or ("tien-canh",), seat=seat,
    )  # fmt: skip


def appointed(staff: str, *roles: Any, **more: Any) -> StaffAppointed:
    return h.appointed(staff, **({"roles": list(roles) or ["staff"], "unit": "tien-canh"} | more))


def commune(name: str, *events: Any) -> History:
    opened = CommuneOpened(name=f"xã {name}", code="1", valid_from=date(2020, 1, 1))
    return History(name).record("2/1/2025", opened, *events)


def of(history: History, *communes: str, **more: Any) -> Former:
    return former(merger(*communes, **more), history.commune, history.bodies["tasks"])


def begun(*histories: History, newcomers: Newcomers | None = None, seat: str = "tien-canh") -> dict[str, list[Any]]:
    names = [history.commune for history in histories]
    formers = [of(history, *names, seat=seat) for history in histories]
    found: list[Beginning] = beginning(merger(*names, seat=seat), formers, newcomers or {}, BY)
    return {stream.subject: stream.events for stream in found}


# The old log ends


def test_nobody_stays_in_post_and_nothing_runs() -> None:
    history = commune(
        "tien-canh",
        appointed("p01", "chair"),
        appointed("p07"),
        appointed("p08", since="1/8/2025"),
        appointed("p09"),
        h.left("p09", "1/3/2025"),
        h.assigned("t1", due="30/9/2025"),
        h.assigned("t2", due="30/9/2025"),
        h.cancelled("t2"),
    )
    events = ending(merger(), of(history).states, BY)
    assert [(type(one), getattr(one, "staff", None), getattr(one, "valid_to", None)) for one in events[:-2]] == [
        (StaffLeft, "p01", date(2025, 6, 30)),
        (StaffLeft, "p07", date(2025, 6, 30)),
        (StaffLeft, "p08", date(2025, 8, 1)),
    ]
    handed_back, closed = events[-2:]
    assert isinstance(handed_back, TaskHandedBack) and (handed_back.task, handed_back.kind) == ("t1", "reassigned")
    assert closed == CommuneClosed(on=date(2025, 6, 30), successors=["thanh-binh"], legal_basis="NQ 1659")


# The new log begins


def test_people_come_with_their_posts_absences_and_acts_and_go_on_in_the_new_commune() -> None:
    history = commune(
        "tien-canh",
        UnitDefined(unit="vp", kind="department", valid_from=date(2020, 1, 1), head="p07"),
        appointed("p01", "chair"),
        appointed("p07", "office", unit="vp", tracker="p01", since="1/3/2023"),
        h.absent("p07", "1/2/2025", "9/2/2025"),
        h.changed("p07", "1/9/2025", post="Phó Văn phòng"),
    )
    streams = begun(history)
    taken, before, absent, here, later = streams["staff/tien-canh-p07"]
    assert isinstance(taken, StaffTakenOver) and (taken.from_.staff, taken.from_.position) == ("p07", 6)
    assert isinstance(before, StaffAppointed) and before.valid_from == date(2023, 3, 1)
    assert isinstance(absent, AbsenceRecorded) and absent.staff == "tien-canh-p07"
    assert isinstance(here, StaffAppointed) and here.valid_from == ON
    assert (here.unit, here.tracker, here.roles) == ("tien-canh-vp", "tien-canh-p01", ["office"])
    # What was recorded of a later day follows the new post.
    assert isinstance(later, StaffChanged) and later.valid_from == date(2025, 9, 1)
    assert streams["staff/tien-canh-p01"][-1].unit == "thanh-binh"
    assert streams["unit/tien-canh-vp"][0].head == "tien-canh-p07"


def test_only_the_chairs_of_the_seat_stay_in_office() -> None:
    people = (
        appointed("p01", "chair", leads_unit="x"),
        appointed("p02", "vice_chair", "office"),
        appointed("p07", rater="p01"),
    )
    streams = begun(commune("tien-canh", *people), commune("tien-an", *people), seat="tien-an")
    posts = {name.partition("/")[2]: events[-1] for name, events in streams.items() if name.startswith("staff/")}
    assert (posts["tien-an-p01"].roles, posts["tien-canh-p01"].roles) == (["chair"], ["staff"])
    assert (posts["tien-an-p01"].leads_unit, posts["tien-canh-p01"].leads_unit) == ("x", None)
    assert (posts["tien-an-p02"].roles, posts["tien-canh-p02"].roles) == (["vice_chair", "office"], ["office"])
    assert (posts["tien-an-p07"].rater, posts["tien-canh-p07"].rater) == ("tien-an-p01", None)


def test_what_is_said_of_people_goes_before() -> None:
    said = {("tien-canh", "p07"): Newcomer("p70", {"roles": ["office"], "post": "Văn phòng", "tracker": "p10"})}
    said["tien-canh", "p01"] = Newcomer("p10")
    history = commune("tien-canh", appointed("p01"), appointed("p07"), h.assigned("t1", due="30/9/2025"))
    streams = begun(history, newcomers=said)
    post = streams["staff/p70"][-1]
    assert (post.roles, post.post, post.tracker) == (["office"], "Văn phòng", "p10")
    [carried] = streams["task/t1"]
    assert carried.history[0].data["lead"] == "p70"


@pytest.mark.parametrize(
    ("newcomers", "code"),
    [
        ({("tien-canh", "p99"): Newcomer("x")}, "merger-person-unknown"),
        ({("tien-canh", "p07"): Newcomer("tien-canh-p01")}, "merger-same-id"),
        ({("tien-canh", "p07"): Newcomer("p7", {"tracker": "p7"})}, "staff-unknown"),
        ({("tien-canh", "p07"): Newcomer("p7", {"unit": "x"})}, "unit-unknown"),
    ],
)
def test_what_is_said_of_people_must_fit(newcomers: Newcomers, code: str) -> None:
    with pytest.raises(Refused, match=code):
        begun(commune("tien-canh", appointed("p01"), appointed("p07")), newcomers=newcomers)


def test_tasks_come_with_their_life() -> None:
    exceeded = Exceeded(kind="early", reason="Sớm", confirmed_by="p01")
    history = commune("tien-canh", appointed("p01", "chair"), appointed("p07"), appointed("p08"))
    history.record("3/2/2025", h.assigned("t1", due="30/4/2025", collaborators=["p08", "tien-canh", "khac"]))
    history.record("4/4/2025", h.reported("t1", "4/4/2025"), actor="staff/p07")
    accepted = msgspec.structs.replace(h.completed("t1", "4/4/2025"), exceeded=exceeded)
    history.record("5/4/2025", accepted, actor="staff/p01")
    [carried] = begun(history)["task/t1"]
    assert isinstance(carried, TaskCarriedOver)
    assert (carried.from_.commune, carried.from_.task, carried.from_.position) == ("tien-canh", "t1", 7)
    assigned, reported, completed = carried.history
    assert assigned.data["collaborators"] == ["tien-canh-p08", "thanh-binh", "khac"]
    assert [past.time[:10] for past in carried.history] == ["2025-02-03", "2025-04-04", "2025-04-05"]
    assert [past.actor for past in (reported, completed)] == ["staff/tien-canh-p07", "staff/tien-canh-p01"]
    assert completed.data["exceeded"]["confirmed_by"] == "tien-canh-p01"


def test_what_can_not_count_any_more_stays_but_for_parts_of_what_comes() -> None:
    history = History("tien-canh").record("1/1/2022", CommuneOpened(name="x", code="1", valid_from=date(2020, 1, 1)))
    history.record("1/2/2022", appointed("p07"), h.assigned("old", due="1/3/2022"), h.assigned("parent", due=None))
    history.record("2/2/2022", h.assigned("part", due="1/3/2022", parent="parent"))
    history.record("2/2/2022", h.assigned("running", due="1/3/2022"))
    history.record("1/4/2022", *(h.cancelled(name) for name in ("old", "part")))
    history.record("2/4/2022", h.assigned("due", due="1/2/2024"), h.cancelled("due"))
    streams = begun(history)
    assert [name for name in streams if name.startswith("task/")] == [
        f"task/{name}" for name in ("due", "parent", "part", "running")
    ]


def test_a_life_that_is_too_long_for_one_event_comes_in_several() -> None:
    history = commune("tien-canh", appointed("p07"), h.assigned("t1", due="30/9/2025"))
    for _ in range(9):
        history.record("3/2/2025", ProgressNoted(task="t1", by="p07", note="ạ" * 20_000))
    parts = begun(history)["task/t1"]
    assert len(parts) == 3 and sum(len(part.history) for part in parts) == 10
    assert [part.from_.position for part in parts] == [6, 9, 12]
    new = History("thanh-binh").record("1/7/2025", *parts)
    assert all(len(body) <= MAX_EVENT_BYTES and len(body) > LARGEST_HISTORY // 3 for body in new.bodies["tasks"])
    too_long = ResultReported(task="t1", by="p07", on=day("3/2/2025"), summary="ạ" * 87_000, evidence=[])
    with pytest.raises(Refused, match="merger-event-too-large"):
        begun(history.record("3/2/2025", too_long))


def test_directives_say_whose_they_are_and_only_those_that_tasks_rest_on_come() -> None:
    issued = [
        DirectiveIssued(directive=name, number="01/CT-UBND", issued_on=date(2025, 1, 2), title="Công tác")
        for name in ("d1", "d2")
    ]
    task = msgspec.structs.replace(h.assigned("t1", due="30/9/2025"), directive="d1")
    streams = begun(commune("tien-canh", *issued, appointed("p07"), task))
    assert streams["directive/d1"][0].number == "01/CT-UBND (xã tien-canh)" and "directive/d2" not in streams


def test_one_id_is_never_two_things() -> None:
    task = h.assigned("t1", due="30/9/2025")
    histories = [commune(name, appointed("p07"), task) for name in ("tien-canh", "tien-an")]
    with pytest.raises(Refused, match="merger-same-id"):
        begun(*histories)


def test_the_operator_is_told_what_comes_and_what_does_not() -> None:
    history = commune("tien-canh", appointed("p01", "chair"), appointed("p07"), h.assigned("t1", due="30/9/2025"))
    history.record("3/2/2025", h.assigned("t2", due="30/9/2025"), h.reported("t2", "3/2/2025"))
    names = ("tien-canh", "tien-an")
    found = summary(merger(*names, seat="tien-an"), of(history, *names, seat="tien-an"))
    assert (found.people, found.in_post, found.tasks, found.running, found.reported) == (2, 2, 2, 2, 1)
    assert (found.out_of_office, found.templates, found.drafts) == (["p01"], [], 0)


# Whatever holds an id is known to hold one


def texts_of(data: type) -> Iterator[str]:
    """The names of an event's fields that hold a text or a list of texts."""
    for name, kind in data.__annotations__.items():
        kinds = {kind, *get_args(kind)}
        if str in kinds or kind == list[str]:
            yield name


def test_every_text_of_what_comes_over_is_known_to_hold_an_id_or_none() -> None:
    """A field that is added to an event must be put on one of these lists."""
    no_id = {
        "task", "directive", "template", "taken_over_from", "note", "absence", "act", "post", "similar_group",
        "title", "product", "reason", "summary", "explanation", "document",
        "coefficient", "row",
    }  # fmt: skip
    carried = {
        declared.data
        for declared in CATALOGUE
        if declared.subject.partition("/")[0] in {"task", "staff", "unit"} and "tasks" in declared.sources
    }
    named = {name for data in carried for name in texts_of(data)} - {"parent", "collaborators", "into", "questions"}
    assert named <= PEOPLE | UNITS | no_id, named - (PEOPLE | UNITS | no_id)
    assert named | {"confirmed_by"} >= PEOPLE | UNITS
