"""Writing a pair's `status`, after the Events about what changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import KIND
from outcry_operator.notes import Note, changes, post

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World


async def patch_status(pair: Pair, world: World, patch: dict[str, Any]) -> Pair:
    """Write parts of the status, to this very object alone; the pair with its new status."""
    if not patch:
        return pair
    answer = await world.kube.merge(
        KIND,
        pair.name,
        namespace=pair.namespace,
        body={"metadata": {"uid": pair.uid}, "status": patch},
        subresource="status",
    )
    status = TradingPairStatus.model_validate(answer.get("status", {}))
    return replace(pair, status=status, resource_version=answer["metadata"]["resourceVersion"])


async def write_status(pair: Pair, world: World, status: TradingPairStatus, notes: Iterable[Note]) -> Pair:
    """Say what changed, then write it; nothing where nothing changed."""
    for note in notes:
        await post(pair, world.kube, note)
    return await patch_status(pair, world, changes(pair.status, status))
