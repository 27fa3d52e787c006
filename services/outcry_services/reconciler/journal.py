"""The `journal` entry of a repair of Redis, told once it is done, also by the process that comes after.

The script leaves its entry in the user's `journal:{u}` under `r<repair>`, in the step that changed the
balances. It goes once Kafka has it; a field that is there when a process begins is told then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry.v1.journal_pb2 import JournalBatch, JournalChange, JournalEntry, JournalKind

from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka import Record
from outcry_services.common.order_log import VERSION, partition_of
from outcry_services.reconciler.log import JOURNAL
from outcry_services.reconciler.redis_view import UserKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.kafka import Publisher
    from outcry_services.common.redis import Redis
    from outcry_services.reconciler.records import Records, Repair

__all__ = ["Journal"]


class Journal:
    """`partitions` asks how many the topic has, and blocks; entries go where position writes them."""

    def __init__(
        self, *, redis: Redis, publisher: Publisher, records: Records, partitions: Callable[[], int]
    ) -> None:
        self._redis = redis
        self._publisher = publisher
        self._records = records
        self._partitions = partitions

    async def publish(self, repair_id: int, repair: Repair) -> None:
        """Tell of a repair that is in Redis; afterwards it is done."""
        entry = JournalEntry(
            user_id=repair.user_id,
            number=repair.journal_number,
            kind=JournalKind.JOURNAL_KIND_ADJUST,
            changes=[
                JournalChange(asset=asset, available=available, held=held)
                for asset, available, held in repair.changes
            ],
        )
        partitions = await asyncio.to_thread(self._partitions)
        await self._publisher.publish(
            Record(
                topic=JOURNAL,
                partition=partition_of(repair.user_id % SHARDS, partitions),
                key=b"%d" % repair.user_id,
                value=JournalBatch(version=VERSION, count=1, entries=[entry]).SerializeToString(),
            )
        )
        await self._redis.command("HDEL", UserKeys(repair.user_id).journal, _field(repair_id))
        await self._records.settle(repair_id, done=True)

    async def take_up(self, repair_id: int, repair: Repair) -> None:
        """A repair planned by a process that is no more: tell it if it was done, else forget it."""
        done = await self._redis.command("HEXISTS", UserKeys(repair.user_id).journal, _field(repair_id))
        if done:
            await self.publish(repair_id, repair)
        else:
            await self._records.settle(repair_id, done=False)


def _field(repair_id: int) -> str:
    return f"r{repair_id}"
