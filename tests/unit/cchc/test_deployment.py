"""The compose files and the proxy against the table of services: users, roles, keys, databases, addresses."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from cchc.secrets import CHECKPOINT, SIGNING, containers
from cchc.services import SERVICES, Service
from cchc.settings import SIGN_IN, Settings

ROOT = Path(__file__).parents[3]
HOST = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
CLUSTER = yaml.safe_load((ROOT / "deploy" / "cluster" / "docker-compose.yml").read_text("utf-8"))["services"]
PROXY = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text("utf-8")
# Variable → the file in the container's folder that it names.
KEYS = {"CCHC_SIGNING_KEY": SIGNING, "CCHC_CHECKPOINT_KEY": CHECKPOINT}


def container_of(compose_service: str) -> str:
    """Jobs of the operator share one folder of secrets."""
    return "operator" if compose_service in ("cchc", "demo") else compose_service


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
    container: str, verb: str, service: Service[Any], tmp_path: Path
):
    described = HOST[container]
    assert described["command"][:2] == [verb, service.name]
    role = {"serve": "server", "work": "worker"}[verb]
    settings = Settings.from_environment(environment_of(container), data=tmp_path)
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


def test_the_proxy_logs_nothing_that_was_typed():
    """Its lines name the service and the trace; the service's line names the route."""
    lines = re.findall(r"^ *(?:log_format|access_log|error_log)[^;]*;", PROXY, re.MULTILINE)
    assert len(lines) >= 3
    logged = set(re.findall(r"\$(\w+)", "".join(lines)))
    typed = {name for name in logged if name.startswith(("request", "uri", "args", "arg_", "query", "http", "cookie"))}
    assert typed <= {"request_time"}
    assert "error_log stderr alert;" in PROXY  # lines of less weight repeat the request


def test_the_proxy_and_the_cluster_name_every_service():
    [named] = re.findall(r"location ~ \^/api/v1/\(\?<name>([a-z|]+)\)/", PROXY)
    assert named.split("|") == list(SERVICES)
    assert set(SERVICES) <= set(HOST["proxy"]["depends_on"])
    for container, _, _ in processes():
        assert CLUSTER[container]["environment"]["CCHC_KAFKA"].count(",") == 2
        assert CLUSTER[container]["deploy"]["replicas"] == 2
