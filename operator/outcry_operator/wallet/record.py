"""The record of ceremonies: what all three signers confirmed, checked before it is believed. Pure.

One JSON line a ceremony, as `outcry-signer ceremony --record` writes it. A line counts when three
confirmations of one key stand in it, each signed by the identity that is pinned for its signer.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError
from outcry.v1 import signer_pb2

from outcry_operator.models.wallet_status import KeyRecord
from outcry_operator.wallet.names import SIGNERS

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIRMATION = b"outcry/signer-confirmation/v1\0"
VERIFYING_BYTES = 32
REPAIR = "repair"


class RecordError(ValueError):
    """A record that doesn't prove what it says; the message tells which part."""


@dataclass(frozen=True, kw_only=True)
class Ceremony:
    """One line."""

    name: str
    scheme: str
    confirmations: tuple[signer_pb2.Confirmation, ...]


def lines_of(text: str) -> list[str]:
    """The lines of a record, without empty ones."""
    return [line for line in text.splitlines() if line.strip()]


def key_of(lines: list[str], pinned: Mapping[int, str], *, scheme: str) -> KeyRecord:
    """The key that the last of these lines proves; raises RecordError. A repair alone makes no key."""
    found = [ceremony for ceremony in map(read, lines) if ceremony.name != REPAIR]
    if not found:
        raise RecordError("no key generation and no refresh stands in it")
    return proven(found[-1], pinned, scheme=scheme)


def read(line: str) -> Ceremony:
    """A line; raises RecordError."""
    try:
        fields = json.loads(line)
        confirmations = tuple(
            signer_pb2.Confirmation.FromString(binascii.unhexlify(text)) for text in fields["confirmations"]
        )
        return Ceremony(
            name=str(fields["ceremony"]), scheme=str(fields["scheme"]), confirmations=confirmations
        )
    except (ValueError, KeyError, TypeError, DecodeError) as error:
        raise RecordError(f"a line of it is no ceremony ({type(error).__name__})") from error


def proven(ceremony: Ceremony, pinned: Mapping[int, str], *, scheme: str) -> KeyRecord:
    """The key that three confirmations agree on; raises RecordError."""
    by_index = {said.index: said for said in ceremony.confirmations}
    if set(by_index) != set(SIGNERS):
        raise RecordError(f"it has confirmations of {sorted(by_index)}, not of all three signers")
    first = by_index[SIGNERS[0]]
    if first.scheme != scheme:
        raise RecordError(f"it is of scheme {first.scheme}, the wallet's is {scheme}")
    for index, said in by_index.items():
        if _essence(said) != _essence(first):
            raise RecordError(f"signer-{index} confirms another key than signer-{SIGNERS[0]}")
        if not _signed(said, pinned.get(index, "")):
            raise RecordError(f"the confirmation of signer-{index} isn't signed by its pinned identity")
    return KeyRecord(scheme=first.scheme, epoch=first.epoch, public_key=first.public_key.hex())


def statement(said: signer_pb2.Confirmation) -> bytes:
    """What an identity signs: every field behind its length (services/signer/src/node/wire.rs)."""
    fields = (
        said.session_id,
        said.index.to_bytes(4, "big"),
        said.scheme.encode(),
        said.epoch.to_bytes(4, "big"),
        said.public_key,
        said.chain_code,
        said.transcript,
    )
    return b"".join(len(field).to_bytes(8, "big") + field for field in fields)


def _essence(said: signer_pb2.Confirmation) -> tuple[object, ...]:
    return (said.session_id, said.scheme, said.epoch, said.public_key, said.chain_code, said.transcript)


def _signed(said: signer_pb2.Confirmation, identity: str) -> bool:
    """By the Ed25519 half of the identity, which stands first."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(identity)[:VERIFYING_BYTES])
        key.verify(said.signature, CONFIRMATION + statement(said))
    except (ValueError, InvalidSignature):
        return False
    return True
