"""Every metric by its name: what the web processes count, and what each scrape measures of the background.

Names and units follow Prometheus; all carry `service`. Labels are few and bounded: a route is its template. A commune
is a label only where one stands still and must be named, and the series exists only as long as it does.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

# prometheus_client decides at its import whether to combine the values of several processes. It is imported after the
# fork, once `cchc serve` has set this variable, which names the folder they share.
SHARED = "PROMETHEUS_MULTIPROC_DIR"

# From a read (1 ms) over a command (some ms) and a year's ratings (some 100 ms) to the longest wait for a lock (3 s).
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# A client may send anything as a method.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Web(NamedTuple):
    """What a web process counts."""

    seconds: "Histogram"
    in_progress: "Gauge"
    problems: "Counter"
    commands: "Counter"
    turned_away: "Counter"


@functools.cache
def web() -> Web:
    from prometheus_client import Counter, Gauge, Histogram

    return Web(
        Histogram(
            "cchc_http_request_duration_seconds",
            "Time to answer a request, by route template, method and status",
            ["service", "method", "route", "status"],
            buckets=SECONDS,
        ),
        Gauge(
            "cchc_http_requests_in_progress",
            "Requests being answered",
            ["service"],
            multiprocess_mode="livesum",
        ),
        Counter("cchc_http_problems_total", "Answers that are a problem, by its code", ["service", "code"]),
        Counter(
            "cchc_commands_recorded_total",
            "Answers that name the position of what they recorded, retries of the same request included",
            ["service"],
        ),
        Counter(
            "cchc_http_turned_away_total",
            "Connections ended, or requests answered, before any app saw them, by reason",
            ["service", "reason"],
        ),
    )


class Sample(NamedTuple):
    """One figure: a name of MEASURED and the values of its labels, in their order."""

    name: str
    labels: tuple[str, ...]
    value: float


Measure = Callable[[], Iterable[Sample]]

GAUGE, COUNTER = "gauge", "counter"

# Name → kind, meaning, labels. Counters start from 0 with the process, as Prometheus expects.
MEASURED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "cchc_loop_up": (GAUGE, "1 while a loop of the background runs", ("service", "loop")),
    "cchc_loop_silent_seconds": (GAUGE, "Since a loop last began a turn", ("service", "loop")),
    "cchc_leader": (
        GAUGE,
        "1 where this process does what one process of the service does: `lease` says what",
        ("service", "lease"),
    ),
    "cchc_led": (GAUGE, "1 while any process does it, by the database's clock", ("service", "lease")),
    "cchc_database_up": (
        GAUGE,
        "1 when the database answers; what is read from it is left out otherwise",
        ("service",),
    ),
    "cchc_log_events": (GAUGE, "Events in the service's own log", ("service",)),
    "cchc_relay_up": (GAUGE, "1 unless the broker, its topic or the database keep the relay waiting", ("service",)),
    "cchc_relay_published_total": (COUNTER, "Events acknowledged by the broker", ("service",)),
    "cchc_relay_refused": (GAUGE, "1 for a commune whose next event the broker refuses", ("service", "commune")),
    "cchc_relay_unpublished_events": (GAUGE, "Events not yet acknowledged by the broker", ("service",)),
    "cchc_relay_oldest_unpublished_seconds": (GAUGE, "Age of the oldest of them; 0 without any", ("service",)),
    "cchc_replica_up": (GAUGE, "1 when the consumer has joined its group and nothing keeps it", ("service", "source")),
    "cchc_replica_lag_events": (GAUGE, "Records on the topic still to be read by this process", ("service", "source")),
    "cchc_replica_taken_total": (COUNTER, "Events taken over from the topic", ("service", "source")),
    "cchc_replica_fetched_total": (COUNTER, "Events fetched from the owner's feed", ("service", "source")),
    "cchc_replica_rejected_total": (COUNTER, "Records on the topic that are no events of it", ("service", "source")),
    "cchc_replica_behind_events": (
        GAUGE,
        "Events a commune's owner had more at the last comparison",
        ("service", "source", "commune"),
    ),
    "cchc_replica_broken": (GAUGE, "1 for a commune whose chain does not fit", ("service", "source", "commune")),
    "cchc_projection_behind_events": (GAUGE, "Events held and not folded yet", ("service", "source")),
    "cchc_projection_parked": (GAUGE, "1 for a commune with an event that cannot be folded", ("service", "commune")),
}


def declare(name: str, kind: str, says: str, labels: tuple[str, ...]) -> str:
    """Add a metric that a service measures itself; returns its name."""
    MEASURED[name] = (kind, says, labels)
    return name


def exposition(measures: Sequence[Measure]) -> tuple[bytes, str]:
    """The answer of /metrics and its media type: what this or all processes counted, and what is measured now."""
    from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    if folder := os.environ.get(SHARED):
        registry.register(_OfAllWorkers(Path(folder)))
    else:
        registry.register(REGISTRY)
    registry.register(_Measured(measures))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _OfAllWorkers:
    """What the workers counted, each into its own files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterable[Any]:
        from prometheus_client.multiprocess import MultiProcessCollector

        # A file that a worker is just creating is empty, which the library would take for a broken one.
        files = [str(file) for file in self.folder.glob("*.db") if _size(file)]
        merged: Iterable[Any] = MultiProcessCollector.merge(files)
        return merged


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # its worker has died
        return 0


class _Measured:
    """The samples by family, as prometheus_client expects them."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = measures

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        kinds = {GAUGE: GaugeMetricFamily, COUNTER: CounterMetricFamily}
        found: dict[str, list[Sample]] = {}
        for measure in self.measures:
            for sample in measure():
                found.setdefault(sample.name, []).append(sample)
        for name, samples in found.items():
            kind, says, labels = MEASURED[name]
            family = kinds[kind](name, says, labels=labels)
            for sample in samples:
                family.add_metric(sample.labels, sample.value)
            yield family
