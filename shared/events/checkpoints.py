"""Checkpoints: what a key holder signed a log to be, so that nobody can rewrite it unnoticed."""

from shared.events.catalogue import EVERY_LOG, event
from shared.events.values import Data, Sha256


@event("checkpoint.signed", source=EVERY_LOG, subject="checkpoint")
class CheckpointSigned(Data):
    """An Ed25519 signature over source, commune, position, hash and `signed_at`, in base64, by the key named."""

    commune: str
    source: str
    position: int
    hash: Sha256
    signed_at: str
    key: str
    signature: str
