"""How much the clients of one process may ask of it (ADR 0033)."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """At a limit of connections the slowest one gives way to a new one.

    request_s    seconds for head and body together, and again for the answer; one more for each 64 KiB moved
    connections  open at once
    per_address  of one address that the server waits for; None: a proxy stands in front, and all have its address
    buffered     bytes of bodies and answers that wait, all together
    """

    request_s: float = 30.0
    connections: int = 1000
    per_address: int | None = 100
    buffered: int = 256 * MIB

    @property
    def waiting(self) -> int:
        """Whole requests that may wait for a thread: fewer than connections, so that a probe finds one."""
        return max(1, self.connections // 2)

    @property
    def behind_proxy(self) -> bool:
        return self.per_address is None
