"""What the majority of a pool says of the next step, whatever the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.follow import Scan, TakeBack, Wait, next_step

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.node import ChainNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.scan.follow import Place

__all__ = ["next_block"]

N = TypeVar("N", bound="ChainNode")


async def next_block(pool: NodePool[N], place: Place) -> Tip | TakeBack | Wait:
    """The block to scan now, the one to take back, or nothing; raises `NoMajorityError`."""
    tip = await pool.tip()
    last = place.last
    at_last = await pool.agreed(lambda node: node.block_hash(last.height), what=f"the block at {last.height}")
    step = next_step(place, height=tip.height, block_at_last=at_last)
    if not isinstance(step, Scan):
        return step
    return Tip(height=step.height, hash=await pool.block_hash(step.height))
