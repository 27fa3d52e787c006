"""Which withdrawals are ours, and whether a transaction can pay them at all."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.errors import UnpayableError
from outcry_services.wallet.withdraw.model import State
from outcry_services.wallet.withdraw.said import Said
from outcry_services.wallet.withdraw.world import BY_BOOKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from outcry.v1.withdrawal_api_pb2 import Payout

    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Intake"]

log = logging.getLogger(__name__)

CHAINS = frozenset({"bitcoin", "ethereum", "solana"})


class Intake:
    """From an id to a withdrawal that can be reviewed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._said = Said()
        file = world.file
        self._networks = {"", file.chain, file.network, file.approval_network, f"{file.chain}-{file.network}"}

    def concerns(self, asset: str) -> bool:
        """Whether a withdrawal of this asset may be ours."""
        return self._world.file.asset(asset) is not None

    async def heard(self, ids: Collection[int]) -> None:
        """Funds are held for these withdrawals, of assets that concern us."""
        async with self._world.store.change() as tables:
            await tables.withdrawals.add(ids, now=self._world.now())

    async def sweep(self) -> None:
        """Take in all that the books have open: what was asked for while nobody listened here."""
        found = [
            payout.withdrawal_id
            async for payout in self._world.desk.open_ones()
            if self.concerns(payout.asset)
        ]
        await self.heard(found)

    async def step(self) -> None:
        """Read what is new in the books."""
        async with self._world.store.look() as tables:
            new = await tables.withdrawals.in_states(State.NEW)
        await self._world.move(new, self._read)

    async def _read(self, new: Withdrawal) -> Withdrawal:
        payout: Payout = await self._world.desk.get(new.id)
        if payout.status in BY_BOOKS:
            return replace(new, state=BY_BOOKS[payout.status], reason=payout.reason)
        if payout.status == "PENDING":
            return new
        network = payout.network.lower()
        if network not in self._networks and network.split("-")[0] in CHAINS:
            return replace(new, state=State.ELSEWHERE)
        if payout.status in ("SIGNING", "SENT"):
            # It was signed for a point that nobody here remembers: nothing may be built anew.
            if self._said.anew(new.id, payout.status):
                log.error(
                    "the books say that a withdrawal is on its way, and this database knows nothing of it",
                    extra={"withdrawal": new.id, "status": payout.status},
                )
            return new
        known = replace(
            new,
            state=State.REVIEW,
            user_id=payout.user_id,
            asset=payout.asset,
            scale=payout.scale,
            amount=payout.amount,
            asked_address=payout.address,
            requested_at=payout.created_unix_nanos,
            retries=payout.retries,
        )
        try:
            self._require_network(payout)
            return self._world.rail.read(payout, known)
        except UnpayableError as error:
            return replace(known, state=State.REJECTED, reason=error.name, note=error.message)

    def _require_network(self, payout: Payout) -> None:
        if payout.network.lower() not in self._networks:
            file = self._world.file
            raise UnpayableError(
                f"{payout.asset} is paid on {file.chain} {file.network}", name="ADDRESS_NETWORK"
            )
