"""Slots, blocks and transactions around one virtual machine."""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction_metadata import FailedTransactionMetadata

if TYPE_CHECKING:
    from solders.hash import Hash
    from solders.signature import Signature
    from solders.transaction import VersionedTransaction

__all__ = ["Block", "Chain", "Done", "RefusedError", "Tokens"]

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_BYTES, DECIMALS_AT = 165, 44

Fault = str | dict[str, Any] | None
"""An error as JSON-RPC tells it: a name, or what failed in which instruction."""


class RefusedError(Exception):
    """A transaction that no block holds: its error as the machine names it, and what programs logged."""

    def __init__(self, error: Fault, logs: list[str]) -> None:
        super().__init__(str(error))
        self.error, self.logs = error, logs


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an account of the token program holds."""

    program: Pubkey
    mint: Pubkey
    owner: Pubkey
    amount: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction in a block; `error` is None when it did what it was for. Its fee is gone either way."""

    transaction: VersionedTransaction
    slot: int
    fee: int
    error: Fault
    before: list[int]
    after: list[int]
    """Lamports of the message's accounts, in its order."""
    tokens_before: dict[int, Tokens]
    tokens_after: dict[int, Tokens]
    """Of those of them that hold tokens, by their place in the message."""

    @property
    def signature(self) -> Signature:
        """What it is known by: the first one."""
        return self.transaction.signatures[0]


@dataclass(frozen=True, slots=True)
class Block:
    """Of one slot."""

    slot: int
    hash: Hash
    parent: Hash
    parent_slot: int
    height: int
    """Blocks before it: lower than the slot where slots were skipped."""
    unix_seconds: int
    transactions: list[Done] = field(default_factory=list)


class Chain:
    """A block for each transaction, and more on demand.

    Unlike on a network, only the newest blockhash is taken (there, the last 150), and a block that was made
    stays.
    """

    def __init__(self) -> None:
        self.svm = LiteSVM()
        first = self.svm.latest_blockhash()
        self.blocks = [Block(0, first, first, 0, 0, int(time.time()))]
        self.done: dict[Signature, Done] = {}

    @property
    def slot(self) -> int:
        """Of the newest block."""
        return self.blocks[-1].slot

    def block(self, slot: int) -> Block | None:
        """None where its leader made none, or it is to come."""
        at = bisect_left(self.blocks, slot, key=lambda block: block.slot)
        return self.blocks[at] if at < len(self.blocks) and self.blocks[at].slot == slot else None

    def newest(self, slot: int) -> Block:
        """The last block up to a slot, from 0 on."""
        return self.blocks[bisect_right(self.blocks, slot, key=lambda block: block.slot) - 1]

    def make_slots(self, count: int, transactions: list[Done] | None = None, *, skipped: int = 0) -> None:
        """New blocks, the first of them with the transactions, and behind so many slots without a block."""
        for number in range(count):
            parent = self.blocks[-1]
            slot = parent.slot + 1 + (skipped if number == 0 else 0)
            self.svm.expire_blockhash()
            self.svm.warp_to_slot(slot)
            held = transactions if number == 0 and transactions else []
            self.blocks.append(
                Block(
                    slot=slot,
                    hash=self.svm.latest_blockhash(),
                    parent=parent.hash,
                    parent_slot=parent.slot,
                    height=parent.height + 1,
                    unix_seconds=int(time.time()),
                    transactions=list(held),
                )
            )

    def send(self, transaction: VersionedTransaction, *, preflight: bool) -> Done:
        """Run it and put it into the next block. Raises `RefusedError` when it can't be in one."""
        known = self.done.get(transaction.signatures[0])
        if known is not None:
            raise RefusedError("AlreadyProcessed", [])
        if preflight:
            tried = self.svm.simulate_transaction(transaction)
            if isinstance(tried, FailedTransactionMetadata):
                raise RefusedError(_fault(tried), tried.meta().logs())
        accounts = transaction.message.account_keys
        before = [self.lamports(account) for account in accounts]
        tokens_before = self._tokens(accounts)
        found = self.svm.send_transaction(transaction)
        if isinstance(found, FailedTransactionMetadata):
            fault, meta = _fault(found), found.meta()
        else:
            fault, meta = None, found
        # Where a program failed, a block holds it and the fee is gone; all else no block takes.
        if isinstance(fault, str):
            raise RefusedError(fault, meta.logs())
        done = Done(
            transaction,
            self.slot + 1,
            fee=meta.fee(),
            error=fault,
            before=before,
            after=[self.lamports(account) for account in accounts],
            tokens_before=tokens_before,
            tokens_after=self._tokens(accounts),
        )
        self.done[done.signature] = done
        self.make_slots(1, [done])
        return done

    def lamports(self, account: Pubkey) -> int:
        """Of an account; 0 where there is none."""
        return self.svm.get_balance(account) or 0

    def tokens(self, account: Pubkey) -> Tokens | None:
        """What an account of the token program holds (SPL Token, `state::Account`); None where it is none."""
        found = self.svm.get_account(account)
        if found is None or found.owner != TOKEN_PROGRAM or len(found.data) != TOKEN_BYTES:
            return None
        data = bytes(found.data)
        mint = Pubkey.from_bytes(data[:32])
        minted = self.svm.get_account(mint)
        return Tokens(
            program=found.owner,
            mint=mint,
            owner=Pubkey.from_bytes(data[32:64]),
            amount=int.from_bytes(data[64:72], "little"),
            decimals=bytes(minted.data)[DECIMALS_AT] if minted else 0,
        )

    def _tokens(self, accounts: list[Pubkey]) -> dict[int, Tokens]:
        found = ((at, self.tokens(account)) for at, account in enumerate(accounts))
        return {at: tokens for at, tokens in found if tokens is not None}


def _fault(failed: FailedTransactionMetadata) -> Fault:
    return json.loads(failed.to_json())["err"]  # type: ignore[no-any-return]
