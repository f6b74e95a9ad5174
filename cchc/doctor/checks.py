"""Everything that is checked, in the order in which to fix it: what comes later rests on what comes before."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from cchc.doctor import databases, encryption, kafka, keys, logs, machine, outside, postgres
from cchc.doctor.examination import Check
from cchc.doctor.finding import Finding
from cchc.installation import Installation
from cchc.services import SERVICES, Service, ServiceCheck

MACHINE, SECRETS, DATABASES, LOGS, KAFKA, OUTSIDE = (
    "Máy",
    "Khóa",
    "Cơ sở dữ liệu",
    "Nhật ký",
    "Kafka",
    "Bên ngoài",
)
DATABASE = ("database",)
READY = ("database", "migrations")
BROKER = (*READY, "kafka")
TOPICS = (*BROKER, "kafka-topics")

_BEFORE = (
    Check("python", MACHINE, "Python và các gói", machine.python),
    Check("crc32c", MACHINE, "crc32c", machine.crc32c),
    Check("time-zones", MACHINE, "Múi giờ", machine.time_zones),
    Check("disk", MACHINE, "Ổ đĩa", machine.disk),
    Check("memory", MACHINE, "Bộ nhớ", machine.memory),
    Check("fonts", MACHINE, "Phông chữ", machine.fonts),
    Check("signing-key", SECRETS, "Khóa cấp mã truy cập", keys.signing),
    Check("checkpoint-key", SECRETS, "Khóa ký nhật ký", keys.checkpoints),
    Check("repository", SECRETS, "Ngoài kho mã nguồn", keys.repository),
    Check("database", DATABASES, "Kết nối", databases.reachable),
    Check("migrations", DATABASES, "Lược đồ", databases.migrations, DATABASE),
    Check("sqlite", DATABASES, "SQLite", databases.sqlite, READY),
    Check("postgres", DATABASES, "PostgreSQL", postgres.server, DATABASE),
    Check("roles", DATABASES, "Vai trò", postgres.roles, READY),
    Check("row-security", DATABASES, "Cách ly giữa các xã", postgres.row_security, READY),
    Check("append-only", DATABASES, "Nhật ký chỉ ghi thêm", postgres.append_only, READY),
    Check("collation", DATABASES, "Tiếng Việt", postgres.collation, READY),
    Check("connections", DATABASES, "Số kết nối", postgres.connections, DATABASE),
    Check("clock", LOGS, "Đồng hồ", logs.clock, READY),
    Check("chain-tail", LOGS, "Cuối chuỗi", logs.chain_tails, READY),
    Check("journal", LOGS, "Sổ truy vết", logs.journals, READY),
    Check("stopped", LOGS, "Xã đang dừng", logs.stopped, READY),
    Check("unread", LOGS, "Đọc theo kịp", logs.unread, READY),
)

_AFTER = (
    Check("kafka", KAFKA, "Broker", kafka.broker),
    Check("kafka-topics", KAFKA, "Topic", kafka.topics, ("kafka",)),
    Check("kafka-partitions", KAFKA, "Phân vùng và bản sao", kafka.partitions, ("kafka", "kafka-topics")),
    Check("kafka-tail", KAFKA, "Kho và topic", kafka.heads_against_topics, TOPICS),
    Check("unpublished", KAFKA, "Chờ phát", logs.unpublished, BROKER),
    Check("services", OUTSIDE, "Dịch vụ", outside.services),
    Check("mail", OUTSIDE, "Thư điện tử", outside.mail),
    Check("origin", OUTSIDE, "Địa chỉ trình duyệt", outside.origin),
    Check("encryption", OUTSIDE, "Mã hóa trên đường truyền", encryption.in_transit),
)


def every_check() -> tuple[Check, ...]:
    """The checks of the installation, with those of each service between its logs and what lies outside."""
    of_services = [
        Check(check.id, LOGS, check.title, partial(_look, service, check), READY)
        for service in SERVICES.values()
        for check in service.checks
    ]
    return (*_BEFORE, *of_services, *_AFTER)


def _look(service: Service[Any], check: ServiceCheck[Any], installation: Installation) -> Iterable[Finding]:
    return check.look(installation.handle(service))
