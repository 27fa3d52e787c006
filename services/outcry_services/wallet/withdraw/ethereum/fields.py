"""An EIP-1559 transaction before its signature: what signers read, and what comes back from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from outcry_services.common.addresses.ethereum import keccak256
from outcry_services.wallet.withdraw.errors import WithdrawalError
from outcry_services.wallet.withdraw.ethereum import rlp
from outcry_services.wallet.withdraw.ethereum.signature import recover

__all__ = ["Fields", "check_signed", "id_of", "transfer_call", "with_signature"]

_TYPE = b"\x02"
_TRANSFER = bytes.fromhex("a9059cbb")
"""`transfer(address,uint256)` of ERC-20."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """Amounts in wei; `max_fee` and `priority_fee` for a unit of gas."""

    chain_id: int
    nonce: int
    priority_fee: int
    max_fee: int
    gas: int
    to: bytes
    value: int
    data: bytes = b""

    def unsigned(self) -> bytes:
        """`0x02 ‖ rlp([…, access list])`, with no access list."""
        numbers = (self.chain_id, self.nonce, self.priority_fee, self.max_fee, self.gas)
        ends = (rlp.string(self.to), rlp.number(self.value), rlp.string(self.data), rlp.EMPTY_LIST)
        return _TYPE + rlp.wrap([*map(rlp.number, numbers), *ends])

    @classmethod
    def read(cls, unsigned: bytes) -> Self:
        """What `unsigned` gave; raises ValueError."""
        items = [rlp.content(item) for item in rlp.split_list(unsigned[1:])]
        chain_id, nonce, priority_fee, max_fee, gas, to, value, data, _ = items
        return cls(
            chain_id=int.from_bytes(chain_id, "big"),
            nonce=int.from_bytes(nonce, "big"),
            priority_fee=int.from_bytes(priority_fee, "big"),
            max_fee=int.from_bytes(max_fee, "big"),
            gas=int.from_bytes(gas, "big"),
            to=to,
            value=int.from_bytes(value, "big"),
            data=data,
        )


def with_signature(unsigned: bytes, *, y_parity: int, r: int, s: int) -> bytes:
    """The whole transaction."""
    return _TYPE + rlp.wrap([*rlp.split_list(unsigned[1:]), *map(rlp.number, (y_parity, r, s))])


def id_of(raw: bytes) -> str:
    """As the chain names a whole transaction."""
    return f"0x{keccak256(raw).hex()}"


def transfer_call(to: bytes, amount: int) -> bytes:
    """A token's `transfer`."""
    return _TRANSFER + to.rjust(32, b"\0") + amount.to_bytes(32, "big")


def check_signed(raw: bytes, *, unsigned: bytes, account: bytes) -> str:
    """The id of a signed transaction, if it is the one that was asked for, signed by the account.

    Raises `WithdrawalError`.
    """
    try:
        items = rlp.split_list(raw[1:])
        asked = rlp.split_list(unsigned[1:])
    except ValueError as error:
        raise WithdrawalError(f"signers gave {len(raw)} bytes that are no transaction: {error}") from error
    if raw[:1] != _TYPE or items[: len(asked)] != asked or len(items) != len(asked) + 3:
        raise WithdrawalError("signers gave another transaction than they were asked for; suspect tampering")
    parity, r, s = (int.from_bytes(rlp.content(item), "big") for item in items[len(asked) :])
    if recover(keccak256(unsigned), r=r, s=s, parity=parity) != account:
        raise WithdrawalError("signers gave a signature from which another account recovers")
    return id_of(raw)
