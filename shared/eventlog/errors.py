"""What can go wrong with a log. Each error carries what one needs to know to act on it."""


class UnknownCommune(Exception):
    """No log begins with this commune's opening (or the replica does not hold it yet)."""


class ClockBehind(Exception):
    """The clock is more than ten minutes behind the head of the log: times would have to go back."""


class EventTooLarge(Exception):
    """An event over 256 KiB could not be published."""


class KeyReused(Exception):
    """The Idempotency-Key was used before, for another request."""


class StaleVersion(Exception):
    """The stream has moved on since the caller read it."""

    def __init__(self, subject: str, expected: int, actual: int) -> None:
        super().__init__(f"{subject} is at version {actual}, not {expected}")
        self.subject, self.expected, self.actual = subject, expected, actual


class Busy(Exception):
    """The commune's head, or the database file, stayed locked for longer than a caller should wait."""


class Deposed(Exception):
    """Another process has taken over what this one led: what it would write no longer counts."""


class ChainBreak(Exception):
    """An event does not fit: other bytes at its place, or a hash that is not its predecessor's."""

    def __init__(self, source: str, commune: str, position: int, reason: str) -> None:
        super().__init__(f"{source}/{commune}/{position}: {reason}")
        self.source, self.commune, self.position, self.reason = source, commune, position, reason


class Ahead(Exception):
    """An event is ahead of its place: fetch the missing ones from the owner's feed."""

    def __init__(self, commune: str, expected: int, got: int) -> None:
        super().__init__(f"{commune}: expected position {expected}, got {got}")
        self.commune, self.expected, self.got = commune, expected, got


class ServerLacks(Exception):
    """The database server lacks something that the programs need; the message says what to install."""
