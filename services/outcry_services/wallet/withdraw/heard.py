"""Hearing of withdrawals as soon as their funds are held: the log `order-events`, from its end on.

What was written before is found in the books, which are read once the ends of the log are known: so nothing
falls between. No position is kept, since a start reads all that is open.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.order_log import ORDER_EVENTS

if TYPE_CHECKING:
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import LogEnds, Reader
    from outcry_services.wallet.withdraw.saga import Saga

__all__ = ["follow_holds"]

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0


async def follow_holds(reader: Reader[OrderEventBatch], ends: LogEnds, saga: Saga) -> None:
    """For ever; raises what the reader raises. Waits for Kafka and for the books."""
    while True:
        try:
            await _begin(reader, ends, saga)
            break
        except UnavailableError as error:
            log.warning("the books can't be read yet", extra={"error": error.name, "why": error.message})
            await asyncio.sleep(AGAIN_SECONDS)
    async for batch in reader.batches():
        found = [
            event.funds_held.id
            for item in batch.items
            for event in item.value.events
            if event.WhichOneof("body") == "funds_held"
            and event.funds_held.withdrawal
            and saga.intake.concerns(event.funds_held.asset)
        ]
        if found:
            await saga.heard(found)


async def _begin(reader: Reader[OrderEventBatch], ends: LogEnds, saga: Saga) -> None:
    ranges = await ends.of([ORDER_EVENTS])
    if not ranges:
        raise UnavailableError(f"there is no topic {ORDER_EVENTS} yet", name="TOPIC_MISSING")
    await reader.assign({place: log_range.end for place, log_range in ranges.items()})
    await saga.intake.sweep()
