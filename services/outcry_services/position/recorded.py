"""The answers that `order-events` holds already: what a replay makes true again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from outcry_services.common.order_log import ORDER_EVENTS
from outcry_services.position.instruction_worker import Recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.position.marks import InstructionsMark
    from outcry_services.position.ports import Reading

__all__ = ["read_recorded"]

log = logging.getLogger(__name__)


async def read_recorded(
    reader: Reading[OrderEventBatch], marks: Mapping[int, InstructionsMark]
) -> dict[int, Recorded]:
    """Of each partition the answers behind its mark, to the end that the log has now."""
    ends = {partition: await reader.end(ORDER_EVENTS, partition) for partition in marks}
    found = {partition: Recorded(answers={}, again={}, end=end or None) for partition, end in ends.items()}
    left = {partition for partition, end in ends.items() if (marks[partition].answers or 0) < end}
    if left:
        await reader.assign({(ORDER_EVENTS, partition): marks[partition].answers for partition in left})
        async for batch in reader.batches():
            for item in batch.items:
                _keep(found[batch.partition], item.value, marks[batch.partition])
            if batch.position >= ends[batch.partition]:
                left.discard(batch.partition)
            if not left:
                break
    log.info("answers recorded", extra={"count": sum(len(one.answers) for one in found.values())})
    return found


def _keep(recorded: Recorded, batch: OrderEventBatch, mark: InstructionsMark) -> None:
    last = mark.numbers.get(batch.shard, (0, 0))
    for answer in batch.events:
        # Whatever comes under a number once more is a repeat, which every reader drops.
        key = (batch.shard, answer.incarnation, answer.number)
        if (answer.incarnation, answer.number) > last:
            recorded.answers.setdefault(key, answer)
        elif mark.resend:
            recorded.again.setdefault(key, answer)
