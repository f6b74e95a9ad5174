"""Everything that is checked, in the order in which to fix it: what comes later rests on what comes before."""

from cchc.doctor import databases, kafka, keys, logs, machine, outside, postgres
from cchc.doctor.examination import Check

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

CHECKS = (
    Check("python", MACHINE, "Python và các gói", machine.python),
    Check("crc32c", MACHINE, "crc32c", machine.crc32c),
    Check("time-zones", MACHINE, "Múi giờ", machine.time_zones),
    Check("disk", MACHINE, "Ổ đĩa", machine.disk),
    Check("memory", MACHINE, "Bộ nhớ", machine.memory),
    Check("fonts", MACHINE, "Phông chữ", machine.fonts),
    Check("signing-key", SECRETS, "Khóa cấp thẻ", keys.signing),
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
    Check("stopped", LOGS, "Xã đang dừng", logs.stopped, READY),
    Check("unread", LOGS, "Đọc theo kịp", logs.unread, READY),
    Check("calendars", LOGS, "Lịch làm việc", logs.calendars, READY),
    Check("kafka", KAFKA, "Broker", kafka.broker),
    Check("kafka-topics", KAFKA, "Topic", kafka.topics, ("kafka",)),
    Check("kafka-partitions", KAFKA, "Phân vùng và bản sao", kafka.partitions, ("kafka", "kafka-topics")),
    Check("kafka-tail", KAFKA, "Kho và topic", kafka.heads_against_topics, TOPICS),
    Check("unpublished", KAFKA, "Chờ phát", logs.unpublished, BROKER),
    Check("services", OUTSIDE, "Dịch vụ", outside.services),
    Check("mail", OUTSIDE, "Thư điện tử", outside.mail),
    Check("origin", OUTSIDE, "Địa chỉ trình duyệt", outside.origin),
)
