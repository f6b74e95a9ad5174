"""Serving with gunicorn: the web processes of one service, or everything in one process; and a service's background."""

import faulthandler
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from cchc.front import Front, answering
from cchc.installation import Installation
from cchc.limits import Limits
from cchc.output import progress
from cchc.served import listen
from cchc.services import SERVICES
from services.scoring.domain import rules
from shared import metrics
from shared.eventlog.database import THREADS
from shared.sandbox.places import PLACES
from shared.web.health import health_blueprint
from shared.web.logs import log_to
from shared.web.mount import mount
from shared.worker import DRAIN_S, Loops

logger = logging.getLogger(__name__)

# The longest request worth waiting for: an upload of some MiB over a poor line.
REQUESTS_END_S = 30

# How soon the background notices a signal, and the runner of the loops a failed loop.
LOOK_S = 0.5

STOPPING = (signal.SIGTERM, signal.SIGINT)


class _Gunicorn(BaseApplication):
    """gunicorn, configured by a dictionary instead of a command line."""

    def __init__(self, service: str, build: Callable[[], Any], limits: Limits, options: Mapping[str, Any]) -> None:
        self.service = service
        self.build = build
        self.limits = limits
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        # Until it installs its own handlers, a freshly forked worker would take a signal as its master does, and lose
        # it: it would go on serving while the master waits for it to end.
        os.register_at_fork(before=_hear_nothing, after_in_parent=_hear)
        super().run()

    def load(self) -> Any:
        # After the fork, so that no database connection or thread is inherited.
        app = self.build()
        settle()
        return app


def _hear_nothing() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPPING, signal.SIGQUIT))


def _hear() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*STOPPING, signal.SIGQUIT))


class _Worker(Worker):
    """A gunicorn worker around the loop that serves its clients."""

    def init_signals(self) -> None:
        super().init_signals()
        _hear()

    def run(self) -> None:
        gunicorn: _Gunicorn = self.app
        [listener] = self.sockets
        front = Front(listener.sock, self.wsgi, service=gunicorn.service, threads=THREADS, limits=gunicorn.limits)
        while self.alive and self.ppid == os.getppid():
            self.notify()
            front.turn(LOOK_S)
        front.stop_listening()
        end = time.monotonic() + self.cfg.graceful_timeout
        while front.clients and time.monotonic() < end:
            self.notify()
            front.turn(LOOK_S)
        front.end()


class _Log(Logger):
    """gunicorn's own lines go where all others go."""

    def setup(self, cfg: Any) -> None:
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel])
        self.error_log.propagate = True


def settle() -> None:
    """Read the rule sets now, and let the garbage collector skip what stays until the process ends: otherwise a large
    answer spends half of its time in the collector."""
    for name in rules.names():
        rules.installed(name)
    gc.collect()
    gc.freeze()


def serve_all(open_installation: Callable[[], Installation], listener: socket.socket, limits: Limits) -> None:
    """Every service in one process: one worker with threads, the background loops beside it."""
    # A person at a terminal has come for the sign-in link, and is shown only failures; `cchc doctor` tells the rest.
    log_to(level=logging.ERROR if sys.stdout.isatty() else logging.INFO)
    running: list[Loops] = []

    def build() -> Any:
        # The loops have connections of their own, so that neither they nor requests wait for each other's.
        behind, installation = open_installation(), open_installation()
        backgrounds = [behind.background(service, progress) for service in SERVICES]
        loops = Loops({name: loop for each in backgrounds for name, loop in each.named_loops().items()})
        running.append(loops)
        measures = [loops.measure, *(measure for each in backgrounds for measure in each.measures())]
        apps = {service: installation.served(service) for service in SERVICES}
        screens = installation.screens(apps, alive=loops.checks(), measures=measures)
        return mount({"/": screens} | {f"/api/v1/{service}": app for service, app in apps.items()})

    def post_worker_init(worker: Any) -> None:
        running[0].start()
        threading.Thread(target=_end_together, args=(running[0], worker), daemon=True).start()

    def worker_exit(_server: Any, _worker: Any) -> None:
        for loops in running:
            loops.stop()

    hooks = {"post_worker_init": post_worker_init, "worker_exit": worker_exit}
    # The loops end while requests do, and may take longer.
    options = _options(listener, workers=1) | hooks | {"graceful_timeout": int(DRAIN_S) + 5}
    _Gunicorn("web", build, limits, options).run()


