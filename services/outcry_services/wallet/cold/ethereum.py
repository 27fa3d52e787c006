"""Asking for an Ethereum transaction (EIP-1559), and taking the answer."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import rlp
from eth_account import Account
from eth_utils.address import is_checksum_address, to_canonical_address
from eth_utils.crypto import keccak

from outcry_services.wallet.cold.asked import Accepted
from outcry_services.wallet.cold.errors import BadSignatureError, UnreadableError
from outcry_services.wallet.cold.requests import ethereum_request, signature_answer

if TYPE_CHECKING:
    from outcry_services.wallet.cold.ur import Message

__all__ = ["EthereumAsked"]

_TYPE = b"\x02"
_FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True)
class EthereumAsked:
    """`0x02 || rlp(nine fields)`, and the cold address that should sign."""

    transaction: bytes
    address: str
    request: uuid.UUID = field(default_factory=uuid.uuid4)

    chain = "ethereum"

    @classmethod
    def read(cls, text: bytes, address: str = "") -> EthereumAsked:
        """Of `0x02…` in hexadecimal, or of JSON: `chainId`, `nonce`, `to`, `value`, `gas` and both fees."""
        if not is_checksum_address(address):
            raise UnreadableError(
                f"{address or 'no address'}: the cold address is wanted, in its checksum's case"
            )
        try:
            given = text.decode("ascii").strip()
            transaction = bytes.fromhex(given[2:]) if given.startswith("0x") else _built(json.loads(given))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableError(f"neither hexadecimal nor fields of a transaction: {error}") from error
        _fields(transaction)
        return cls(transaction, address)

    @classmethod
    def restore(cls, saved: dict[str, str]) -> EthereumAsked:
        """What `saved` gave."""
        transaction = bytes.fromhex(saved["transaction"].removeprefix("0x"))
        return cls(transaction, saved["address"], uuid.UUID(saved["request"]))

    def saved(self) -> dict[str, str]:
        """For `restore`."""
        transaction = f"0x{self.transaction.hex()}"
        kept = {"transaction": transaction, "address": self.address, "request": str(self.request)}
        return {"chain": self.chain, **kept}

    def message(self) -> Message:
        """What the cold wallet reads."""
        return ethereum_request(
            self.transaction,
            request=self.request,
            chain_id=int.from_bytes(_fields(self.transaction)[0], "big"),
            address=to_canonical_address(self.address),
        )

    def accept(self, answer: Message) -> Accepted:
        """The signed transaction; the signer is recovered and compared with the cold address."""
        signature = signature_answer(answer, "eth-signature", self.request)
        numbers = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        if len(signature) != 65 or signature[64] > 1 or numbers[1] > _HALF_ORDER:
            raise BadSignatureError("a signature of another form than r, low s, and 0 or 1")
        raw = _TYPE + rlp.encode([*_fields(self.transaction), signature[64], *numbers])
        try:
            signer: str = Account.recover_transaction(raw)
        except Exception as error:  # the libraries below raise errors of their own for each bad number
            raise BadSignatureError(f"nobody's signature: {error}") from error
        if signer != self.address:
            raise BadSignatureError(f"{signer} signed, not {self.address}: or another transaction was signed")
        return Accepted(
            transaction=f"0x{raw.hex()}", encoding="hex", id=f"0x{keccak(raw).hex()}", complete=True
        )


def _built(given: dict[str, int | str]) -> bytes:
    unknown = given.keys() - {*_FIELDS, "to", "value", "data", "type"}
    if unknown:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
    numbers = [_number(given[name]) for name in _FIELDS]
    to = to_canonical_address(str(given["to"]))
    data = bytes.fromhex(str(given.get("data", "0x")).removeprefix("0x"))
    built: bytes = rlp.encode([*numbers, to, _number(given.get("value", 0)), data, []])
    return _TYPE + built


def _number(given: int | str) -> int:
    number = given if isinstance(given, int) else int(given, 16 if given.startswith("0x") else 10)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number


def _fields(transaction: bytes) -> list[bytes]:
    try:
        fields: list[bytes] = rlp.decode(transaction[1:])
    except rlp.exceptions.RLPException as error:
        raise UnreadableError(f"a transaction whose RLP can't be read: {error}") from error
    if transaction[:1] != _TYPE or not isinstance(fields, list) or len(fields) != 9:
        raise UnreadableError("only unsigned EIP-1559 transactions (type 2, nine fields) can be asked for")
    return fields
