"""Serving with gunicorn: one service's web processes, or everything in one process."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from gunicorn.app.base import BaseApplication

from cchc.installation import Installation
from cchc.root import create_root
from cchc.settings import SERVICES
from services.scoring.domain import rules
from shared.web.logs import log_to
from shared.web.mount import mount
from shared.worker import Loop, Loops

logger = logging.getLogger(__name__)


class _Gunicorn(BaseApplication):
    """gunicorn, told by a dictionary instead of a command line."""

    def __init__(self, build: Callable[[], Any], options: Mapping[str, Any]) -> None:
        self.build = build
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # After the fork, so that no database connection or thread is inherited.
        app = self.build()
        settle()
        return app


def settle() -> None:
    """Read the rule sets now, and let the collector pass over what stays until the process ends: a large answer makes
    it look at everything, and half of such an answer's time would be that."""
    for name in rules.names():
        rules.installed(name)
    gc.collect()
    gc.freeze()


def serve_all(open_installation: Callable[[], Installation], bind: str) -> None:
    """Every service in one process: one worker with threads, the background loops beside it."""
    running: list[Loops] = []

    def post_worker_init(worker: Any) -> None:
        loops: dict[str, Loop] = {}
        installation = open_installation()
        for service in SERVICES:
            loops |= {f"{service}.{name}": loop for name, loop in installation.loops(service).items()}
        running.append(Loops(loops))
        running[0].start()
        threading.Thread(target=_end_when_failed, args=(running[0], worker), daemon=True).start()

    def worker_exit(_server: Any, _worker: Any) -> None:
        for loops in running:
            loops.stop()

    def build() -> Any:
        installation = open_installation()
        apps: dict[str, Any] = {"/": create_root(installation)}
        apps |= {f"/api/v1/{service}": installation.web(service) for service in SERVICES}
        return mount(apps)

    hooks = {"post_worker_init": post_worker_init, "worker_exit": worker_exit}
    _Gunicorn(build, _options(bind, workers=1) | hooks).run()


def serve_one(open_installation: Callable[[], Installation], service: str, bind: str, workers: int) -> None:
    """The web processes of one service, whose background process is `cchc work`, or those of the `pages`."""
    _Gunicorn(lambda: _app(open_installation(), service), _options(bind, workers)).run()


def _app(installation: Installation, service: str) -> Any:
    return create_root(installation) if service == "pages" else installation.web(service)


def work(installation: Installation, service: str) -> int:
    """Run a service's loops until SIGTERM or SIGINT; the exit code is 1 when a loop failed."""
    log_to()
    loops = Loops(installation.loops(service))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loops.stopping.set())
    loops.start()
    logger.info("the background process of %s is at work", service)
    loops.stopping.wait()
    loops.stop()
    return 1 if loops.failure else 0


def _end_when_failed(loops: Loops, worker: Any) -> None:
    """A loop that failed ends the worker; gunicorn's master starts a new one."""
    loops.stopping.wait()
    if loops.failure:
        logger.error("a background loop failed; the worker starts anew")
        os.kill(worker.pid, signal.SIGTERM)


def _options(bind: str, workers: int) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": workers,
        "worker_class": "gthread",
        "threads": 8,
        "preload_app": False,
        "graceful_timeout": 30,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
    }
