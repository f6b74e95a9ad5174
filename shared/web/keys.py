"""Ed25519 keys and the tokens signed with them: `cchc token` makes them, every service checks them."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from shared.keys import make_private_key, read_private_key

ISSUER = "cchc"
AUDIENCE = "cchc"

# Key id → public key. Raises KeyError when the set lacks the id, KeySetUnavailable when there is no set.
KeyLookup = Callable[[str], jwt.PyJWK]


class KeySetUnavailable(Exception):
    """The key set cannot be read, or is not one: no token can be checked."""


@dataclass(frozen=True)
class SigningKey:
    """A private key and the id its public half has in the key set."""

    kid: str
    private: Ed25519PrivateKey


def generate_key(private: Path, key_set: Path) -> SigningKey:
    """Make a key: the private half as PEM readable by its owner only, the public half as a JWKS.

    Raises FileExistsError rather than replace a key.
    """
    make_private_key(private)
    key = load_key(private)
    key_set.write_text(key_set_of(key), encoding="utf-8")
    return key


def key_set_of(key: SigningKey) -> str:
    """The JWKS that tokens of this key are checked against."""
    return json.dumps({"keys": [_public_jwk(key.private.public_key())]}, indent=2) + "\n"


def load_key(private: Path) -> SigningKey:
    """Read a private key that `generate_key` wrote. Raises OSError, or ValueError when it is no Ed25519 key."""
    key = read_private_key(private)
    return SigningKey(_public_jwk(key.public_key())["kid"], key)


def mint(
    key: SigningKey, *, sub: str, commune: str, roles: Iterable[str], lifetime: timedelta, now: datetime | None = None
) -> str:
    """A signed token for `sub` (staff/p14, operator/NAME, service/NAME) in `commune` (or `*`) with `roles`."""
    issued = now or datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": sub,
        "commune": commune,
        "roles": sorted(roles),
        "iat": issued,
        "exp": issued + lifetime,
    }
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid})


def keys_at(source: str) -> KeyLookup:
    """The key set at a URL or in a file (JWKS). A replaced file counts at once, a URL within five minutes."""
    if source.startswith(("https://", "http://")):
        return _keys_at_url(source)
    return _keys_in_file(Path(source))


def _keys_in_file(path: Path) -> KeyLookup:
    read: tuple[int, dict[str, jwt.PyJWK]] = (0, {})

    def look_up(kid: str) -> jwt.PyJWK:
        nonlocal read
        try:
            changed = path.stat().st_mtime_ns
            if changed != read[0]:
                key_set = jwt.PyJWKSet.from_dict(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
                read = (changed, {key.key_id or "": key for key in key_set})
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise KeySetUnavailable(str(path)) from error
        return read[1][kid]

    return look_up


def _keys_at_url(url: str) -> KeyLookup:
    client = jwt.PyJWKClient(url, timeout=5)

    def look_up(kid: str) -> jwt.PyJWK:
        try:
            return client.get_signing_key(kid)
        except (OSError, ValueError, jwt.PyJWKClientConnectionError, jwt.PyJWKSetError) as error:
            raise KeySetUnavailable(url) from error
        except jwt.PyJWKClientError as error:
            raise KeyError(kid) from error

    return look_up


def _public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
    # RFC 7638: the id is the digest of the key's required members in lexical order, so it needs no storing.
    thumbprint = hashlib.sha256(msgspec.json.encode({name: jwk[name] for name in ("crv", "kty", "x")})).digest()
    return {**jwk, "alg": "EdDSA", "use": "sig", "kid": urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}
