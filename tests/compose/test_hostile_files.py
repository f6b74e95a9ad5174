"""The container of tasks, with its 320 MB, survives every file that wants its memory or time."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cchc.secrets import SIGNING
from shared.web.keys import load_key
from tests.compose.office import ADMIN, NotDone, Office
from tests.compose.stack import Stack, stack
from tests.compose.test_compose import offices, take
from tests.support import hostile
from tests.support.servers import Found

STATUS = re.compile(r": (\d{3}) \{")
# What gunicorn says of a worker that the kernel ended.
LOST = ("SIGKILL", "out of memory", "WORKER TIMEOUT")


def state(deployed: Stack) -> tuple[str, int, bool]:
    """Since when the container of tasks runs, how often it was started again, and whether its memory ran out."""
    [container] = deployed.containers("tasks")
    [said] = json.loads(deployed.docker("inspect", container))
    return said["State"]["StartedAt"], said["RestartCount"], said["State"]["OOMKilled"]


def status_of(office: Office, who: str, path: str, name: str) -> int:
    content = (hostile.FILES | hostile.EVIDENCE)[name]()
    try:
        office.upload(who, path, name, content)
    except NotDone as refused:
        match = STATUS.search(str(refused))
        return int(match[1]) if match else 0  # not answered
    return 200


def test_the_container_of_tasks_survives_every_file(container_engine: Found, tmp_path: Path):
    with stack() as deployed:
        key = tmp_path / SIGNING
        as_operator = ("run", "--rm", "-T", "--entrypoint", "cat", "cchc")
        key.write_text(deployed.compose(*as_operator, f"/run/cchc/operator/{SIGNING}"))
        [office, *_] = offices(deployed.address, load_key(key))
        take(office.live(1), 12)
        [task] = office.give_out("p15", 1)
        before = state(deployed)
        sent = [(ADMIN, "/imports/roster", name) for name in hostile.FILES]
        sent += [("p15", f"/tasks/{task}/evidence", name) for name in hostile.EVIDENCE]
        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(lambda each: status_of(office, *each), sent))
        assert set(statuses) <= {200, 413, 422}, dict(zip(sent, statuses, strict=True))
        assert office.again == 0
        assert state(deployed) == before
        lines = deployed.compose("logs", "--no-color", "tasks").splitlines()
        assert [line for line in lines if any(word in line for word in LOST)] == []
        office.give_out("p15", 1)
