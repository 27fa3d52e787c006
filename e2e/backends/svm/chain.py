"""Slots, blocks and transactions around one virtual machine."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from solders.litesvm import LiteSVM
from solders.transaction_metadata import FailedTransactionMetadata

if TYPE_CHECKING:
    from solders.hash import Hash
    from solders.pubkey import Pubkey
    from solders.signature import Signature
    from solders.transaction import VersionedTransaction

__all__ = ["Block", "Chain", "Done", "RefusedError"]

Fault = str | dict[str, Any] | None
"""An error as JSON-RPC tells it: a name, or what failed in which instruction."""


class RefusedError(Exception):
    """A transaction that no block holds: its error as the machine names it, and what programs logged."""

    def __init__(self, error: Fault, logs: list[str]) -> None:
        super().__init__(str(error))
        self.error, self.logs = error, logs


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

    @property
    def signature(self) -> Signature:
        """What it is known by: the first one."""
        return self.transaction.signatures[0]


@dataclass(frozen=True, slots=True)
class Block:
    """Of one slot; none is ever left empty by a missing leader."""

    slot: int
    hash: Hash
    parent: Hash
    unix_seconds: int
    transactions: list[Done] = field(default_factory=list)


class Chain:
    """A block for each transaction, and more on demand.

    Unlike on a network, only the newest blockhash is taken (there, the last 150), and a block that was made
    stays.
    """

    def __init__(self) -> None:
        self.svm = LiteSVM()
        self.blocks = [Block(0, self.svm.latest_blockhash(), self.svm.latest_blockhash(), int(time.time()))]
        self.done: dict[Signature, Done] = {}

    @property
    def slot(self) -> int:
        """Of the newest block."""
        return self.blocks[-1].slot

    def make_slots(self, count: int, transactions: list[Done] | None = None) -> None:
        """New blocks, the first of them with the transactions."""
        for number in range(count):
            parent = self.blocks[-1]
            self.svm.expire_blockhash()
            self.svm.warp_to_slot(parent.slot + 1)
            held = transactions if number == 0 and transactions else []
            made = Block(
                parent.slot + 1, self.svm.latest_blockhash(), parent.hash, int(time.time()), list(held)
            )
            self.blocks.append(made)

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
        )
        self.done[done.signature] = done
        self.make_slots(1, [done])
        return done

    def lamports(self, account: Pubkey) -> int:
        """Of an account; 0 where there is none."""
        return self.svm.get_balance(account) or 0


def _fault(failed: FailedTransactionMetadata) -> Fault:
    return json.loads(failed.to_json())["err"]  # type: ignore[no-any-return]
