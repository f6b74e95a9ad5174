"""The key that owners seal with in tests, the same in every process."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.eventlog.chain import read_link
from shared.eventlog.seals import HEADER, Keys, make_seal
from shared.events import event_hash
from shared.keys import KeyPair, key_id


def key_of(seed: int) -> KeyPair:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))
    return KeyPair(key_id(private.public_key()), private)


KEY = key_of(1)
KEYS: Keys = {KEY.id: KEY.private.public_key()}.get


def headers_of(body: bytes, key: KeyPair = KEY) -> list[tuple[str, bytes]]:
    """The headers of an event that its owner seals; none for what is no event."""
    try:
        link = read_link(body)
    except msgspec.DecodeError:
        return []
    return [(HEADER, make_seal(key, link.source[1:], link.commune, link.position, event_hash(body)))]