def serve_one(
    open_installation: Callable[[], Installation], service: str, listener: socket.socket, workers: int, limits: Limits
) -> None:
    """The web processes of one service, whose background process is `cchc work`, or those of the screens (`web`)."""
    log_to()
    # Each worker counts into a file of its own; the one that answers /metrics adds them up.
    counts = os.environ[metrics.SHARED] = tempfile.mkdtemp(prefix="cchc-metrics-")

    PLACES.share()

    def child_exit(_server: Any, worker: Any) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)

    def on_exit(_server: Any) -> None:
        shutil.rmtree(counts, ignore_errors=True)

    hooks = {"child_exit": child_exit, "on_exit": on_exit}
    options = _options(listener, workers) | hooks
    _Gunicorn(service, lambda: _app(open_installation(), service), limits, options).run()


def _app(installation: Installation, service: str) -> Any:
    return installation.screens() if service == "web" else installation.served(service)


def work(installation: Installation, service: str, bind: tuple[str, int] | None = None) -> int:
    """Run a service's loops until SIGTERM or SIGINT; a second signal ends it at once. It also ends when a loop does not
    go on, so that its supervisor starts another. The exit code is 1 when a loop failed, hung or did not end. At `bind`
    it answers /livez, /readyz and /metrics."""
    log_to()
    # Before any thread begins, since threads inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    told, hung = threading.Event(), list[str]()
    threading.Thread(target=_hear_signals, args=(told,), name="signals", daemon=True).start()
    background = installation.background(service, progress)
    loops = Loops(background.named_loops())
    app = flask.Flask(service, static_folder=None)
    app.register_blueprint(
        health_blueprint(background.checks(), loops.checks(), [loops.measure, *background.measures()])
    )
    # Supervisors ask from the own network: whoever asks more often than they is turned away.
    with answering(app, listen(*bind), service, Limits(connections=200)) if bind else nullcontext():
        loops.start()
        logger.info("the background process of %s is at work", service)
        while not (told.wait(LOOK_S) or loops.stopping.is_set() or (hung := loops.silent())):
            pass
        if hung:
            logger.critical("does not go on: %s", ", ".join(hung))
            faulthandler.dump_traceback()
        logger.info("the background process of %s ends what it has begun", service)
        if not loops.stop():
            os._exit(1)  # what hangs may hold up the interpreter's own end
    return 1 if loops.failure or hung else 0


def _hear_signals(told: threading.Event) -> None:
    """The first word to stop is passed on, the second ends the process. (sigtimedwait would not do: in CPython it takes
    the end of a suspension for a signal.)"""
    signal.sigwait(STOPPING)
    told.set()
    os._exit(128 + signal.sigwait(STOPPING))


def _end_together(loops: Loops, worker: Any) -> None:
    """When a loop fails or hangs, end the worker, so that gunicorn's master starts a new one; when the worker ends, let
    the loops finish what they have begun while it answers its last requests."""
    hung: list[str] = []
    while worker.alive and not (loops.stopping.wait(LOOK_S) or (hung := loops.silent())):
        pass
    if loops.failure or hung:
        logger.error("a background loop %s; the worker is started again", "hangs" if hung else "failed")
        os.kill(worker.pid, signal.SIGTERM)
    loops.ask_to_stop()


def _options(listener: socket.socket, workers: int) -> dict[str, Any]:
    return {
        "bind": f"fd://{listener.detach()}",
        "workers": workers,
        "worker_class": _Worker,
        "preload_app": False,
        "graceful_timeout": REQUESTS_END_S,
        "accesslog": None,
        "logger_class": _Log,
        "loglevel": "warning",
        # gunicorn is controlled by signals only; its socket would need a home directory, which a container lacks.
        "control_socket_disable": True,
    }
