"""gRPC for settlement, which holds what chains have against what the books owe: no user reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import reserves_api_pb2 as api
from outcry.v1.reserves_api_pb2_grpc import ReservesDeskServicer

from outcry_services.common.identity import require_service

if TYPE_CHECKING:
    from outcry_services.wallet.reserves.model import AssetReserves, ReservesView
    from outcry_services.wallet.settings import WalletFile

__all__ = ["SETTLEMENT", "ReservesDesk"]

SETTLEMENT = "settlement"
"""Who may ask."""

Context = Any  # gRPC's own


class ReservesDesk(ReservesDeskServicer):
    """One wallet's."""

    def __init__(self, file: WalletFile, view: ReservesView) -> None:
        self._file = file
        self._view = view

    async def GetReserves(  # noqa: N802 - gRPC's name
        self, request: api.GetReservesRequest, context: Context
    ) -> api.Reserves:
        """All assets, at one block."""
        require_service(context, SETTLEMENT)
        reserves = await self._view.read()
        return api.Reserves(
            wallet=self._file.name,
            chain=self._file.chain,
            network=self._file.network,
            height=reserves.block.height,
            block=reserves.block.hash,
            assets=[_asset(it) for it in reserves.assets],
        )


def _asset(it: AssetReserves) -> api.AssetReserves:
    return api.AssetReserves(
        asset=it.asset.asset,
        scale=it.asset.chain_scale,
        ledger_scale=it.asset.scale,
        hot=str(it.hot),
        cold=str(it.cold),
        house=str(it.house),
        kept_aside=str(it.kept_aside),
        moves=[
            api.ChainMove(reference=move.reference, units=str(move.units), on_chain=move.on_chain)
            for move in it.moves
        ],
    )
