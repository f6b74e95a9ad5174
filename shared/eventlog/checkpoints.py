"""Signed checkpoints: what a log was at a position, with an Ed25519 signature that only the holder of the key can make.

A checkpoint proves something only if a copy of it lies where the operator of the installation cannot reach it. The
holder of the private key can rewrite a log and sign it again, but cannot take back what was printed or mailed.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature

from shared.decoding import decoder
from shared.eventlog.chain import Head
from shared.eventlog.log import Decision, Log, Transaction
from shared.events import CATALOGUE, CheckpointSigned, Input, decode
from shared.keys import KeyPair, PublicKeys, public_keys

FORMAT = "cchc-checkpoint-v1"
SUBJECT = CATALOGUE.of(CheckpointSigned).subject


def message(checkpoint: CheckpointSigned) -> bytes:
    """The bytes that are signed."""
    said = (checkpoint.source, checkpoint.commune, checkpoint.position, checkpoint.hash, checkpoint.signed_at)
    return "".join(f"{each}\n" for each in (FORMAT, *said)).encode()


def sign(key: KeyPair, source: str, commune: str, head: Head, signed_at: str) -> CheckpointSigned:
    """A checkpoint of a log's head. `signed_at` is a recorded time (RFC 3339)."""
    unsigned = CheckpointSigned(
        commune=commune,
        source=source,
        position=head.position,
        hash=head.hash,
        signed_at=signed_at,
        key=key.id,
        signature="",
    )
    return msgspec.structs.replace(unsigned, signature=b64encode(key.private.sign(message(unsigned))).decode())


class CheckpointKeys(NamedTuple):
    """Public keys by id. `owners`: those that sign for one service only, and which; the others are the operator's, or
    of releases that had one key for all."""

    public: PublicKeys
    owners: Mapping[str, str]

    @classmethod
    def in_folder(cls, folder: Path) -> "CheckpointKeys":
        """Those of a folder, and of the folders in it, which are named after services. Raises OSError, ValueError."""
        shared = public_keys(folder)
        of_services = {each.name: public_keys(each) for each in sorted(folder.glob("*/"))}
        owners = {id_: name for name, keys in of_services.items() for id_ in keys if id_ not in shared}
        return cls({id_: key for keys in of_services.values() for id_, key in keys.items()} | shared, owners)


def signature_problem(checkpoint: CheckpointSigned, keys: CheckpointKeys, signers: Collection[str]) -> str | None:
    """Why the signature proves nothing, or None when it is right; `signers` are the services that may sign it."""
    public, owner = keys.public.get(checkpoint.key), keys.owners.get(checkpoint.key)
    if public is None:
        return f"ký bằng khóa {checkpoint.key}, không có trong thư mục khóa công khai"
    if owner is not None and owner not in signers:
        return f"ký bằng khóa {checkpoint.key} của {owner}, không được ký điểm chốt này"
    try:
        public.verify(b64decode(checkpoint.signature, validate=True), message(checkpoint))
    except (InvalidSignature, ValueError):
        return f"chữ ký không đúng với khóa {checkpoint.key}"
    return None


def record(
    log: Log, commune: str, key: KeyPair, *, actor: str, held: Mapping[str, Head], seen: int | None = None
) -> list[CheckpointSigned]:
    """Sign a log's head, and those of other logs as `held` here, by appending to the log itself.

    With `seen`, the number of checkpoints that the decision to sign rests on: when another process signed meanwhile,
    nothing is signed. Raises what `Log.append` raises.
    """

    def decide(tx: Transaction) -> Decision:
        if seen is not None and tx.version(SUBJECT) != seen:
            return Decision([], [])
        # The checkpoint of this log comes last: the next one follows it.
        heads = {**held, log.source: tx.head}
        signed = [sign(key, source, commune, head, tx.time) for source, head in heads.items() if head.position]
        return Decision(signed, signed)

    signed: list[CheckpointSigned] = log.append(commune, decide, actor=actor).result
    return signed


def checkpoints(logs: Iterable[Log], commune: str) -> list[CheckpointSigned]:
    """Every checkpoint recorded in these logs of a commune, log by log, in the order of signing."""
    return [decode(body).data for log in logs for body in log.read_stream(commune, SUBJECT)]


def latest(signed: Iterable[CheckpointSigned]) -> list[CheckpointSigned]:
    """The furthest checkpoint of each source."""
    furthest: dict[str, CheckpointSigned] = {}
    for each in sorted(signed, key=_place):
        furthest[each.source] = each
    return list(furthest.values())


def covering(signed: Iterable[CheckpointSigned], inputs: Sequence[Input]) -> list[CheckpointSigned]:
    """The checkpoints to print with what was computed from `inputs`: for each log the first one that signs its
    position or a later one; the last one before it while there is none."""
    by_source: dict[str, list[CheckpointSigned]] = {}
    for each in sorted(signed, key=_place):
        by_source.setdefault(each.source, []).append(each)
    found = []
    for pin in inputs:
        of_source = by_source.get(pin.source, [])
        behind = next((each for each in of_source if each.position >= pin.position), None)
        found += [behind] if behind else of_source[-1:]
    return found


def _place(checkpoint: CheckpointSigned) -> tuple[int, str]:
    return checkpoint.position, checkpoint.signed_at


def line(checkpoint: CheckpointSigned) -> bytes:
    """A checkpoint as one line of JSON without its line end, to be kept elsewhere."""
    return msgspec.json.encode(checkpoint)


def read_line(text: bytes) -> CheckpointSigned:
    """Raises msgspec.DecodeError (ValidationError) for what is no checkpoint."""
    return _read_line(text)


_read_line = decoder(CheckpointSigned)
