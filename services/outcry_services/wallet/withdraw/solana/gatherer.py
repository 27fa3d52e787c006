"""SOL from users' deposit addresses to the account that pays out, which pays the fee and has the nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.gathering import WORTH
from outcry_services.wallet.withdraw.model import HOT, Kind, State
from outcry_services.wallet.withdraw.move_rows import Move
from outcry_services.wallet.withdraw.rail import Short
from outcry_services.wallet.withdraw.solana.messages import fee_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.nodes.solana import SolanaNode
    from outcry_services.wallet.withdraw.move_rows import Due
    from outcry_services.wallet.withdraw.solana.rail import SolanaRail
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["SolanaGatherer"]


class SolanaGatherer:
    """See `Gatherer`."""

    def __init__(
        self,
        *,
        rail: SolanaRail,
        pool: NodePool[SolanaNode],
        store: WalletStore,
        now: Callable[[], int],
    ) -> None:
        self._rail = rail
        self._pool = pool
        self._store = store
        self._now = now

    async def gather(self, due: Due, *, rate: int) -> Short | None:
        """See `Gatherer`. A nonce is left to withdrawals, where there is more than one."""
        # Before the balance, so that this holds all that came up to there.
        height = (await self._pool.tip()).height
        lamports = await self._pool.agreed(
            lambda node: node.balance(due.address), what=f"the coins of {due.address}"
        )
        price = self._rail.move_price(rate)
        fee = fee_of(price, signatures=2)
        if lamports < fee * WORTH:
            return Short("NOT_WORTH_IT", f"{lamports} lamports lie there, and moving them costs {fee}")
        async with self._store.change() as tables:
            points = await self._rail.points(tables)
            queued = await tables.withdrawals.in_states(State.QUEUED)
            # Those that wait for funds wait for this.
            waiting = [it for it in queued if it.reason != "INSUFFICIENT_HOT_FUNDS"]
            if waiting or len(points) < min(2, self._rail.nonces):
                return Short("NONCES_BUSY", "withdrawals need the nonces that are free")
            payment = await tables.payments.add(Kind.GATHER, now=self._now())
            move = Move(
                source=due.path,
                account=due.address,
                target=HOT,
                user_id=due.user_id,
                asset=due.asset,
                units=lamports,
                conflict_point=str(points[-1]),
            )
            await tables.moves.add(payment, move)
            await self._rail.move(tables, payment, 1, move, price=price)
            await tables.moves.fetch(payment, due, height=height)
        return None
