"""One symbol, one pair: two of the same name in two namespaces would share topics, lock and settings.

The one that was there first has it. The other is refused before anything is made for it, and asks again
with each run, so that it comes to life when the first is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem
from outcry_operator.models.tradingpair import KIND
from outcry_operator.pair.names import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.world import World

TAKEN = "SymbolTaken"


def rival_of(pair: Pair, others: Iterable[Pair]) -> Pair | None:
    """The pair that has the symbol, if it isn't this one."""
    ahead = [
        other
        for other in others
        if other.uid != pair.uid and (other.created, other.uid) < (pair.created, pair.uid)
    ]
    return min(ahead, key=lambda other: (other.created, other.uid), default=None)


async def check(pair: Pair, world: World) -> Problem | None:
    """Whether another pair has the symbol. Asked while nothing was made for this one yet."""
    if pair.status.topics:
        return None
    rival = rival_of(pair, await _namesakes(pair, world))
    if rival is None:
        return None
    return Problem(
        reason=TAKEN,
        message=f"{pair.symbol} belongs to the pair in namespace {rival.namespace}, which is older: both "
        "would share topics and lock. Delete one of them",
    )


async def _namesakes(pair: Pair, world: World) -> list[Pair]:
    namespaces = world.settings.watch_namespaces or (None,)
    return [
        Pair.read(body)
        for namespace in namespaces
        for body in await world.kube.list(KIND, namespace=namespace, name=pair.name)
    ]
