"""Holds what the wallet's saga keeps and what its chain has against each other, and against the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import InstructionBatch
from outcry_services.wallet.withdraw.model import ENDED, State

from e2e.simulation.saga.side import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.simulation.reference import Reference
    from e2e.simulation.saga.side import Surroundings
    from e2e.simulation.world import World

__all__ = ["saga_apart"]

_ENDED_AS = {
    "COMPLETED": State.PAID,
    "RELEASED": State.RELEASED,
    "REFUSED": State.RELEASED,
    "RETURNED": State.RETURNED,
}


def saga_apart(world: World, reference: Reference) -> list[str]:
    """Every coin that left was owed, to whom and as it was owed; nothing waits; fees are the chain's own."""
    if world.saga is None:
        return []
    return [
        *_payments(world.saga, reference),
        *_fees(world, world.saga),
        *_rows(world, reference),
    ]


def _payments(around: Surroundings, reference: Reference) -> Iterator[str]:
    for transfer in around.chain.mined():
        for number, address, units in transfer.pays:
            asked = reference.asked.get(number)
            if asked is None or (address, units) != (f"to-{number}", asked[2]):
                yield f"{transfer.txid} pays {units} to {address} for {number}, asked was {asked}"


def _fees(world: World, around: Surroundings) -> Iterator[str]:
    """In the books a transaction's fee is divided among those that it pays, to the unit."""
    booked: dict[int, int] = {}
    for record in world.kafka.read_all("orders"):
        for one in InstructionBatch.FromString(record.value).instructions:
            if one.HasField("withdrawal_completed"):
                booked[one.withdrawal_completed.withdrawal_id] = one.withdrawal_completed.fee
    for transfer in around.chain.mined():
        numbers = [number for number, _, _ in transfer.pays]
        if numbers and set(numbers) <= booked.keys():
            told = sum(booked[number] for number in numbers)
            if told != transfer.fee:
                yield f"{transfer.txid} cost {transfer.fee}, the books say {told}"


def _rows(world: World, reference: Reference) -> Iterator[str]:
    database = FILE.database
    ended = {str(state) for state in ENDED}
    for number, state, reason in world.mysql.execute(f"SELECT id, state, reason FROM {database}.withdrawals"):
        stage = reference.withdrawals.get(number)
        if state not in ended or state != _ENDED_AS.get(stage or ""):
            yield f"the wallet has withdrawal {number} as {state} ({reason}), the log as {stage}"
    for number, state in world.mysql.execute(
        f"SELECT id, state FROM {database}.payments WHERE state IN ('BUILT', 'SENT')"
    ):
        yield f"payment {number} is {state} for ever"
