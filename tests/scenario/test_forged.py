"""Somebody who can write to the broker puts events on another service's topic: none counts, and it is reported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from cchc.installation import Installation
from cchc.services import SERVICES
from services.tasks.domain.results import NoteProgress
from shared.eventlog.kafka import ensure_topics
from shared.eventlog.relay import Relay
from shared.web.mount import mount
from tests.scenario.conftest import command_line, read_json, settings_of
from tests.support.forged import next_events
from tests.support.reminded import COMMUNE, SmallCommune
from tests.support.waiting import until
from tests.support.web import served


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[SmallCommune]:
    commune = SmallCommune(tmp_path / "data", "2024-02-05")
    commune.assign("báo cáo", lead="p04", due="2024-02-23")
    yield commune
    commune.installation.close()


def test_three_forged_events_from_another_service_are_not_counted_and_are_reported(
    commune: SmallCommune, bootstrap: str
) -> None:
    ensure_topics(bootstrap, SERVICES, partitions=2, replication=1)
    own, data = commune.tasks.log, commune.installation.settings.data
    apps: dict[str, Any] = {f"/api/v1/{name}": commune.installation.web(name) for name in SERVICES}
    with served(mount({"/": apps["/api/v1/tasks"], **apps})) as base:
        environment = {"CCHC_KAFKA": bootstrap, "CCHC_URLS": base + "/api/v1/{service}"}
        installation = Installation(settings_of(data, **environment))
        [relay, replica] = installation._relay("tasks"), installation._replicas("scoring")["tasks"]
        assert isinstance(relay, Relay)

        def copied() -> bool:
            while relay.step():
                pass
            replica.step()
            return replica.log.head(COMMUNE) == own.head(COMMUNE)

        until(copied, what="scoring holds what tasks published", every=0)
        with KafkaProducer(bootstrap_servers=bootstrap) as producer:
            for body in next_events(own.read(COMMUNE, own.head(COMMUNE).position - 1)[0]):
                producer.send("cchc.tasks.v1", body, key=COMMUNE.encode()).get(20)
        until(lambda: replica.step() is not None and replica.status.rejected == 3, what="it counts them", every=0)
        assert copied()
        commune.do("p04", NoteProgress(task=commune.names["báo cáo"], note="Đang làm"))
        until(copied, what="what tasks records goes on", every=0)
        assert list(replica.log.read_all(COMMUNE)) == list(own.read_all(COMMUNE))
        assert (replica.status.broken, replica.status.ahead) == ({}, {})
        relay._close()
        replica._close()
        installation.close()
        cchc = command_line(data)
        assert "scoring không tính 3 tin mà tasks không phát" in cchc("status", **environment).stdout
        found = read_json(cchc("verify", "--service", "tasks", "--json", code=1, **environment))["findings"]
        assert [(each["where"], each["source"], each["commune"]) for each in found] == [("stranger", "tasks", COMMUNE)]
        checks = read_json(cchc("doctor", "--json", code=2, **environment))
        [strangers] = [each for each in checks if each["check"] == "kafka-strangers"]
        assert strangers["state"] == "warning" and "3 sự kiện tasks không phát" in strangers["detail"]
        assert {each["state"] for each in checks if each["check"] == "kafka-tail"} == {"ok"}
