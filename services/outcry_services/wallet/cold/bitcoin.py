"""Asking for a Bitcoin transaction, and taking the answer: a PSBT with BIP-341 key-path signatures."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embit.ec import PublicKey, SchnorrSig
from embit.psbt import PSBT
from embit.script import Witness

from outcry_services.wallet.cold.asked import Accepted
from outcry_services.wallet.cold.errors import BadSignatureError, UnreadableError, WrongAnswerError
from outcry_services.wallet.cold.requests import psbt_answer, psbt_request

if TYPE_CHECKING:
    from outcry_services.wallet.cold.ur import Message

__all__ = ["BitcoinAsked"]

_TAP_KEY_SIG = b"\x13"  # BIP-371's PSBT_IN_TAP_KEY_SIG
_SIGHASH_DEFAULT, _SIGHASH_ALL = 0, 1


@dataclass(frozen=True)
class BitcoinAsked:
    """A PSBT without signatures; every input names its previous output."""

    psbt: bytes

    chain = "bitcoin"

    @classmethod
    def read(cls, text: bytes, address: str = "") -> BitcoinAsked:
        """Of a PSBT in base64 or as bytes; raises `UnreadableError`. `address` isn't needed."""
        del address
        if not text.startswith(b"psbt\xff"):
            try:
                text = base64.b64decode(text.strip(), validate=True)
            except binascii.Error as error:
                raise UnreadableError(f"neither a PSBT nor base64 of one: {error}") from error
        psbt = _parsed(text)
        if any(scope.utxo is None for scope in psbt.inputs):
            raise UnreadableError("an input doesn't say which output it spends: it can't be checked offline")
        return cls(text)

    @classmethod
    def restore(cls, saved: dict[str, str]) -> BitcoinAsked:
        """What `saved` gave."""
        return cls.read(saved["psbt"].encode())

    def saved(self) -> dict[str, str]:
        """For `restore`."""
        return {"chain": self.chain, "psbt": base64.b64encode(self.psbt).decode()}

    def message(self) -> Message:
        """What the cold wallet reads."""
        return psbt_request(self.psbt)

    def accept(self, answer: Message) -> Accepted:
        """The transaction once every signature was verified against what *was asked for*.

        Raises `WrongAnswerError` and `BadSignatureError`.
        """
        asked, given = _parsed(self.psbt), _parsed(psbt_answer(answer))
        transaction = asked.tx
        if given.tx.serialize() != transaction.serialize():
            raise WrongAnswerError("the answer holds another transaction than was asked for")
        signed = 0
        for index, scope in enumerate(given.inputs):
            signature = scope.unknown.get(_TAP_KEY_SIG)
            if signature is None:
                continue
            _verify(asked, index, bytes(signature))
            transaction.vin[index].witness = Witness([bytes(signature)])
            signed += 1
        if signed == 0:
            raise WrongAnswerError("the answer holds no signature")
        name: str = transaction.txid().hex()
        if signed < len(asked.inputs):
            whole: str = given.to_string()
            return Accepted(transaction=whole, encoding="psbt", id=name, complete=False)
        raw: bytes = transaction.serialize()
        return Accepted(transaction=raw.hex(), encoding="hex", id=name, complete=True)


def _parsed(psbt: bytes) -> PSBT:
    try:
        return PSBT.parse(psbt)
    except Exception as error:  # its parser raises whatever the bytes lead it to
        raise UnreadableError(f"a PSBT that can't be read: {error}") from error


def _verify(asked: PSBT, index: int, signature: bytes) -> None:
    kind = signature[64] if len(signature) == 65 else _SIGHASH_DEFAULT
    if len(signature) not in {64, 65} or kind not in {_SIGHASH_DEFAULT, _SIGHASH_ALL}:
        raise BadSignatureError(f"input {index}: a signature that doesn't cover the whole transaction")
    script: bytes = asked.inputs[index].utxo.script_pubkey.data
    if len(script) != 34 or script[:2] != b"\x51\x20":
        raise WrongAnswerError(f"input {index}: a key-path signature for an output that isn't taproot")
    digest = asked.sighash(index, sighash=kind)
    if not PublicKey.from_xonly(script[2:]).schnorr_verify(SchnorrSig(signature[:64]), digest):
        raise BadSignatureError(f"input {index}: the signature isn't one over what was asked for")
