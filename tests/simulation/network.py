"""The links between processes and what they use."""

import msgspec


class Link(msgspec.Struct, eq=False):
    """From one process to a server. Cut, it is reset at once or silent: whoever asks waits for a timeout."""

    name: str
    up: bool = True
    silent: bool = False
    cut_at: float = 0.0

    def cut(self, now: float, *, silent: bool) -> None:
        self.up, self.silent, self.cut_at = False, silent, now

    def mend(self) -> None:
        self.up, self.silent = True, False
