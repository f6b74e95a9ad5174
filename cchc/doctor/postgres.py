"""PostgreSQL: its version and settings, roles, row-level security, the append-only log, collation, connections."""

from collections.abc import Iterator

from sqlalchemy import Engine, text

from cchc.doctor.examination import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.settings import SERVICES
from sqlalchemy.pool import QueuePool

OLDEST = 15
# Without one of these a commit can be lost that was acknowledged.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def server(installation: Installation) -> Iterator[Finding]:
    yield not_applicable("")


roles = row_security = append_only = collation = connections = server
