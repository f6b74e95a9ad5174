"""Ed25519 private keys in files, readable by their owner only."""

import os
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """Make a key as PEM (PKCS 8, mode 0600). Raises FileExistsError rather than replace one."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may start at once: the file appears complete, and only one of them creates it.
    descriptor, written = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        os.link(written, path)
    finally:
        os.unlink(written)
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read what `make_private_key` wrote. Raises OSError, or ValueError when it is no Ed25519 key."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")
    return key
