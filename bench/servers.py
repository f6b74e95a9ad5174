"""The real servers of a run, found as the tests find them, ended with it."""

from types import TracebackType

from tests.support import kafka, postgres
from tests.support.postgres import PrivatePostgres, private
from tests.support.servers import Found, Run


class Servers:
    """PostgreSQL and Kafka, each looked for when it is first needed; Unavailable says why there is none."""

    def __enter__(self) -> "Servers":
        self._run = Run.begin()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run.end()

    def kafka(self) -> kafka.Kafka:
        return kafka.named(self._found("kafka").address)

    def postgres(self) -> postgres.Postgres:
        return postgres.Postgres(self._found("postgres").address)

    def own_postgres(self) -> PrivatePostgres:
        """A server whose processes can be looked at."""
        return private(self._run)

    def _found(self, kind: str) -> Found:
        known = self._run.found(kind)
        found = known or self._run.once(kind, kafka.find if kind == "kafka" else postgres.find)
        if not known:
            print(f"{kind}: {found.how}", flush=True)
        return found
