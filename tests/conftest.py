"""Fixtures for the real servers of the tests, and the rule that a kind of test that can't run says so."""

import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.compose import stack
from tests.support import described, node
from tests.support import kafka as brokers
from tests.support import postgres as databases
from tests.support.deployed import Deployed, deployed_on
from tests.support.servers import Found, Run, Unavailable

# No test is timed. In CI the same examples each time: a new one belongs to whoever is looking, not to a submission.
hypothesis.settings.register_profile("cchc", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("cchc")

# Every answer of an API in any test is held against the description of its service.
described.install()

# What a kind of test needs, by its marker. The fixtures named here mark the tests that use them.
KINDS = {
    "kafka": "a Kafka broker: CCHC_TEST_KAFKA, Docker, or Java 17 with Maven",
    "postgres": "a PostgreSQL server: CCHC_TEST_POSTGRES, Docker, or initdb 15 or later",
    "node": "Node.js with npm",
    "libreoffice": "LibreOffice Writer, with pdftotext of poppler",
    "compose": "Docker with compose",
}
KIND_OF_FIXTURE = {
    "kafka": "kafka",
    "private_kafka": "kafka",
    "postgres": "postgres",
    "postgres_server": "postgres",
    "deployed": "postgres",
    "asyncapi_errors": "node",
    "node_program": "node",
    "container_engine": "compose",
}
RUN = pytest.StashKey[Run]()


def required() -> set[str]:
    """The kinds that must run here: CCHC_REQUIRE=kafka,postgres makes their skips failures."""
    kinds = {kind.strip() for kind in os.environ.get("CCHC_REQUIRE", "").split(",")} - {""}
    if unknown := kinds - set(KINDS):
        raise pytest.UsageError(f"CCHC_REQUIRE names {', '.join(sorted(unknown))}; known are {', '.join(KINDS)}")
    return kinds


def pytest_configure(config: pytest.Config) -> None:
    for kind, needs in KINDS.items():
        config.addinivalue_line("markers", f"{kind}: needs {needs}")
    required()
    given = getattr(config, "workerinput", {}).get("cchc_run")
    config.stash[RUN] = Run(Path(given)) if given else Run.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Every xdist worker shares the run, and with it the servers, of the process that started it."""
    node.workerinput["cchc_run"] = str(node.config.stash[RUN].directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if run := config.stash.get(RUN, None):
        run.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for kind in {KIND_OF_FIXTURE.get(name) for name in getattr(item, "fixturenames", ())} - {None}:
            item.add_marker(str(kind))


def kinds_of(report: pytest.TestReport) -> list[str]:
    return [kind for kind in KINDS if kind in report.keywords]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and (kinds := required() & set(kinds_of(report))):
        report.outcome = "failed"
        report.longrepr = f"CCHC_REQUIRE wants {', '.join(sorted(kinds))}: {reason_of(report)}"
    return report


def reason_of(report: pytest.TestReport) -> str:
    place_and_reason = report.longrepr
    return place_and_reason[2] if isinstance(place_and_reason, tuple) else str(place_and_reason)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Which servers were real, and which kinds of test did not run and why."""
    run = config.stash[RUN]
    skipped: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for report in terminalreporter.stats.get("skipped", []):
        for kind in kinds_of(report):
            skipped[kind][reason_of(report).removeprefix("Skipped: ")] += 1
    found = {kind: server for kind in KINDS if (server := run.found(kind))}
    if found or skipped:
        terminalreporter.section("kinds of test")
    for kind, server in found.items():
        terminalreporter.line(f"{kind}: {server.how} at {server.address}")
    for kind, reasons in skipped.items():
        for reason, count in reasons.items():
            terminalreporter.line(f"NOT RUN: {count} {kind} test{'s' * (count > 1)}: {reason}", yellow=True)


def found_or_skipped(config: pytest.Config, kind: str, find: Callable[[Run], Found]) -> Found:
    try:
        return config.stash[RUN].once(kind, find)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def kafka(pytestconfig: pytest.Config) -> brokers.Kafka:
    """The broker that all tests share, with names of this test alone."""
    return brokers.named(found_or_skipped(pytestconfig, "kafka", brokers.find).address)


@pytest.fixture(scope="session")
def private_broker(pytestconfig: pytest.Config) -> brokers.Broker:
    """This worker's own broker; tests take it as `private_kafka`."""
    try:
        return brokers.private(pytestconfig.stash[RUN])
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def private_kafka(private_broker: brokers.Broker) -> brokers.PrivateKafka:
    """A broker that this test may pause, kill and start: `.broker`. It runs and answers when the test begins."""
    private_broker.resume()
    private_broker.start()
    return brokers.PrivateKafka(**vars(brokers.named(private_broker.bootstrap)), broker=private_broker)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> databases.Postgres:
    """The server that all tests share; a module makes a database of its own with `fresh_database()`."""
    return databases.Postgres(found_or_skipped(pytestconfig, "postgres", databases.find).address)


@pytest.fixture
def postgres(postgres_server: databases.Postgres) -> Iterator[str]:
    """The SQLAlchemy URL of a new empty database."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture(scope="session")
def private_postgres(pytestconfig: pytest.Config) -> databases.PrivatePostgres:
    """This worker's own server: a deployment's roles and databases have fixed names."""
    try:
        return databases.private(pytestconfig.stash[RUN])
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def deployed(private_postgres: databases.Postgres) -> Iterator[Deployed]:
    """The databases and roles that `cchc databases` makes, empty."""
    with deployed_on(private_postgres) as databases_and_roles:
        yield databases_and_roles


@pytest.fixture(scope="session")
def container_engine(pytestconfig: pytest.Config) -> Found:
    """A container engine with compose."""
    return found_or_skipped(pytestconfig, "compose", stack.find)


@pytest.fixture(scope="session")
def node_program() -> str:
    """Node.js, with the packages of tests/support/npm."""
    try:
        return node.installed()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def asyncapi_errors(
    node_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[dict[str, Any]], list[str]]:
    """What the official AsyncAPI parser finds wrong with a document."""
    return lambda document: node.asyncapi_errors(node_program, document, tmp_path_factory.mktemp("asyncapi"))
