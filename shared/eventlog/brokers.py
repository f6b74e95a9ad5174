"""Where a Kafka cluster is reached, and how: in the clear, or over TLS."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

FILES = {"ca", "certificate", "key"}


class NotBrokers(ValueError):
    """An address of brokers is not written as it has to be."""


class UnusableFile(OSError):
    """A file that the address of brokers names; in words for whoever set it."""


class Brokers(msgspec.Struct, frozen=True):
    """`servers` as in bootstrap.servers, host:port,…; over TLS the certificates are checked, and the hosts' names.

    `ca` is the file of the authorities to trust, None: the machine's own. `certificate` and `key` are the files shown
    to brokers that ask who connects (ssl.client.auth).
    """

    servers: str
    tls: bool = False
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, address: str) -> "Brokers":
        """`host:port,…`, or `ssl://host:port,…[?ca=FILE][&certificate=FILE&key=FILE]`. Raises NotBrokers."""
        scheme, found, rest = address.partition("://")
        if not found:
            return cls(address)
        servers, _, query = rest.partition("?")
        files = dict(parse_qsl(query, keep_blank_values=True))
        if scheme.lower() != "ssl" or not servers.strip("/") or files.keys() - FILES or not all(files.values()):
            raise NotBrokers("brokers are written host:port,… or ssl://host:port,…?ca=FILE&certificate=FILE&key=FILE")
        if ("certificate" in files) != ("key" in files):
            raise NotBrokers("a certificate needs its key, and a key its certificate")
        return cls(servers.rstrip("/"), True, **files)

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later. Raises UnusableFile for a file that is not there or holds something else."""
        for name in sorted(FILES):
            self._must_be_there(name)
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError as error:
            raise UnusableFile(f"tệp {self.ca} (ca= trong CCHC_KAFKA) không phải chứng thư dạng PEM") from error
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key, password="")
            except (ssl.SSLError, ValueError) as error:
                pair = f"tệp {self.certificate} và {self.key} (certificate=, key= trong CCHC_KAFKA)"
                why = "không phải một chứng thư dạng PEM với đúng khóa riêng, không mật khẩu"
                raise UnusableFile(f"{pair} {why}") from error
        return context

    def _must_be_there(self, name: str) -> None:
        if (path := getattr(self, name)) is None:
            return
        try:
            Path(path).open("rb").close()
        except OSError as error:
            state = "không có tệp" if isinstance(error, FileNotFoundError) else "không đọc được tệp"
            raise UnusableFile(f"{state} {path} ({name}= trong CCHC_KAFKA)") from error

    def options(self) -> dict[str, Any]:
        """What a client of kafka-python is told. Raises UnusableFile, as `context` does."""
        there: dict[str, Any] = {"bootstrap_servers": self.servers}
        return there | {"security_protocol": "SSL", "ssl_context": self.context()} if self.tls else there
