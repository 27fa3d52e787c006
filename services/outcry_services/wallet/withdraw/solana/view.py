"""What the chain says of the account and of its nonces, by the majority of all nodes; and who spent a nonce.

A nonce that is spent is looked up on the chain, and a message of ours is ours under whichever id
(`adopting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from solders.transaction import VersionedTransaction

from outcry_services.common.errors import UnavailableError
from outcry_services.wallet.nodes.model import Place
from outcry_services.wallet.withdraw.adopting import adopt
from outcry_services.wallet.withdraw.solana.messages import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.nodes.solana import SolanaNode
    from outcry_services.wallet.withdraw.model import Payment
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

__all__ = ["ChainView", "Spender"]


@dataclass(frozen=True, slots=True)
class Spender:
    """The transaction that spent a nonce."""

    txid: str
    raw: bytes
    message: bytes


class ChainView:
    """Of one account and its nonce accounts, as of the last look."""

    def __init__(
        self,
        store: WalletStore,
        pool: NodePool[SolanaNode],
        *,
        account: str,
        nonces: Sequence[str],
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._pool = pool
        self._account = account
        self._nonces = nonces
        self._now = now
        self._spenders: dict[Point, Spender] = {}
        self.balance = 0
        """Lamports."""
        self.values: dict[str, str] = {}
        """Of each nonce account."""

    async def look(self) -> None:
        """Raises `PoolError` where no majority tells the same, and `UnavailableError` by `spender`."""
        pool, account = self._pool, self._account
        self.balance = await pool.agreed(lambda node: node.balance(account), what=f"the coins of {account}")
        self.values = {nonce: await self._value(nonce) for nonce in self._nonces}
        async with self._store.look() as tables:
            payments = await tables.payments.open_ones()
            points = {payment.id: await self._point(tables, payment) for payment in payments}
        # Of payments that ended nobody asks any more.
        self._spenders = {point: it for point, it in self._spenders.items() if point in points.values()}
        for payment in payments:
            await self._adopt(payment, points[payment.id])

    def spent(self, point: Point) -> bool:
        """Whether the nonce account holds another value now."""
        return self.values.get(point.account, point.value) != point.value

    async def spender(self, point: Point) -> Spender:
        """Of a point that is spent. Raises `UnavailableError` (`SPENDER_UNKNOWN`) where nodes don't tell."""
        known = self._spenders.get(point)
        if known is not None:
            return known
        for txid in await self._pool.read(lambda node: node.signatures(point.account)):
            found = await self._read(txid, point)
            if found is not None:
                self._spenders[point] = found
                return found
        raise UnavailableError(
            f"{point} is spent, and no node tells by what: give the pool a node that keeps old transactions",
            name="SPENDER_UNKNOWN",
        )

    async def _value(self, nonce: str) -> str:
        return await self._pool.agreed(lambda node: node.nonce_value(nonce), what=f"the nonce in {nonce}")

    async def _read(self, txid: str, point: Point) -> Spender | None:
        """A transaction, if it spent the point: by its signatures and the majority, not by a node's word."""
        raw = await self._pool.read(lambda node: node.raw_transaction(txid))
        if raw is None:
            return None
        try:
            transaction = VersionedTransaction.from_bytes(raw)
            sound = all(transaction.verify_with_results())
        except ValueError:
            return None
        if not sound or str(transaction.signatures[0]) != txid:
            return None
        if str(transaction.message.recent_blockhash) != point.value:
            return None
        if (await self._pool.sighting(txid)).place is not Place.MINED:
            return None
        return Spender(txid, raw, bytes(transaction.message))

    async def _adopt(self, payment: Payment, point: Point | None) -> None:
        """A message of this payment that the chain took under an id that isn't known here is kept, too."""
        if point is None or not self.spent(point):
            return
        async with self._store.look() as tables:
            versions = await tables.payments.transactions(payment.id)
        spender = await self.spender(point)
        await adopt(
            self._store,
            payment,
            versions,
            txid=spender.txid,
            unsigned=spender.message,
            signed=spender.raw,
            now=self._now(),
        )

    async def _point(self, tables: Tables, payment: Payment) -> Point | None:
        members = await tables.withdrawals.of_payment(payment.id)
        if members:
            return Point.parse(members[0].conflict_point)
        move = await tables.moves.of(payment.id)
        return Point.parse(move.conflict_point) if move else None
