"""Holds what shards, logs and chain say of withdrawals against each other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from outcry_services.common.ids import database_of
from outcry_services.order.payouts import TOLD

from e2e.simulation.market import SHARDS

if TYPE_CHECKING:
    from e2e.simulation.reference import Reference
    from e2e.simulation.world import World

__all__ = ["withdrawals_apart"]

_ENDS = frozenset({"REFUSED", "COMPLETED", "RELEASED", "RETURNED"})


def withdrawals_apart(world: World, reference: Reference) -> list[str]:
    """Each ends; the coin moves exactly once, or the hold returns; rows and their history say the same."""
    return [
        *(
            f"withdrawal {number} never ended: {stage}"
            for number, stage in reference.withdrawals.items()
            if stage not in _ENDS
        ),
        *_chain(world, reference),
        *_rows(world, reference),
    ]


def _chain(world: World, reference: Reference) -> list[str]:
    paid = Counter(world.chain.paid())
    expected = Counter(number for number, stage in reference.withdrawals.items() if stage == "COMPLETED")
    return [
        f"withdrawal {number} is {reference.withdrawals.get(number)}, and was paid {paid[number]} times"
        for number in sorted({*paid, *expected})
        if paid[number] != expected[number]
    ]


def _rows(world: World, reference: Reference) -> list[str]:
    faults = []
    for shard in SHARDS:
        database = database_of(shard)
        last: dict[int, str] = dict(
            world.mysql.execute(
                f"SELECT number, stage FROM {database}.withdrawal_steps WHERE id IN "
                f"(SELECT MAX(id) FROM {database}.withdrawal_steps GROUP BY number)"
            )
        )
        for number, stage in world.mysql.execute(f"SELECT number, stage FROM {database}.withdrawals"):
            expected = reference.withdrawals.get(number << 10 | shard)
            if stage != expected and not (expected == "HELD" and stage in {*TOLD, "SIGNING"}):
                faults.append(f"row of withdrawal {shard}:{number} is {stage}, must be {expected}")
            if stage != last.get(number, stage):
                faults.append(f"withdrawal {shard}:{number} is {stage}, its history ends {last[number]}")
    return faults
