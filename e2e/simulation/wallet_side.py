"""The wallet in a simulation: it knows nothing but what shards and chain tell, so it may die anywhere.

Its own service isn't here: what counts is that the books follow, whatever it asks, how often and from how far
in the past. It reads withdrawals where the desk would (no gRPC), and asks through the same gateway as people.
An operator who cancels and retries at the worst of times is part of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason
from outcry_services.common.errors import TooManyError, UnavailableError
from outcry_services.order.entries import Denied, Entry
from outcry_services.order.payouts import (
    Complete,
    Payout,
    PayoutStep,
    Release,
    Retry,
    Return,
    Send,
    Stage,
    Tell,
)
from outcry_services.order.read_store import ReadTables

from e2e.simulation.chain import Paid
from e2e.simulation.chance import Chance
from e2e.simulation.market import SHARDS
from e2e.simulation.mysql_client import FakeMySql

if TYPE_CHECKING:
    from outcry_services.order.payouts import Step

    from e2e.simulation.world import World

__all__ = ["live_as_wallet"]

LOOK_SECONDS = 0.3
CHAIN, NETWORK, NATIVE = "chain", "fake", "USDT"


class _Wallet:
    """One life of it."""

    def __init__(self, world: World, life: int) -> None:
        self._world = world
        self._chance = Chance(f"{world.seed} wallet {life}")
        self._tables = ReadTables(FakeMySql(world.mysql, world.chance))  # type: ignore[arg-type]

    async def live(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS * self._chance.fraction())
            try:
                found = [
                    payout
                    for shard in SHARDS
                    for payout in await self._tables.open_payouts(shard, after=0, most=100)
                ]
            except UnavailableError:
                continue
            await asyncio.gather(*map(self._move, found))

    async def _move(self, payout: Payout) -> None:
        if payout.stage is Stage.PENDING:
            return
        if not self._world.calm_now and self._chance.happens(0.1):
            await self._meddle(payout)
        if payout.stage is Stage.SENT:
            await self._follow(payout)
        elif payout.stage is Stage.SIGNING:
            await self._send(payout)
        else:
            await self._ask(payout, self._next(payout))

    def _next(self, payout: Payout) -> Step:
        chance = self._chance
        if payout.stage is Stage.REJECTED:
            return Release(code=ReleaseReason.RELEASE_REASON_REJECTED)
        if payout.stage is Stage.IN_REVIEW:
            no = chance.happens(0.2)
            return Tell(stage=Stage.REJECTED if no else Stage.APPROVED, reason="LIMIT" if no else "")
        if payout.stage is Stage.APPROVED:
            return Tell(stage=Stage.SIGNING)
        if payout.stage is Stage.HELD and chance.happens(0.2):
            return Tell(stage=Stage.QUEUED, reason="HOT_BALANCE_LOW")
        return Tell(stage=Stage.IN_REVIEW)

    async def _meddle(self, payout: Payout) -> None:
        """What operators do, at any stage."""
        cancel = Release(code=ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR, note="why", actor="ops")
        await self._ask(payout, cancel if self._chance.happens(0.5) else Retry(note="why", actor="ops"))

    async def _send(self, payout: Payout) -> None:
        """Say that it is sent, and hand it to the nodes only when that is durable."""
        after = await self._ask(payout, _signed(payout, "a"))
        if after is not None and after.stage is Stage.SENT:
            self._world.books_chain.broadcast(
                _point(payout), Paid(_signed(payout, "a").transaction_id, payout.id)
            )

    async def _follow(self, payout: Payout) -> None:
        chain, point = self._world.books_chain, payout.conflict_point
        for transaction in payout.transactions:
            # Once more: whoever said that it is sent may have died before this.
            chain.broadcast(point, Paid(transaction, payout.id))
        if point not in chain.blocks and self._chance.happens(0.3):
            bumped = _signed(payout, "b")
            if await self._ask(payout, bumped) is None:
                return
            chain.broadcast(point, Paid(bumped.transaction_id, payout.id))
        if self._chance.happens(0.1):
            # Somebody else has the same key.
            chain.broadcast(point, Paid(f"{payout.id}x", 0))
        accepted = chain.mine(point, self._chance.below(10))
        if accepted is None:
            return
        fee = self._chance.below(3)
        if accepted.withdrawal:
            step: Step = Complete(transaction_id=accepted.transaction_id, fee_asset=NATIVE, fee=fee)
        else:
            step = Return(
                code=ReturnReason.RETURN_REASON_SPENT_ELSEWHERE,
                spent_by=accepted.transaction_id,
                fee_asset=NATIVE,
                fee=fee,
                note="why",
                actor="ops",
            )
        await self._ask(payout, step)

    async def _ask(self, payout: Payout, step: Step) -> Payout | None:
        """Once; None: nobody knows what became of it, or it was denied. The next look tells."""
        try:
            outcome = await self._world.through_the_gateway(Entry(PayoutStep.of(payout, step)))
        except (UnavailableError, TooManyError):
            return None
        if isinstance(outcome, Denied) or not isinstance(outcome.row, Payout):
            return None
        return outcome.row


def _point(payout: Payout) -> str:
    """Fixed by the approval: the same for every transaction of a withdrawal."""
    return f"{payout.id}:0"


def _signed(payout: Payout, which: str) -> Send:
    return Send(
        chain=CHAIN, network=NETWORK, transaction_id=f"{payout.id}{which}", conflict_point=_point(payout)
    )


async def live_as_wallet(world: World) -> None:
    """Until killed."""
    await _Wallet(world, world.lives["wallet"]).live()
