"""Messages that pay from the quorum's account and spend a nonce, as the signers read them.

The nonce is advanced first: so whoever holds the message back can't send it beside another one, and a review
may take any time (Solana documentation, "Durable & Offline Transaction Signing using Nonces").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import AdvanceNonceAccountParams, TransferParams, advance_nonce_account, transfer
from solders.transaction import Transaction as Signed

from outcry_services.wallet.withdraw.errors import WithdrawalError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNITS", "Point", "fee_of", "payment_message", "price_for", "signed_by_quorum"]

SIGNATURE_FEE = 5000
"""Lamports for each signature."""
UNITS = 1000
"""Of computing, which the message asks for: four instructions of built-in programs take 150 each."""
_MICRO = 10**6


@dataclass(frozen=True, slots=True)
class Point:
    """A conflict point: a nonce account, and the value of it that is spent."""

    account: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Point:
        """As approvals write it; raises ValueError."""
        account, colon, value = text.partition(":")
        if not colon:
            raise ValueError(f"{text!r} is no nonce-account:value")
        return cls(account, value)

    def __str__(self) -> str:
        return f"{self.account}:{self.value}"


def fee_of(price: int, *, signatures: int = 1) -> int:
    """Lamports that a message costs at a price in millionths of a lamport a unit."""
    return SIGNATURE_FEE * signatures + -(-price * UNITS // _MICRO)


def price_for(fee: int, *, signatures: int = 1) -> int:
    """The highest price at which a message costs at most this fee."""
    return max(0, (fee - SIGNATURE_FEE * signatures) * _MICRO // UNITS)


def payment_message(
    *, account: str, point: Point, receiver: str, lamports: int, price: int, source: str = ""
) -> bytes:
    """A legacy message with its durable nonce where others have a blockhash.

    `account` pays the fee and has the nonce; the coins are those of `source`, if that is another.
    """
    payer = Pubkey.from_string(account)
    sender = Pubkey.from_string(source) if source else payer
    advance = AdvanceNonceAccountParams(
        nonce_pubkey=Pubkey.from_string(point.account), authorized_pubkey=payer
    )
    pay = TransferParams(from_pubkey=sender, to_pubkey=Pubkey.from_string(receiver), lamports=lamports)
    instructions = [
        advance_nonce_account(advance),
        set_compute_unit_limit(UNITS),
        set_compute_unit_price(price),
        transfer(pay),
    ]
    return bytes(Message.new_with_blockhash(instructions, payer, Hash.from_string(point.value)))


def signed_by_quorum(raw: bytes, messages: Sequence[bytes]) -> str:
    """The id of a signed transaction of one of these messages; raises `WithdrawalError` for another."""
    try:
        transaction = Signed.from_bytes(raw)
    except ValueError as error:
        raise WithdrawalError(f"the signers gave back no transaction: {error}") from error
    needed = transaction.message.header.num_required_signatures
    if bytes(transaction.message) not in messages or len(transaction.signatures) != needed:
        raise WithdrawalError("the signers gave back another transaction than the one they were asked for")
    return str(transaction.signatures[0])
