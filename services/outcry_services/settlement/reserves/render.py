"""Solvency as a message: decimal text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.ledger_api_pb2 import AssetSolvency as AssetMessage
from outcry.v1.ledger_api_pb2 import ChainPosition, LogPosition
from outcry.v1.ledger_api_pb2 import Solvency as SolvencyMessage

from outcry_services.settlement.render import amount_text

if TYPE_CHECKING:
    from outcry_services.settlement.reserves.reader import Solvency
    from outcry_services.settlement.reserves.solvency import AssetSolvency

__all__ = ["solvency_message"]


def solvency_message(found: Solvency) -> SolvencyMessage:
    """With the cut at which it holds."""
    return SolvencyMessage(
        solvent=found.solvent,
        assets=[_asset(it) for it in found.assets],
        chains=[
            ChainPosition(
                wallet=it.wallet, chain=it.chain, network=it.network, height=it.height, block=it.block
            )
            for it in found.chains
        ],
        positions=[
            LogPosition(topic=topic, partition=partition, offset=offset)
            for topic, partition, offset in found.positions
        ],
    )


def _asset(it: AssetSolvency) -> AssetMessage:
    def text(amount: int) -> str:
        return amount_text(amount, it.scale)

    return AssetMessage(
        asset=it.asset,
        status=str(it.status),
        hot=text(it.hot),
        cold=text(it.cold),
        owed=text(it.owed),
        in_flight=text(it.in_flight),
        house=text(it.house),
        in_transit=text(it.in_transit),
        difference=text(it.difference),
    )
