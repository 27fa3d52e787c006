"""Events that are older than the pair's retention are deleted by record, and never the last one.

Kafka's own deletion by time takes a whole log once all of it is old, the last event included, and with it
the knowledge of how far the numbering went. So the topic keeps everything, and the operator deletes in
front of the retention.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka.admin import OffsetSpec

from outcry_operator.pair.topics import retention_seconds

if TYPE_CHECKING:
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World


def cut(*, earliest: int, first_young: int, latest: int) -> int | None:
    """In front of which offset to delete; None: nothing. `first_young` is -1 where every record is old."""
    wanted = latest - 1 if first_young < 0 else min(first_young, latest - 1)
    return wanted if wanted > earliest else None


async def trim(pair: Pair, world: World) -> None:
    """Delete the pair's old events."""
    before = int((time.time() - retention_seconds(pair.spec.kafka)) * 1000)
    earliest = await world.kafka.offset(pair.events, OffsetSpec.earliest())
    latest = await world.kafka.offset(pair.events, OffsetSpec.latest())
    young = await world.kafka.offset(pair.events, OffsetSpec.for_timestamp(before))
    where = cut(earliest=earliest, first_young=young, latest=latest)
    if where is not None:
        await world.kafka.delete_records(pair.events, before=where)
