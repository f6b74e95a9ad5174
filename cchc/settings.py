"""The settings of an installation: from the environment, with defaults for one process on one machine."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path

import msgspec

from cchc.limits import MIB, Limits
from cchc.services import SERVICES
from services.notifications.channels.apprise import PLACE
from services.notifications.channels.email import Server, address
from services.notifications.channels.interface import Permanent
from shared.budgets import Allowances
from shared.eventlog.brokers import Brokers, NotBrokers

# The codes of one-time sign-in links are no service's: tasks redeems them until there is a service of accounts.
SIGN_IN = "sign_in"


class WrongSetting(Exception):
    """A variable that cannot be read, and how to write it. Its value is not shown: it may hold a password."""

    def __init__(self, variable: str, written: str) -> None:
        super().__init__(variable, written)
        self.variable, self.written = variable, written

    def __str__(self) -> str:
        return f"{self.variable} thiếu hoặc không đúng. {self.written}"


class Settings(msgspec.Struct, frozen=True):
    """`kafka` None: the services share one machine and read each other's databases; otherwise each keeps replicas.
    A WrongSetting stands where a channel's variable cannot be read: only what uses the channel fails by it.

    CCHC_DATA            folder for databases, evidence and keys (default ./data)
    CCHC_KAFKA           bootstrap servers, host:port,…; over TLS ssl://host:port,…?ca=FILE&certificate=FILE&key=FILE;
                         with a user sasl://user@host:port,…?password=FILE, with both sasl+ssl://…
    CCHC_DATABASE_<S>    SQLAlchemy URL of a service's database (default a SQLite file in the data folder)
    CCHC_OWNER_<S>       the same with the role that owns the tables and migrates them (default CCHC_DATABASE_<S>)
    CCHC_URL_<S>         base URL of a service, whose feed fills gaps of replicas
    CCHC_DATABASES, CCHC_OWNERS, CCHC_URLS
                         the same for all services at once, with {service} where a service's name goes; for a service
                         that has a variable of its own, that one counts
    CCHC_KEYS            key set (file or URL) that tokens are checked against (default the data folder's own)
    CCHC_SIGNING_KEY     private key that tokens are minted with (default in the data folder)
    CCHC_LINK_SECRET     file with what signs the links in messages (default in the data folder)
    CCHC_CHECKPOINT_KEY  private key that logs are signed with (default in the data folder)
    CCHC_CHECKPOINT_KEYS folder of public keys that checkpoints are checked against (default in the data folder)
    CCHC_SEAL_KEY        private key that a service seals with what it publishes to Kafka, with {service} where its name
                         goes (default in the data folder)
    CCHC_OWNER_KEYS      folder with a folder for each service: the public keys that its seals are checked against
                         (default in the data folder)
    CCHC_RULE_SETS       folders that hold a province's rule sets, each in a folder of its own (default none)
    CCHC_UPLOAD_HOURS    how long a file sent for a preview is kept after it was last looked at: 1 to 720 (default 24)
    CCHC_ORIGIN          scheme://host[:port] that browsers use, when a proxy stands in front

    The channels of reminders besides the inbox; without its variable a channel does not exist:
    CCHC_SMTP            smtp[s]://[user:password@]host[:port][?starttls=1], user and password percent-encoded
    CCHC_MAIL_FROM       the sender of mails, such as "UBND xã <vanphong@example.org>"
    CCHC_APPRISE         an Apprise URL with {address} where a person's goes, such as zalo://<bot token>/{address}
    CCHC_WEBHOOK_ALLOW   hosts (name or name:port, separated by commas) that webhooks may reach in the own network and
                         without TLS; all others must be on the open internet and use HTTPS
    CCHC_LINK_BASE       scheme://host[:port][/path] that links in messages begin with (default CCHC_ORIGIN)

    What the clients of one web process may take of it (cchc/limits.py):
    CCHC_REQUEST_SECONDS          for a request to come, and for its answer to be read (default 30)
    CCHC_CONNECTIONS              open at once (default 1000)
    CCHC_CONNECTIONS_PER_ADDRESS  of one client address, unless a proxy stands in front (default 100)
    CCHC_BUFFERED_MIB             that bodies and answers take while they wait for clients (default 256)

    What one person may change through a service; a commune ten times as much (shared/budgets):
    CCHC_CHANGES_A_MINUTE         requests that change something (default 120)
    CCHC_TEXT_MIB_A_DAY           of text, sent or stored (default 2)
    CCHC_FILES_MIB_A_DAY          of files, uploaded or stored (default 400)
    """

    data: Path
    kafka: str | None
    databases: dict[str, str]
    owners: dict[str, str]
    urls: dict[str, str]
    keys: str
    private_key: Path
    link_secret: Path
    checkpoint_key: Path
    checkpoint_keys: Path
    seal_keys: dict[str, Path]
    owner_keys: Path
    rule_sets: tuple[Path, ...]
    uploads_kept: timedelta
    origin: str | None
    smtp: Server | WrongSetting | None
    mail_from: Address | WrongSetting | None
    apprise: str | WrongSetting | None
    webhook_allow: frozenset[str]
    link_base: str | None
    clients: Limits | WrongSetting
    budgets: Allowances | WrongSetting

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, data: Path | None = None) -> "Settings":
        folder = (data or Path(environment.get("CCHC_DATA", "data"))).absolute()
        databases = {
            name: _of_service(environment, "DATABASE", name) or f"sqlite:///{folder / f'{name}.db'}"
            for name in SERVICES
        }
        databases[SIGN_IN] = environment.get("CCHC_DATABASE_SIGN_IN") or f"sqlite:///{folder / f'{SIGN_IN}.db'}"
        keys = folder / "keys"
        return cls(
            data=folder,
            kafka=environment.get("CCHC_KAFKA") or None,
            databases=databases,
            owners={name: _of_service(environment, "OWNER", name) or databases[name] for name in SERVICES},
            urls={
                name: _of_service(environment, "URL", name) or f"http://127.0.0.1:8080/api/v1/{name}"
                for name in SERVICES
            },
            keys=environment.get("CCHC_KEYS") or str(keys / "public.json"),
            private_key=Path(environment.get("CCHC_SIGNING_KEY") or keys / "private.pem").absolute(),
            link_secret=Path(environment.get("CCHC_LINK_SECRET") or keys / "link.secret").absolute(),
            checkpoint_key=Path(environment.get("CCHC_CHECKPOINT_KEY") or keys / "checkpoint.pem").absolute(),
            checkpoint_keys=Path(environment.get("CCHC_CHECKPOINT_KEYS") or keys / "checkpoints").absolute(),
            seal_keys={name: _seal_key(environment, keys, name) for name in SERVICES},
            owner_keys=Path(environment.get("CCHC_OWNER_KEYS") or keys / "owners").absolute(),
            rule_sets=tuple(
                Path(path).absolute() for path in environment.get("CCHC_RULE_SETS", "").split(os.pathsep) if path
            ),
            uploads_kept=_hours(environment.get("CCHC_UPLOAD_HOURS")),
            origin=environment.get("CCHC_ORIGIN") or None,
            smtp=_mail_server(environment.get("CCHC_SMTP")),
            mail_from=_sender(environment.get("CCHC_MAIL_FROM")),
            apprise=_apprise(environment.get("CCHC_APPRISE")),
            webhook_allow=frozenset(environment.get("CCHC_WEBHOOK_ALLOW", "").lower().replace(",", " ").split()),
            link_base=(environment.get("CCHC_LINK_BASE") or environment.get("CCHC_ORIGIN") or "").rstrip("/") or None,
            clients=_limits(environment),
            budgets=_budgets(environment),
        )

    def limits(self, *, behind_proxy: bool = False) -> Limits:
        """What clients may take of a web process. Raises WrongSetting."""
        if isinstance(self.clients, WrongSetting):
            raise self.clients
        return replace(self.clients, per_address=None) if behind_proxy else self.clients

    def allowances(self) -> Allowances:
        """What one person may change. Raises WrongSetting."""
        if isinstance(self.budgets, WrongSetting):
            raise self.budgets
        return self.budgets

    def must_be_right(self) -> None:
        """Raises WrongSetting: what would otherwise show only when the first reminder or event goes out."""
        try:
            _ = Brokers.parse(self.kafka or "").options()
        except (NotBrokers, OSError) as error:
            raise WrongSetting("CCHC_KAFKA", BROKERS_WRITTEN) from error
        for value in (self.smtp, self.mail_from, self.apprise, self.clients, self.budgets):
            if isinstance(value, WrongSetting):
                raise value

    @property
    def keys_are_elsewhere(self) -> bool:
        """Tokens are checked against a key set that is not this data folder's own."""
        return self.keys != str(self.private_key.with_name("public.json"))

    @property
    def evidence(self) -> Path:
        return self.data / "evidence"


def _of_service(environment: Mapping[str, str], what: str, service: str) -> str | None:
    """The variable of one service, or what the one of all services says of it."""
    own = environment.get(f"CCHC_{what}_{service.upper()}")
    return own or environment.get(f"CCHC_{what}S", "").replace("{service}", service) or None


def _seal_key(environment: Mapping[str, str], keys: Path, service: str) -> Path:
    written = environment.get("CCHC_SEAL_KEY") or str(keys / "seals" / "{service}.pem")
    return Path(written.replace("{service}", service)).absolute()


def _hours(written: str | None) -> timedelta:
    """Raises WrongSetting."""
    hours = int(written) if written and written.isascii() and written.isdecimal() else 0 if written else 24
    if hours not in range(1, 721):
        raise WrongSetting("CCHC_UPLOAD_HOURS", "Viết số giờ giữ tệp đã gửi để xem trước, từ 1 đến 720.")
    return timedelta(hours=hours)


def _limits(environment: Mapping[str, str]) -> Limits | WrongSetting:
    try:
        return Limits(
            request_s=_number(environment, "CCHC_REQUEST_SECONDS", 30),
            connections=_number(environment, "CCHC_CONNECTIONS", 1000),
            per_address=_number(environment, "CCHC_CONNECTIONS_PER_ADDRESS", 100),
            buffered=_number(environment, "CCHC_BUFFERED_MIB", 256) * MIB,
        )
    except WrongSetting as error:
        return error


def _budgets(environment: Mapping[str, str]) -> Allowances | WrongSetting:
    try:
        return Allowances(
            changes=_number(environment, "CCHC_CHANGES_A_MINUTE", 120),
            text=_number(environment, "CCHC_TEXT_MIB_A_DAY", 2) * MIB,
            files=_number(environment, "CCHC_FILES_MIB_A_DAY", 400) * MIB,
        )
    except WrongSetting as error:
        return error


def _number(environment: Mapping[str, str], variable: str, default: int) -> int:
    """Raises WrongSetting."""
    text = environment.get(variable) or str(default)
    if not text.isdecimal() or not int(text):
        raise WrongSetting(variable, f"Viết một số nguyên lớn hơn 0, ví dụ {default}.")
    return int(text)


def _mail_server(url: str | None) -> Server | WrongSetting | None:
    try:
        return Server.parse(url) if url else None
    except ValueError:
        written = "Viết dạng smtp://máy-chủ:cổng hoặc smtps://người-dùng:mật-khẩu@máy-chủ:cổng."
        return WrongSetting("CCHC_SMTP", written)


def _sender(header: str | None) -> Address | WrongSetting | None:
    if not header:
        return None
    name, email = parseaddr(header)
    try:
        return address(email, name)
    except Permanent:
        return NO_SENDER


BROKERS_WRITTEN = (
    "Viết dạng máy-chủ:cổng,…, ssl://máy-chủ:cổng,…?ca=TỆP&certificate=TỆP&key=TỆP, hoặc"
    " sasl://người-dùng@máy-chủ:cổng,…?password=TỆP (sasl+ssl:// khi có cả hai), với các tệp đọc được."
)
NO_SENDER = WrongSetting("CCHC_MAIL_FROM", 'Viết dạng "UBND xã <vanphong@example.org>".')


def _apprise(template: str | None) -> str | WrongSetting | None:
    if not template or PLACE in template:
        return template or None
    return WrongSetting("CCHC_APPRISE", f"Viết địa chỉ Apprise có {PLACE}, ví dụ zalo://<mã bot>/{PLACE}.")
