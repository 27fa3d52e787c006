"""The books of withdrawals, which the order service has: `WithdrawalDesk` (docs/services/order.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import withdrawal_api_pb2 as api
from outcry.v1.withdrawal_api_pb2_grpc import WithdrawalDeskStub

from outcry_services.common.identity import SERVICE
from outcry_services.common.ids import SHARDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Any

    from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

    from outcry_services.common.rpc_client import RpcChannel

__all__ = ["ENDED", "Desk"]

_WAY = ("IN_REVIEW", "APPROVED", "SIGNING")
"""In which order the books take these."""
ENDED = frozenset({"REFUSED", "COMPLETED", "RELEASED", "RETURNED"})
_PAGE = 500


class Desk:
    """Every call may be repeated. Raises `ServiceError`: `ConflictError` for a step that may not follow.

    `shards` are those that are looked through for what is open.
    """

    def __init__(self, channel: RpcChannel, *, shards: Iterable[int] = range(SHARDS)) -> None:
        self._shards = tuple(shards)
        self._stub: Any = WithdrawalDeskStub(channel.channel)
        self._who = ((SERVICE, "wallet"),)

    async def get(self, withdrawal: int) -> api.Payout:
        """As it stands."""
        return await self._call("GetPayout", api.GetPayoutRequest(withdrawal_id=withdrawal))

    async def open_ones(self) -> AsyncIterator[api.Payout]:
        """All that have not ended, shard by shard."""
        for shard in self._shards:
            after = 0
            while True:
                request = api.ListPayoutsRequest(shard=shard, after=after, most=_PAGE)
                found: api.ListPayoutsResponse = await self._stub.ListPayouts(request, metadata=self._who)
                for payout in found.payouts:
                    yield payout
                if len(found.payouts) < _PAGE:
                    break
                after = found.payouts[-1].withdrawal_id

    async def tell(self, withdrawal: int, stage: str, *, reason: str = "", note: str = "") -> api.Payout:
        """What the wallet is at."""
        request = api.TellStageRequest(
            withdrawal_id=withdrawal, stage=stage, reason=reason, note=_printable(note)
        )
        return await self._call("TellStage", request)

    async def lead(self, withdrawal: int, stage: str) -> api.Payout:
        """Tell what lies between where it stands and `stage`, then that; SENT and what ended stay."""
        payout = await self.get(withdrawal)
        if payout.status == "SENT" or payout.status in ENDED:
            return payout
        done = _WAY.index(payout.status) + 1 if payout.status in _WAY else 0
        for step in _WAY[done : _WAY.index(stage) + 1]:
            payout = await self.tell(withdrawal, step)
        return payout

    async def send(
        self, withdrawal: int, *, chain: str, network: str, txid: str, conflict_point: str
    ) -> api.Payout:
        """It may be on its way from now on."""
        request = api.SendPayoutRequest(
            withdrawal_id=withdrawal,
            chain=chain,
            network=network,
            transaction_id=txid,
            conflict_point=conflict_point,
        )
        return await self._call("SendPayout", request)

    async def complete(self, withdrawal: int, *, txid: str, fee_asset: str, fee: str) -> api.Payout:
        """The chain confirmed it."""
        request = api.CompletePayoutRequest(
            withdrawal_id=withdrawal, transaction_id=txid, fee_asset=fee_asset, fee=fee
        )
        return await self._call("CompletePayout", request)

    async def release(self, withdrawal: int, code: ReleaseReason.ValueType, *, note: str) -> api.Payout:
        """It is never sent."""
        request = api.ReleasePayoutRequest(withdrawal_id=withdrawal, reason=code, note=_printable(note))
        return await self._call("ReleasePayout", request)

    async def give_back(
        self,
        withdrawal: int,
        code: ReturnReason.ValueType,
        *,
        spent_by: str,
        note: str,
        fee_asset: str = "",
        fee: str = "",
    ) -> api.Payout:
        """The chain can never pay it any more."""
        request = api.ReturnPayoutRequest(
            withdrawal_id=withdrawal,
            reason=code,
            spent_by=spent_by,
            note=_printable(note),
            fee_asset=fee_asset,
            fee=fee,
        )
        return await self._call("ReturnPayout", request)

    async def _call(self, method: str, request: object) -> api.Payout:
        payout: api.Payout = await getattr(self._stub, method)(request, metadata=self._who)
        return payout


def _printable(note: str) -> str:
    """As the books take it."""
    return "".join(letter if letter.isprintable() else " " for letter in note)[:256]
