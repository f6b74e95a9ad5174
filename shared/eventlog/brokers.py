"""Where a Kafka cluster is reached, and how: in the clear or over TLS, with a user's password or without."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

SCHEMES = ("ssl", "sasl", "sasl+ssl")
OF_TLS, OF_USER = {"ca", "certificate", "key"}, {"password", "mechanism"}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
WRITTEN = (
    "brokers are written host:port,…, ssl://host:port,…?ca=FILE&certificate=FILE&key=FILE,"
    " sasl://user@host:port,…?password=FILE or sasl+ssl://… with all of these"
)


class NotBrokers(ValueError):
    """An address of brokers is not written as it has to be."""


class Brokers(msgspec.Struct, frozen=True):
    """`servers` as in bootstrap.servers, host:port,…; over TLS the certificates are checked, and the hosts' names.

    `ca` is the file of the authorities to trust, None: the machine's own. `certificate` and `key` are the files shown
    to brokers that ask who connects (ssl.client.auth). `user` shows the password in the file `password`.
    """

    servers: str
    tls: bool = False
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    password: str | None = None
    mechanism: str = MECHANISMS[0]

    @classmethod
    def parse(cls, address: str) -> "Brokers":
        """`host:port,…`, `ssl://…[?ca=FILE][&certificate=FILE&key=FILE]`, `sasl://user@…?password=FILE[&mechanism=…]`,
        or `sasl+ssl://…` with both. Raises NotBrokers."""
        scheme, found, rest = address.partition("://")
        if not found:
            return cls(address)
        scheme = scheme.lower()
        servers, _, query = rest.partition("?")
        user, at, named = servers.rpartition("@")
        said = dict(parse_qsl(query, keep_blank_values=True))
        tls, sasl = scheme.endswith("ssl"), scheme.startswith("sasl")
        allowed = (OF_TLS if tls else set()) | (OF_USER if sasl else set())
        wrong = scheme not in SCHEMES or not named.strip("/") or said.keys() - allowed or not all(said.values())
        if wrong or sasl != bool(user and at) or sasl != ("password" in said):
            raise NotBrokers(WRITTEN)
        if ("certificate" in said) != ("key" in said):
            raise NotBrokers("a certificate needs its key, and a key its certificate")
        if said.get("mechanism", MECHANISMS[0]) not in MECHANISMS:
            raise NotBrokers(f"mechanism is one of {', '.join(MECHANISMS)}")
        return cls(named.rstrip("/"), tls, user=unquote(user) or None, **said)

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later. Raises OSError for a file that is not there or holds something else."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def options(self) -> dict[str, Any]:
        """What a client of kafka-python is told. Raises OSError for a file that cannot be read, as `context` does."""
        there: dict[str, Any] = {"bootstrap_servers": self.servers}
        if self.tls:
            there |= {"security_protocol": "SSL", "ssl_context": self.context()}
        if self.user is not None:
            there |= {
                "security_protocol": "SASL_SSL" if self.tls else "SASL_PLAINTEXT",
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": Path(self.password or "").read_text("utf-8").strip(),
            }
        return there
