"""Ed25519 keys and the tokens signed with them: `cchc token` makes them, every service checks them."""

import contextlib
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from shared.decoding import decoder
from shared.files import replace_file
from shared.keys import make_private_key, read_private_key

ISSUER = "cchc"
AUDIENCE = "cchc"


class KeySetUnavailable(Exception):
    """The key set cannot be read, or is not one: no token can be checked."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a key may sign for: the one subject and the roles of its tokens; None is any. A limit of a later release is
    no limit that this one could keep, so that the set cannot be read."""

    sub: str | None = None
    roles: tuple[str, ...] | None = None

    def allow(self, sub: str, roles: Collection[str]) -> bool:
        return self.sub in (None, sub) and (self.roles is None or set(roles) <= set(self.roles))


# The member of a public key in the set (RFC 7517, 4) that holds its limits.
LIMITS = "cchc"


class PublicKey(NamedTuple):
    jwk: jwt.PyJWK
    limits: Limits


class KeySet(Protocol):
    """Public keys by id."""

    def __call__(self, kid: str) -> PublicKey:
        """Raises KeyError when the set lacks the id, KeySetUnavailable when there is no set."""

    def must_be_readable(self) -> None:
        """Raises KeySetUnavailable."""


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
    replace_file(key_set, key_set_of(key).encode())
    return key


def own_key(private: Path, key_set: Path) -> SigningKey:
    """The key in `private`, made where there is none; several processes may ask at once and get the same one.

    `key_set` is the JWKS of this key alone: where it is lost, unreadable, or of another key, it is written again.
    Raises OSError, or ValueError when `private` is no Ed25519 key.
    """
    if not private.exists():
        with contextlib.suppress(FileExistsError):
            return generate_key(private, key_set)
    key = load_key(private)
    try:
        keys_at(str(key_set))(key.kid)
    except (KeyError, KeySetUnavailable):
        replace_file(key_set, key_set_of(key).encode())
    return key


def key_set_of(key: SigningKey, *limited: tuple[SigningKey, Limits]) -> str:
    """The JWKS that tokens of this key, and those of others within their limits, are checked against."""
    keys = [_public_jwk(key.private.public_key())]
    keys += [_public_jwk(each.private.public_key()) | {LIMITS: msgspec.to_builtins(to)} for each, to in limited]
    return json.dumps({"keys": keys}, indent=2) + "\n"


def _limits_in(key_set: Any) -> dict[str, Limits]:
    """The limits of each key by its id. Raises ValueError for a limit that is not understood."""
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    members = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    try:
        return {str(key.get("kid")): msgspec.convert(key.get(LIMITS, {}), Limits) for key in members}
    except msgspec.ValidationError as error:
        raise ValueError("a key has limits that are not understood") from error


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


def keys_at(source: str) -> KeySet:
    """The key set at a URL or in a file (JWKS). A replaced file counts at once, a URL within five minutes."""
    if source.startswith(("https://", "http://")):
        return _KeysAtUrl(source)
    return _KeysInFile(Path(source))


class _KeysInFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, dict[str, PublicKey]] = (0, {})

    def __call__(self, kid: str) -> PublicKey:
        return self._load()[kid]

    def must_be_readable(self) -> None:
        self._load()

    def _load(self) -> dict[str, PublicKey]:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._read[0]:
                read = _read_key_set(self._path.read_bytes())
                limits = _limits_in(read)
                keys = {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(read)}
                self._read = (changed, {kid: PublicKey(key, limits[kid]) for kid, key in keys.items()})
        except (OSError, ValueError, TypeError, KeyError, jwt.PyJWTError) as error:
            raise KeySetUnavailable(f"{self._path}: {error}") from error
        return self._read[1]


class _Client(jwt.PyJWKClient):
    """Remembers the limits of the keys that it fetches."""

    limits: Mapping[str, Limits] = {}

    def fetch_data(self) -> Any:
        fetched = super().fetch_data()
        self.limits = _limits_in(fetched)
        return fetched


class _KeysAtUrl:
    def __init__(self, url: str) -> None:
        self._url = url
        self._client = _Client(url, timeout=5)

    def __call__(self, kid: str) -> PublicKey:
        try:
            return PublicKey(self._client.get_signing_key(kid), self._client.limits[kid])
        except NO_KEY_SET as error:
            raise KeySetUnavailable(f"{self._url}: {error}") from error
        except jwt.PyJWKClientError as error:
            raise KeyError(kid) from error

    def must_be_readable(self) -> None:
        try:
            self._client.get_jwk_set()
        except (*NO_KEY_SET, jwt.PyJWKClientError) as error:
            raise KeySetUnavailable(f"{self._url}: {error}") from error


NO_KEY_SET = (OSError, HTTPException, ValueError, RecursionError, jwt.PyJWKClientConnectionError, jwt.PyJWKSetError)
_read_key_set = decoder(dict[str, Any])


def _public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
    # RFC 7638: the id is the digest of the key's required members in lexical order, so it needs no storing.
    thumbprint = hashlib.sha256(msgspec.json.encode({name: jwk[name] for name in ("crv", "kty", "x")})).digest()
    return {**jwk, "alg": "EdDSA", "use": "sig", "kid": urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}
