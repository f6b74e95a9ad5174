"""The compose files and the proxy against the table of services: users, roles, keys, databases, addresses."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from cchc.kafka_access import BROKER, OPERATOR, TOPICS
from cchc.secrets import CHECKPOINT, LINKS, SEAL, SIGNING, containers, kafka_of, make_secrets
from cchc.services import SERVICES, Service
from cchc.settings import SIGN_IN, Settings
from shared.eventlog.brokers import Brokers

ROOT = Path(__file__).parents[3]
HOST = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
CLUSTER = yaml.safe_load((ROOT / "deploy" / "cluster" / "docker-compose.yml").read_text("utf-8"))["services"]
PROXY = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text("utf-8")
# Variable → the file in the container's folder that it names.
KEYS = {
    "CCHC_SIGNING_KEY": SIGNING,
    "CCHC_CHECKPOINT_KEY": CHECKPOINT,
    "CCHC_SEAL_KEY": SEAL,
    "CCHC_LINK_SECRET": LINKS,
}


def container_of(compose_service: str) -> str:
    """Jobs of the operator share one folder of secrets."""
    return "operator" if compose_service in ("cchc", "demo") else compose_service


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make_secrets(folder, give=lambda *_: None)
    return folder


def settings_of(compose_service: str, secrets: Path, data: Path) -> Settings:
    """With the secrets of a deployment where they are mounted."""
    given = {name: value.replace("/run/cchc", str(secrets)) for name, value in environment_of(compose_service).items()}
    return Settings.from_environment(given, data=data)


def environment_of(compose_service: str) -> dict[str, str]:
    """As it is without anything set outside."""
    given: dict[str, str] = HOST[compose_service].get("environment", {})
    return {name: defaults(value) for name, value in given.items()}


def defaults(value: str) -> str:
    inner = re.compile(r"\$\{\w+:-((?:[^${}]|{[^{}]*})*)\}")
    while (replaced := inner.sub(r"\1", value)) != value:
        value = replaced
    return value


def with_secrets() -> Iterator[str]:
    for name in HOST:
        if container_of(name) in containers():
            yield name


def processes() -> list[tuple[str, str, Service[Any]]]:
    """Container, what it runs, and the service."""
    return [(f"{name}{ending}", verb, service) for name, service in SERVICES.items() for ending, verb in KINDS]


KINDS = (("", "serve"), ("-work", "work"))


def test_every_user_folder_and_key_is_the_one_of_the_table():
    for name in with_secrets():
        container = containers()[container_of(name)]
        assert int(HOST[name]["user"].partition(":")[0]) == container.user, name
        environment = environment_of(name)
        folder = f"/run/cchc/{container_of(name)}"
        keys = {variable: f"{folder}/{file}" for variable, file in KEYS.items() if file in container.keys}
        assert {variable: environment[variable] for variable in KEYS if variable in environment} == keys, name
        if container.roles:
            assert environment["PGPASSFILE"] == f"{folder}/pgpass", name


@pytest.mark.parametrize(("container", "verb", "service"), processes())
def test_a_service_is_two_containers_that_open_their_own_database(
    container: str, verb: str, service: Service[Any], secrets: Path, tmp_path: Path
):
    described = HOST[container]
    assert described["command"][:2] == [verb, service.name]
    role = {"serve": "server", "work": "worker"}[verb]
    settings = settings_of(container, secrets, tmp_path)
    database = make_url(settings.databases[service.name])
    assert (database.username, database.database) == (f"{service.name}_{role}", service.name)
    assert database.username in containers()[container].roles
    assert settings.urls == {name: f"http://{name}:8080/api/v1/{name}" for name in SERVICES}
    settings.must_be_right()
    # Replicas are filled from the feeds of others, which only this network reaches.
    assert "storage" in described["networks"] and ("default" in described["networks"] or not service.replicas)


def test_the_operator_and_the_jobs_open_every_database_with_their_own_roles(tmp_path: Path):
    for name in ("migrate", "cchc", "demo"):
        roles = containers()[container_of(name)].roles
        settings = Settings.from_environment(environment_of(name), data=tmp_path)
        opened = {"migrate": settings.owners, "demo": settings.databases}.get(
            name, {f"{each} owner": url for each, url in settings.owners.items()} | settings.databases
        )
        used = {make_url(url).username for url in [*opened.values(), settings.databases[SIGN_IN]]}
        assert used <= set(roles), name
        assert len(used) >= len(SERVICES) + 1


def test_whoever_talks_to_the_brokers_does_so_under_its_own_name(secrets: Path, tmp_path: Path):
    talks = {name: container.kafka for name, container in containers().items() if container.kafka}
    assert talks == {f"{service}-work": service for service in SERVICES} | {"operator": OPERATOR, "topics": TOPICS}
    for name in HOST:
        if "CCHC_KAFKA" not in environment_of(name):
            continue
        brokers = Brokers.parse(settings_of(name, secrets, tmp_path).kafka or "")
        assert brokers.user == talks.get(container_of(name)), name
        if brokers.user:
            assert brokers.options()["sasl_plain_password"] == (secrets / "master" / kafka_of(brokers.user)).read_text()
            if name in CLUSTER:
                of_cluster = Brokers.parse(CLUSTER[name]["environment"]["CCHC_KAFKA"])
                assert (of_cluster.user, of_cluster.servers.count(",")) == (brokers.user, 2)
                assert of_cluster.password == f"/run/cchc/{container_of(name)}/kafka"


def test_the_brokers_let_nobody_in_without_a_password():
    settings = HOST["kafka"]["environment"]
    protocols = dict(each.split(":") for each in settings["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    listeners = [each.partition(":")[0] for each in settings["KAFKA_LISTENERS"].split(",")]
    assert {protocols[name] for name in listeners} == {"SASL_PLAINTEXT"}
    assert settings["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    assert settings["KAFKA_SUPER_USERS"].split(";") == [f"User:{BROKER}", f"User:{TOPICS}"]
    assert settings["KAFKA_OPTS"].endswith("/run/cchc/kafka/jaas.conf")


def test_what_slow_clients_send_ends_at_the_proxy():
    """A service gets whole requests, and hears from the proxy alone whose they are."""
    said = dict(re.findall(r"^  ([a-z_]+) ([^;]+);", PROXY, re.MULTILINE))
    assert said["proxy_request_buffering"] == "on" and said["reset_timedout_connection"] == "on"
    for directive in ("client_header_timeout", "client_body_timeout", "send_timeout"):
        assert int(said[directive].removesuffix("s")) <= 15, directive
    assert said["limit_conn"] == "each 100"
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in PROXY
    for name, described in HOST.items():
        if (described.get("command") or [""])[0] == "serve":
            assert "--behind-proxy" in described["command"] and "ports" not in described, name


def test_the_proxy_and_the_cluster_name_every_service():
    [named] = re.findall(r"location ~ \^/api/v1/\(\?<name>([a-z|]+)\)/", PROXY)
    assert named.split("|") == list(SERVICES)
    assert set(SERVICES) <= set(HOST["proxy"]["depends_on"])
    for container, _, _ in processes():
        assert CLUSTER[container]["environment"]["CCHC_KAFKA"].count(",") == 2
        assert CLUSTER[container]["deploy"]["replicas"] == 2
