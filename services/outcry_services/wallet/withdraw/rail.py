"""What the saga asks of a chain: the port that `bitcoin.rail` and `ethereum.rail` fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry.v1 import signer_pb2
    from outcry.v1.withdrawal_api_pb2 import Payout

    from outcry_services.wallet.nodes.broadcast import Broadcast
    from outcry_services.wallet.nodes.model import Sighting
    from outcry_services.wallet.withdraw.model import Payment, Transaction, Withdrawal
    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["WHOLE", "Bound", "Rail", "Short"]

WHOLE = 0
"""In the place of a withdrawal's id: a payment that has none."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A payment that was made durable, with its first transaction and who it pays."""

    payment: int
    withdrawals: Sequence[Withdrawal]


@dataclass(frozen=True, slots=True)
class Short:
    """Nothing can be paid now: one word for users, and more for operators."""

    reason: str
    note: str


class Rail(Protocol):
    """One chain. Every call may raise `PoolError` where the chain can't be seen."""

    @property
    def chain(self) -> str:
        """As approvals name it."""

    @property
    def network(self) -> str:
        """As approvals name it."""

    @property
    def native(self) -> str:
        """The asset in which fees are paid."""

    async def look(self) -> None:
        """Follow the chain to its end."""

    def read(self, payout: Payout, withdrawal: Withdrawal) -> Withdrawal:
        """With units, address and the fee that risk is asked for; raises `UnpayableError`."""

    async def bind(self, tables: Tables, queued: Sequence[Withdrawal], *, rate: int) -> Bound | Short:
        """Bind the first of them, oldest first, as many as can be paid now, and build their transaction.

        None overtakes an older one of its asset.
        """

    async def rebuild(
        self, tables: Tables, payment: Payment, members: Sequence[Withdrawal], *, rate: int
    ) -> bool:
        """Of a payment of which nothing is signed: another transaction, for these alone, of the same coins.

        False: it has come to nothing, and what it would have spent is free.
        """

    async def raise_fee(
        self,
        tables: Tables,
        payment: Payment,
        versions: Sequence[Transaction],
        members: Sequence[Withdrawal],
        *,
        rate: int,
    ) -> Transaction | Short:
        """A version that nodes take in place of the last one, durable; it spends what all of them spend."""

    async def rate(self) -> int:
        """What a transaction should pay now, within the wallet's limits."""

    def request(self, transaction: Transaction) -> signer_pb2.Transaction:
        """As signers read it."""

    def signed(self, transaction: Transaction, answer: signer_pb2.Signed) -> Transaction:
        """With the signed form; raises `WithdrawalError` where that is another transaction, or not signed."""

    async def sighting(self, txid: str) -> Sighting:
        """Where a transaction is, by the majority of all nodes."""

    async def broadcast(self, transaction: Transaction, *, seconds: float) -> Broadcast:
        """Hand it to all nodes."""

    async def spent_elsewhere(
        self, tables: Tables, payment: Payment, txids: Sequence[str], members: Sequence[Withdrawal]
    ) -> dict[int, str]:
        """Withdrawals whose conflict point another transaction than these spent, deep enough, with its id.

        `WHOLE` stands for a payment without withdrawals, and for a point that it spends and to which none of
        them is bound: without that none of its versions can be taken either.
        """

    async def balance(self, tables: Tables) -> tuple[int, int]:
        """Of the native asset, in the chain's units: what is free, and what payments on their way have."""

    async def fee_paid(self, transaction: Transaction) -> int:
        """What the chain took for a transaction that is in a block."""

    def text(self, units: int) -> str:
        """An amount of the native asset as decimal text."""
