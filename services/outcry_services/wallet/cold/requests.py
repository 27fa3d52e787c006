"""Requests to the cold wallet, and its answers, as CBOR inside URs.

`psbt` and `crypto-psbt` are a byte string (BCR-2020-006); `eth-sign-request` and `eth-signature` are
EIP-4527's; `sol-sign-request` and `sol-signature` follow Keystone's registry.
"""

from __future__ import annotations

import uuid
from typing import Any

import cbor2

from outcry_services.wallet.cold.errors import MalformedError, WrongAnswerError
from outcry_services.wallet.cold.ur import Message

__all__ = ["ethereum_request", "psbt_answer", "psbt_request", "signature_answer", "solana_request"]

_UUID, _KEYPATH = 37, 304
_ETHEREUM_PATH = [44, True, 60, True, 0, True, 0, False, 0, False]
_SOLANA_PATH = [44, True, 501, True, 0, True, 0, True]
_TYPED_TRANSACTION = 4
_TRANSACTION = 1
_ORIGIN = "outcry"


def psbt_request(psbt: bytes) -> Message:
    """A BIP-174 transaction."""
    return Message("psbt", cbor2.dumps(psbt))


def ethereum_request(
    transaction: bytes, *, request: uuid.UUID, chain_id: int, address: bytes, fingerprint: int = 0
) -> Message:
    """An unsigned typed transaction, as it is signed; `fingerprint` 0: the key's isn't known."""
    fields = {
        1: cbor2.CBORTag(_UUID, request.bytes),
        2: transaction,
        3: _TYPED_TRANSACTION,
        4: chain_id,
        5: _keypath(_ETHEREUM_PATH, fingerprint),
        6: address,
        7: _ORIGIN,
    }
    return Message("eth-sign-request", cbor2.dumps(fields))


def solana_request(message: bytes, *, request: uuid.UUID, address: bytes, fingerprint: int = 0) -> Message:
    """A message, as it is signed."""
    fields = {
        1: cbor2.CBORTag(_UUID, request.bytes),
        2: message,
        3: _keypath(_SOLANA_PATH, fingerprint),
        4: address,
        5: _ORIGIN,
        6: _TRANSACTION,
    }
    return Message("sol-sign-request", cbor2.dumps(fields))


def psbt_answer(answer: Message) -> bytes:
    """The signed PSBT."""
    _of_kind(answer, "psbt", "crypto-psbt")
    content = _loaded(answer)
    if not isinstance(content, bytes):
        raise MalformedError("an answer of type psbt that holds none")
    return content


def signature_answer(answer: Message, kind: str, request: uuid.UUID) -> bytes:
    """The signature in an answer of that kind; raises `WrongAnswerError` for another request's."""
    _of_kind(answer, kind)
    fields = _loaded(answer)
    if not isinstance(fields, dict) or not isinstance(fields.get(2), bytes):
        raise MalformedError(f"an answer of type {kind} without a signature")
    if _identity(fields.get(1)) != request:
        raise WrongAnswerError("this answers another request: was an old animation recorded?")
    signature: bytes = fields[2]
    return signature


def _of_kind(answer: Message, *kinds: str) -> None:
    if answer.kind not in kinds:
        raise WrongAnswerError(f"ur:{answer.kind} was recorded, where ur:{kinds[0]} is wanted")


def _keypath(components: list[int | bool], fingerprint: int) -> cbor2.CBORTag:
    fields: dict[int, Any] = {1: components}
    if fingerprint:
        fields[2] = fingerprint
    return cbor2.CBORTag(_KEYPATH, fields)


def _loaded(answer: Message) -> object:
    try:
        content: object = cbor2.loads(answer.cbor)
    except (cbor2.CBORDecodeError, ValueError, TypeError) as error:
        raise MalformedError(f"an answer of type {answer.kind} that can't be read: {error}") from error
    return content


def _identity(given: object) -> uuid.UUID | None:
    """With its tag, which the library turns into a UUID, or without."""
    if isinstance(given, uuid.UUID):
        return given
    return uuid.UUID(bytes=given) if isinstance(given, bytes) and len(given) == 16 else None
