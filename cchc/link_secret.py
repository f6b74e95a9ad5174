"""What signs the links in messages, in a file of its own: whoever writes messages need not be able to mint tokens."""

import hashlib
from pathlib import Path

from shared.web.keys import SigningKey


def new_link_secret(key: SigningKey) -> str:
    """As releases before this file computed it from the signing key, so that links already sent stay good."""
    return hashlib.sha256(b"cchc-link-v1" + key.private.private_bytes_raw()).hexdigest()


def read_link_secret(path: Path) -> bytes:
    """Raises OSError, or ValueError for what is no such file."""
    return bytes.fromhex(path.read_text("ascii"))
