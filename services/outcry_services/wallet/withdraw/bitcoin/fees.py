"""What a transaction should pay: by what nodes estimate, between limits that hold whatever they say."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeRefusedError, PoolError

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.bitcoin import BitcoinNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import FeeSettings

__all__ = ["fee_rate"]

_SATOSHI_A_KILOBYTE = 100_000
"""Of one BTC a kilobyte, in satoshi a byte."""


async def fee_rate(pool: NodePool[BitcoinNode], fees: FeeSettings) -> int:
    """Satoshi a virtual byte; `fallback_rate` where no node has an estimate."""
    try:
        found = await pool.read(lambda node: _estimate(node, fees.target_blocks))
    except PoolError:
        found = None
    return max(1, min(fees.fallback_rate if found is None else found, fees.max_rate))


async def _estimate(node: BitcoinNode, blocks: int) -> int | None:
    """By `estimatesmartfee` (bitcoind, an object) or `estimatefee` (btcd, a number): BTC a kilobyte."""
    try:
        said = (await node.rpc.call("estimatesmartfee", blocks)).get("feerate")
        value = said.value if said else None
    except NodeRefusedError:
        try:
            value = (await node.rpc.call("estimatefee", blocks)).value
        except NodeRefusedError:
            # Too few blocks to tell from.
            return None
    if not isinstance(value, int | Decimal) or not 0 < value < 1:
        return None
    return int(-(-Decimal(value) * _SATOSHI_A_KILOBYTE // 1))
