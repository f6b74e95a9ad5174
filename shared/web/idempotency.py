"""`Idempotency-Key`: the client's name for one request, with a digest of what it asked for."""

import hashlib
import re
from io import BufferedReader
from typing import cast

import flask

from shared.eventlog import Key
from shared.web.auth import principal
from shared.web.problems import Rejected

KEY = re.compile(r"[\x21-\x7e]{1,200}")


def idempotency_key() -> Key | None:
    """The request's key, None when it sent none. Raises Rejected `idempotency-key` when it is malformed."""
    header = flask.request.headers.get("Idempotency-Key")
    if header is None:
        return None
    if not KEY.fullmatch(header):
        raise Rejected("idempotency-key")
    return Key(header, _digest())


def _digest() -> str:
    """A digest of actor, method, path with query, and body, each with its length, so that none runs into the next."""
    request = flask.request
    parts = [principal().actor.encode(), request.method.encode(), request.full_path.encode("utf-8", "surrogatepass")]
    if request.mimetype == "multipart/form-data":
        # The boundary differs between attempts, so the parts count rather than the bytes on the wire.
        for name, value in request.form.items(multi=True):
            parts += [name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass")]
        for name, file in request.files.items(multi=True):
            parts += [name.encode("utf-8", "surrogatepass"), (file.filename or "").encode("utf-8", "surrogatepass")]
            parts.append(hashlib.file_digest(cast(BufferedReader, file.stream), "sha256").digest())
            file.stream.seek(0)
    else:
        parts.append(request.get_data(cache=True))
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()
