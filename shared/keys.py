"""Ed25519 keys in files: private ones readable by their owner only, public ones in a folder, named by their ids."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.files import replace_file

PublicKeys = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True)
class KeyPair:
    """A private key, and the id that what it signs names."""

    id: str
    private: Ed25519PrivateKey


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the 32 bytes of a public key."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_pem(public: Ed25519PublicKey) -> bytes:
    """The key as `openssl pkey -pubin` reads it."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_pair(private: Path, public: Path) -> KeyPair:
    """The key in the file `private`, made at the first run; its public half is kept as `<id>.pem` in `public`.

    To change the key, remove the private file: what the old one signed is checked against its public half, which
    stays. Raises OSError, or ValueError when the file is no Ed25519 key.
    """
    if not private.exists():
        with contextlib.suppress(FileExistsError):
            make_private_key(private)
    key = read_private_key(private)
    held = KeyPair(key_id(key.public_key()), key)
    # There, or in the folder of whoever it belongs to.
    if not any(public.rglob(f"{held.id}.pem")):
        replace_file(public / f"{held.id}.pem", public_pem(key.public_key()))
    return held


def public_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys of a folder by their ids, computed from the keys: a file's name proves nothing.

    Raises OSError, or ValueError for a .pem file that is no Ed25519 public key.
    """
    found = {}
    for path in sorted(folder.glob("*.pem")):
        try:
            key = read_public_key(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is not an Ed25519 public key") from error
        found[key_id(key)] = key
    return found


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Raises ValueError for what is no Ed25519 public key."""
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise ValueError("not an Ed25519 public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")
    return key


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
