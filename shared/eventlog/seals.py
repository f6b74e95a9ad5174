"""Seals: the owner of a log signs what it publishes, so that a message counts only if the owner published it.

Whoever can write to a topic can write events that fit the chain; only the owner's relay can sign one. Each event
carries the hash of the one before it, so a seal vouches for all events before its own too.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.keys import KeyPair, public_keys

FORMAT = "cchc-seal-v1"
HEADER = "seal"  # of a message: the id of the key and the signature in base64, with a space between them

Keys = Callable[[str], Ed25519PublicKey | None]  # id → the owner's public key


def message(source: str, commune: str, position: int, hash_: str) -> bytes:
    """The bytes that are signed; `hash_` is that of the event."""
    return f"{FORMAT}\n{source}\n{commune}\n{position}\n{hash_}\n".encode()


def make_seal(key: KeyPair, source: str, commune: str, position: int, hash_: str) -> bytes:
    """The header of a message that carries this event."""
    signature = key.private.sign(message(source, commune, position, hash_))
    return f"{key.id} ".encode() + b64encode(signature)


def vouches(seal: bytes, keys: Keys, source: str, commune: str, position: int, hash_: str) -> bool:
    """Did the owner sign this event?"""
    id_, _, signature = seal.partition(b" ")
    public = keys(id_.decode("ascii", "replace"))
    if public is None:
        return False
    try:
        public.verify(b64decode(signature, validate=True), message(source, commune, position, hash_))
    except (InvalidSignature, ValueError):
        return False
    return True


class KeysInFolder:
    """The public keys of one owner. A key that is added, or taken away, counts at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[int, dict[str, Ed25519PublicKey]] = (0, {})

    def __call__(self, id_: str) -> Ed25519PublicKey | None:
        """None also while the folder cannot be read: then nothing is vouched for, and the owner is asked."""
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed != self._read[0]:
                self._read = (changed, public_keys(self._folder))
        except (OSError, ValueError):
            return None
        return self._read[1].get(id_)
