"""A refusal: a command or an input that the rules do not allow, with a stable code for programs."""

from typing import Any


class Refused(Exception):
    """The rules do not allow it. `code` is stable; `params` fill the Vietnamese text that belongs to the code."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params
