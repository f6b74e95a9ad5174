"""The first requests of a web process come to several threads at once."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# In a process of its own: what is made at the first request is made once in a process.
FIRST_REQUESTS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from shared.web.app import create_app
from shared.web.auth import Verifier

app = create_app("notes", blueprints=[], actions={}, verifier=Verifier("no-keys.json"))
together = threading.Barrier(8)

def ask(_):
    together.wait()
    return app.test_client().get("/api/v1/notes/openapi.json").status_code

with ThreadPoolExecutor(8) as pool:
    print(*pool.map(ask, range(8)))
"""


def test_the_first_requests_of_a_process_are_answered_whoever_comes_with_them():
    done = subprocess.run(
        [sys.executable, "-c", FIRST_REQUESTS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["200"] * 8, done.stderr[-2000:]
