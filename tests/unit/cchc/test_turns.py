"""Whose request is next: no person and no commune holds all threads."""

import base64
from collections.abc import Iterable

import msgspec

from cchc.turns import QUEUED, QUEUED_OF_KIND, QUEUED_STRANGERS, Turns

THREADS = 8
BIG = 2 * 1024 * 1024


def headers(person: str, commune: str = "tien-canh", **more: str) -> dict[str, str]:
    claim = base64.urlsafe_b64encode(msgspec.json.encode({"sub": person, "commune": commune})).decode().rstrip("=")
    return {"AUTHORIZATION": f"Bearer e30.{claim}.signature", **more}


def turns(most: int = 1000) -> Turns[str]:
    return Turns(THREADS, most)


def queue(line: Turns[str], who: Iterable[str], size: int = 0, **more: str) -> None:
    for number, person in enumerate(who):
        assert line.wait(f"{person} {number} {size} {more}", headers(person, **more), size, "10.0.0.1")


def test_one_person_leaves_threads_to_others():
    line = turns()
    queue(line, ["p01"] * 20)
    assert len(list(line.begin())) == 6
    queue(line, ["p02"])
    assert [one.split()[0] for one in line.begin()] == ["p02"]


def test_one_commune_leaves_a_thread_to_another():
    line = turns()
    queue(line, [f"p{n:02}" for n in range(20)])
    assert len(list(line.begin())) == 7
    line.wait("other", headers("p01", "thanh-binh"), 0, "10.0.0.1")
    assert list(line.begin()) == ["other"]


def test_requests_that_wait_and_uploads_hold_half_of_the_threads_and_of_one_person_a_quarter():
    for size, more in ((0, {"CCHC_WAIT_FOR": "tasks/tien-canh/9"}), (BIG, {})):
        line = turns()
        queue(line, ["p01"] * QUEUED_OF_KIND, size, **more)
        assert len(list(line.begin())) == 2
        queue(line, ["p02", "p03", "p04", "p05"], size, **more)
        assert len(list(line.begin())) == 2
        queue(line, ["p06"])
        assert len(list(line.begin())) == 1


def test_who_has_fewest_is_next():
    line = turns()
    queue(line, ["p01"] * 20)
    begun = list(line.begin())
    queue(line, ["p02"] * 2)
    line.end(begun[0])
    assert [one.split()[0] for one in line.begin()] == ["p02", "p02"]


def test_too_many_of_one_person_are_refused_and_nobody_elses():
    line = turns()
    queue(line, ["p01"] * QUEUED)
    assert not line.wait("more", headers("p01"), 0, "10.0.0.1")
    queue(line, ["p02"])
    list(line.begin())
    queue(line, ["p01"])  # there is room again


def test_a_forged_claim_takes_nobodys_place_in_the_queue():
    line = turns()
    for number in range(QUEUED):
        forged = headers("p01")
        forged["AUTHORIZATION"] += "x"
        assert line.wait(f"forged {number}", forged, 0, "10.0.0.2")
    queue(line, ["p01"])


def test_strangers_count_by_their_address():
    line = turns()
    for number in range(QUEUED_STRANGERS):
        assert line.wait(f"stranger {number}", {}, 0, "10.0.0.1")
    assert not line.wait("more", {"AUTHORIZATION": ""}, 0, "10.0.0.1")
    assert line.wait("elsewhere", {}, 0, "10.0.0.2")


def test_strangers_of_one_network_count_together():
    line = turns()
    for number in range(QUEUED_STRANGERS):
        assert line.wait(f"stranger {number}", {}, 0, f"2001:db8:0:1::{number:x}")
    assert not line.wait("more", {}, 0, "2001:db8:0:1:ffff::")
    assert line.wait("elsewhere", {}, 0, "2001:db8:0:2::1")


def test_unreadable_tokens_are_strangers():
    line = turns()
    for number, token in enumerate(["x", "a.b.c", "a.!!.c", "." * 5000, "a.bnVsbA.c", "a.e30.c"]):
        assert line.wait(f"{number}", {"AUTHORIZATION": f"Bearer {token}"}, 0, "10.0.0.1")
    assert len(list(line.begin())) == 6


def test_all_that_wait_are_bounded():
    line = turns(most=2)
    queue(line, ["p01", "p02"])
    assert line.full
