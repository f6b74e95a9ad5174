"""PostgreSQL and Kafka over TLS, as a province sets it up: by settings alone, and nothing in the clear."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cchc.output import REFUSED, UNAVAILABLE
from tests.conftest import RUN
from tests.scenario.conftest import Cchc, command_line, read_json, working
from tests.support import certificates, kafka, postgres
from tests.support.deployed import Deployed, deployed_on
from tests.support.postgres import execute
from tests.support.servers import Unavailable
from tests.support.waiting import until

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Secured:
    """The servers, and the PEM files that an installation is told of."""

    brokers: str
    deployed: Deployed
    ca: Path
    stranger: Path
    client: Path

    def settings(self) -> dict[str, str]:
        return {
            **self.deployed.environment("worker"),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.ca),
            "CCHC_KAFKA": self.kafka(),
        }

    def kafka(self, **files: Path) -> str:
        said = {"ca": self.ca, "certificate": self.client, "key": self.client} | files
        return f"ssl://{self.brokers}?" + "&".join(f"{name}={file}" for name, file in said.items())


@pytest.fixture(scope="module")
def secured(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, elsewhere = tmp_path_factory.mktemp("certificates"), tmp_path_factory.mktemp("elsewhere")
    ca, both = certificates.files(folder, HOST, days=90)
    clients, client = certificates.files(folder, "cchc", days=90)
    stranger, _ = certificates.files(elsewhere, HOST, days=90)
    run = pytestconfig.stash[RUN]
    try:
        brokers = kafka.over_tls(run, both, clients)
        server = postgres.over_tls(run, ca, both)
    except Unavailable as error:
        pytest.skip(str(error))
    # From here on the server takes no connection of the installation's roles in the clear.
    with deployed_on(server) as deployed:
        execute(server.address, only_over_tls(), "SELECT pg_reload_conf()")
        yield Secured(brokers, deployed, ca, stranger, client)


def only_over_tls() -> str:
    """A statement that writes pg_hba.conf: the tests' superuser may come in the clear, all others may not."""
    lines = ["host all cchc 127.0.0.1/32 trust", "hostssl all all 127.0.0.1/32 scram-sha-256"]
    written = "E'" + "\\n".join(lines) + "\\n'"
    return f"COPY (SELECT unnest(string_to_array({written}, E'\\n'))) TO PROGRAM 'cat > pg_hba.conf'"


@pytest.fixture
def cchc(tmp_path: Path, secured: Secured) -> Cchc:
    run = command_line(tmp_path / "data")

    def with_settings(*arguments: str, code: int = 0, **environment: str):
        return run(*arguments, code=code, **(secured.settings() | environment))

    return with_settings


pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def test_what_is_recorded_reaches_the_topic_with_nothing_in_the_clear(cchc: Cchc, secured: Secured, tmp_path: Path):
    cchc("migrate")
    cchc("topics", "--partitions", "1")
    cchc("commune", "open", "tien-ha", "--name", "xã Tiên Hà", "--code", "20881", "--valid-from", "2026-01-01")
    environment = os.environ | secured.settings() | {"CCHC_DATA": str(tmp_path / "data")}

    def published() -> bool:
        rows = read_json(cchc("status", "--json"))
        [tasks] = [row for row in rows if row["service"] == "tasks"]
        return bool(tasks["head"] and tasks["head"] == tasks["published"])

    with working("tasks", environment):
        until(published, deadline=60, every=1, what="what was recorded is published")
    cchc("verify", "--topic")

    looked_at = [row for row in read_json(cchc("doctor", "--json", code=2)) if row["check"] == "encryption"]
    of_servers = [row for row in looked_at if "PostgreSQL" in row["detail"] or "Kafka" in row["detail"]]
    assert [row["state"] for row in of_servers] == ["ok", "ok"], looked_at
    assert all("TLSv1.3, chứng thư đến" in row["detail"] for row in of_servers)


@pytest.mark.parametrize("files", ["stranger", "no certificate", "in the clear"])
def test_brokers_that_cannot_be_trusted_or_do_not_trust_us_are_not_talked_to(cchc: Cchc, secured: Secured, files: str):
    address = {
        "stranger": secured.kafka(ca=secured.stranger),
        "no certificate": f"ssl://{secured.brokers}?ca={secured.ca}",
        "in the clear": secured.brokers,
    }[files]
    said = cchc("topics", code=UNAVAILABLE, CCHC_KAFKA=address).stderr
    assert "Không kết nối được Kafka" in said


@pytest.mark.parametrize(
    "written",
    ["tls://b:9093", "ssl://", "ssl://b:9093?ca=/nowhere.pem", "ssl://b:9093?key=/k.pem", "ssl://b:9093?cafile=/c.pem"],
)
def test_a_setting_that_cannot_be_used_is_said_before_anything_starts(cchc: Cchc, written: str):
    said = cchc("work", "tasks", code=REFUSED, CCHC_KAFKA=written).stderr
    assert "CCHC_KAFKA thiếu hoặc không đúng" in said
    assert "ssl://máy-chủ:cổng" in said


@pytest.mark.parametrize(
    "settings", [{"PGSSLROOTCERT": "stranger"}, {"PGSSLMODE": "disable"}], ids=["stranger", "in the clear"]
)
def test_a_database_that_cannot_be_trusted_gets_no_password(cchc: Cchc, secured: Secured, settings: dict[str, str]):
    told = {name: str(secured.stranger) if value == "stranger" else value for name, value in settings.items()}
    said = cchc("migrate", code=UNAVAILABLE, **told).stderr
    assert "Không dùng được cơ sở dữ liệu" in said
