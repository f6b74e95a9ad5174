"""What the people of a commune send in a year, by a client that sends again when it gets no answer."""

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CALENDAR = Path(__file__).parents[2] / "demo" / "data" / "lich-lam-viec" / "2025.json"
YEAR = 2025  # long over, so that every figure is what it is, whatever the day of the test
ADMIN = "admin"
# Who has tasks, and what can become of them: all as they should be, most, some.
FATES = {
    "p15": ("done",),
    "p16": ("done", "done", "done", "done", "excused"),
    "p17": ("done", "done", "late", "poor", "excused", "never"),
}
STAFF = tuple(FATES)
AWAY = {502, 503, 504}
PATIENCE_S = 120.0


class NotDone(Exception):
    """A request that was answered, and refused."""


class Office:
    """One commune's people at their desks. `token` mints one for a staff id, or for the operator.

    `sent` counts requests, `again` those that were sent once more under the same Idempotency-Key.
    """

    def __init__(self, address: str, commune: str, token: Callable[[str, str], str]) -> None:
        self.address, self.commune = address, commune
        self.sent = self.again = 0
        self.reached = {"tasks": 0, "scoring": 0}
        self.attempted = threading.Event()
        self._token, self._tokens = token, dict[str, str]()

    def send(self, who: str, path: str, body: Any, *, service: str = "tasks", based_on: int | None = None) -> Any:
        """A command, until it is answered; what it answers."""
        self.sent += 1
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{self.commune}-{self.sent}"}
        if based_on is not None:
            headers["If-Match"] = f'"{based_on}"'
        answer = self._ask(who, service, path, headers, "POST", json.dumps(body).encode())
        found = json.loads(answer) if answer else {}
        self.reached[service] = found.get("position", self.reached[service])
        return found

    def ask(self, who: str, path: str, *, service: str = "scoring") -> Any:
        """A question, answered with all that this office has recorded so far."""
        source = "scoring" if self.reached["scoring"] else "tasks"
        wait = {"Cchc-Wait-For": f"{source}/{self.commune}/{self.reached[source]}"}
        return json.loads(self._ask(who, service, path, wait))

    def upload(self, who: str, path: str, name: str, content: bytes) -> Any:
        """A file as a browser's form sends it."""
        kind = {"Content-Type": "multipart/form-data; boundary=----ranh-gioi"}
        head = f'------ranh-gioi\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n------ranh-gioi--\r\n"
        return json.loads(self._ask(who, "tasks", path, kind, "POST", body))

    def log(self, service: str) -> list[bytes]:
        """The stored bytes of every event, from the feed."""
        found: list[bytes] = []
        while lines := self._ask(ADMIN, service, f"/events?after={len(found)}", {}).splitlines():
            found += lines
        return found

    def _ask(
        self, who: str, service: str, path: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
    ) -> bytes:
        url = f"{self.address}/api/v1/{service}/communes/{self.commune}{path}"
        if who not in self._tokens:
            self._tokens[who] = self._token(self.commune, who)
        headers |= {"Authorization": f"Bearer {self._tokens[who]}"}
        end, first = time.monotonic() + PATIENCE_S, True
        while True:
            self.again += not first
            first = False
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, body, headers, method=method), timeout=20
                ) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as error:
                said = error.read().decode()
                if error.code not in AWAY or time.monotonic() > end:
                    raise NotDone(f"{method} {url}: {error.code} {said}") from None
            except OSError as error:
                if time.monotonic() > end:
                    raise NotDone(f"{method} {url}: {error}") from error
            finally:
                self.attempted.set()
            time.sleep(0.2)  # as a client does that was told to try again

    # The year

    def live(self, seed: int) -> Iterator[None]:
        """The year 2025, command by command; the same seed makes the same year."""
        chance = random.Random(seed)
        yield from self._open()
        tasks = []
        for month in range(2, 11):
            for lead in STAFF:
                tasks.append((month, lead, self._assign(month, lead)))
                yield
        for month, lead, task in tasks:
            yield from self._work(month, lead, task, chance.choice(FATES[lead]))
        yield from self._rate()

    def _open(self) -> Iterator[None]:
        day = f"{YEAR}-01-01"
        self.send(ADMIN, "", {"name": f"xã {self.commune}", "code": "20878", "valid_from": day})
        yield
        published = json.loads(CALENDAR.read_text("utf-8"))
        calendar = {name: published[name] for name in ("days_off", "working_weekends")}
        self.send(ADMIN, f"/calendars/{YEAR}", {"calendar": "vn-2025-r1", **calendar})
        yield
        posts: dict[str, Any] = {
            "p01": {"category": "can_bo", "roles": ["chair"], "leader": True, "rater": "external"},
            "p03": {"category": "can_bo", "roles": ["vice_chair"], "leader": True, "tracker": "p01"},
            "p14": {"category": "cong_chuc", "roles": ["office", "staff"], "tracker": "p03"},
        } | {staff: {"category": "cong_chuc", "roles": ["staff"], "tracker": "p03"} for staff in STAFF}
        for staff, post in posts.items():
            said = {"post": f"Vị trí {staff}", "unit": self.commune, "valid_from": day, **post}
            self.send(ADMIN, f"/staff/{staff}/appointment", said)
            yield

    def _assign(self, month: int, lead: str) -> str:
        said = {
            "title": f"Báo cáo tháng {month} của {lead}",
            "lead": lead,
            "due": {"date": f"{YEAR}-{month:02}-20"},
            "assigned_on": f"{YEAR}-{month:02}-03",
            "field": month % 8,
        }
        return str(self.send("p14", "/tasks", said)["id"])

    def _work(self, month: int, lead: str, task: str, fate: str) -> Iterator[None]:
        """The Office types what came on paper; the deputy verifies it."""
        if fate == "never":
            return
        path = f"/tasks/{task}"

        day = 25 if fate in ("late", "excused") else 18
        said = {"summary": "Đã xong", "explanation": "Văn bản giấy", "on": f"{YEAR}-{month:02}-{day}"}
        self.send("p14", f"{path}/report", {**said, "reason": "Nhập sau"}, based_on=1)
        yield
        self.send("p03", f"{path}/acceptance", {"quality": "not_met" if fate == "poor" else "met"}, based_on=2)
        yield
        if fate == "excused":
            cause = {"of": "lateness", "reason": "Bão số 3", "document": "12/XN-UBND"}
            self.send("p03", f"{path}/causes", cause, based_on=3)
            yield

    def _rate(self) -> Iterator[None]:
        year = f"/years/{YEAR}"
        self.ask("p14", f"{year}/ratings")  # scoring has caught up
        items = dict.fromkeys(("k1", "k2", "k3", "k4"), "tot")
        for staff in ("p03", "p14", *STAFF):
            said = {"items": items, "stage": "confirmed", "by": "p01"}
            self.send("p01", f"{year}/ratings/{staff}/common", said, service="scoring")
            yield
        proposed = self.send("p14", f"{year}/proposals", {"by": "p14"}, service="scoring")["result"]
        yield
        levels = {each["staff"]: each for each in proposed if each["staff"] in STAFF and each["proposal"]}
        for staff in levels:
            self.send(staff, f"{year}/ratings/{staff}/self-assessment", {"level": "tot"}, service="scoring")
            yield
        votes = [{"staff": staff, "level": "hoan_thanh", "for": 5, "against": 1} for staff in levels]
        met = {"held_on": f"{YEAR}-12-10", "present": 6, "absent": 0, "votes": votes}
        self.send("p14", f"{year}/meeting", met, service="scoring")
        yield
        for staff, each in levels.items():
            said = {"proposal": each["proposal"], "level": "hoan_thanh", "by": "p01"}
            differs = {} if each["level"] == "hoan_thanh" else {"differs_reason": "Theo biểu quyết"}
            self.send("p01", f"{year}/ratings/{staff}/decision", said | differs, service="scoring")
            yield

    def give_out(self, lead: str, count: int) -> list[str]:
        """Tasks of which nothing came; their ids."""
        return [self._assign(1 + number % 9, lead) for number in range(count)]

    # What came of it

    def ratings(self) -> Any:
        """Everybody's year without what depends on the moment of recording: ids, positions, times."""
        year = f"/years/{YEAR}/ratings"
        rows = self.ask("p14", year)["result"]["rows"]
        return {row["staff"]: [row, self.ask("p14", f"{year}/{row['staff']}")["result"]] for row in rows}
