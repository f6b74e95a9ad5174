"""What both processes agree on: the limits of a child, and how its answer begins."""

import msgspec

MEBIBYTE = 1024 * 1024

# What the first byte of an answer says of the rest.
RESULT, REFUSED, FAILED, NO_MEMORY = b"=", b"!", b"?", b"M"


class Limits(msgspec.Struct, frozen=True):
    """What a child may use. `memory` (address space), `result` and `written` (a temporary file) in bytes.

    20,000 rows take 113 MB and 6 s of a slow core. With two web processes one child at a time fits into the 320 MB of
    a container (docker-compose.yml).
    """

    memory: int = 176 * MEBIBYTE
    cpu_s: int = 12
    wall_s: int = 17
    result: int = 16 * MEBIBYTE
    written: int = 64 * MEBIBYTE
    descriptors: int = 32


LIMITS = Limits()
