"""Bugs planted in the wallet's saga: coins that move twice, or for nobody, and holds that never return."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from outcry_services.order import payouts
from outcry_services.wallet.withdraw import following, sending
from outcry_services.wallet.withdraw.model import Form, Standing, State

from e2e.simulation.saga.rail import FakeRail

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PLANTS_OF_SAGA"]


@contextmanager
def saga_broadcasts_before_sent() -> Iterator[None]:
    """Nodes have a payment before its books say so, and its hold returns where they never do."""

    async def early(self: Any, turn: Any) -> None:
        await self._world.rail.broadcast(turn.last, seconds=1.0)
        for member in turn.members:
            payout = await self._world.desk.get(member.id)
            await self._world.desk.tell(payout.withdrawal_id, "QUEUED")
        await send(self, turn)

    send = sending.Sending._send
    with patch.object(sending.Sending, "_send", early):
        yield


@contextmanager
def saga_releases_in_signing() -> Iterator[None]:
    """The books release what may be signed already."""
    unsent = payouts._UNSENT | {payouts.Stage.SIGNING}

    def release(payout: Any) -> Any:
        if payout.stage not in unsent:
            raise payouts._refused(payout, "can't be released")
        return replace(payout, stage=payouts.Stage.RELEASED)

    with patch.object(payouts, "_release", release):
        yield


@contextmanager
def saga_takes_a_second_point() -> Iterator[None]:
    """A higher fee is paid by a transaction that spends something else."""
    add = FakeRail._add

    async def elsewhere(
        self: Any, tables: Any, payment: int, version: int, points: Any, members: Any, *, fee: int
    ) -> Any:
        if version > 1:
            points = [*points, f"other{payment}"]
            points = points[1:]
        return await add(self, tables, payment, version, points, members, fee=fee)

    with (
        patch.object(FakeRail, "_add", elsewhere),
        patch("e2e.simulation.saga.signers.FakeSigners._require", lambda *_: None),
    ):
        yield


@contextmanager
def saga_forgets_sent() -> Iterator[None]:
    """The wallet takes a payment for sent, and doesn't tell the books."""

    async def forgotten(self: Any, turn: Any) -> None:
        world = self._world
        async with world.store.change() as tables:
            members = [replace(member, state=State.SENT) for member in turn.members]
            await tables.withdrawals.save(world.stamped(members))
            await tables.payments.keep_transaction(turn.last.txid, replace(turn.last, form=Form.SENT))
            await tables.payments.keep(replace(turn.payment, standing=Standing.SENT, asked=True, reason=""))

    with patch.object(sending.Sending, "_send", forgotten):
        yield


@contextmanager
def saga_returns_what_was_paid() -> Iterator[None]:
    """Whatever spent a conflict point is taken for a stranger's."""

    async def strangers(self: Any, tables: Any, payment: Any, txids: Any, members: Any) -> dict[int, str]:
        found = {member.id: self._ledger.spender(member.conflict_point) for member in members}
        return {number: spent[0].txid for number, spent in found.items() if spent is not None}

    async def unseen(self: Any, sent: Any) -> None:
        return None

    with (
        patch.object(FakeRail, "spent_elsewhere", strangers),
        patch.object(following.Following, "_mined", unseen),
    ):
        yield


@contextmanager
def saga_pays_after_the_end() -> Iterator[None]:
    """Who was left out of a payment is paid by it all the same."""
    add = FakeRail._add

    async def all_of_them(
        self: Any, tables: Any, payment: int, version: int, points: Any, members: Any, *, fee: int
    ) -> Any:
        kept = self.__dict__.setdefault("planted", {})
        members = kept.setdefault(payment, members)
        return await add(self, tables, payment, version, points, members, fee=fee)

    with (
        patch.object(FakeRail, "_add", all_of_them),
        patch("e2e.simulation.saga.signers.FakeSigners._require", lambda *_: None),
    ):
        yield


PLANTS_OF_SAGA = (
    saga_broadcasts_before_sent,
    saga_releases_in_signing,
    saga_takes_a_second_point,
    saga_forgets_sent,
    saga_returns_what_was_paid,
    saga_pays_after_the_end,
)
