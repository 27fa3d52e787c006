"""After a shard's database was restored from a backup: numbers go on above everything that was ever given.

What the backup lacks is in `orders` all the same, was carried out, and must never be numbered again: so the
counter is set above the log, and the incarnation raised. The order service must not run meanwhile.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from outcry_services.common.errors import UnavailableError
from outcry_services.common.ids import OrderId, database_of
from outcry_services.common.kafka import PoisonError, RawRecord
from outcry_services.common.order_log import ORDERS, partition_of, read_instructions
from outcry_services.order.restored_payouts import catching_up, steps_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message
    from outcry.v1.instruction_pb2 import InstructionBatch

    from outcry_services.common.mysql import MySql
    from outcry_services.order.restored_payouts import LoggedStep

__all__ = ["Logged", "logged", "restored"]

SECONDS = 10


@dataclass(frozen=True, slots=True)
class Logged:
    """What `orders` holds of a shard: its last instruction, and the order ids of all."""

    incarnation: int = 0
    number: int = 0
    orders: frozenset[int] = frozenset()
    withdrawals: frozenset[int] = frozenset()
    """Ids of all that were asked for."""
    steps: tuple[LoggedStep, ...] = ()
    """What became of them."""


async def logged(bootstrap: str, shards: Sequence[int], *, partitions: int) -> dict[int, Logged]:
    """Read the partitions of these shards from end to end; raises `UnavailableError` (`KAFKA_AWAY`)."""
    try:
        return await asyncio.to_thread(_read, bootstrap, set(shards), partitions)
    except KafkaException as error:
        raise UnavailableError(
            f"no answer from Kafka at {bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
        ) from error


async def restored(mysql: MySql, shard: int, found: Logged) -> tuple[int, ...]:
    """Put a shard's counter above the log, and withdrawals to where it says that they are.

    Gives the orders and withdrawals that the log has and the database lacks.
    """
    database = database_of(shard)
    async with mysql.transaction() as session:
        await session.execute(
            f"UPDATE {database}.counter SET incarnation = GREATEST(incarnation, %s) + 1, "
            "last = GREATEST(last, %s) WHERE id = 1",
            (found.incarnation, found.number),
        )
        await session.execute(
            f"UPDATE {database}.published SET number = GREATEST(number, %s) WHERE id = 1", (found.number,)
        )
        await session.execute(f"DELETE FROM {database}.outbox WHERE number <= %s", (found.number,))
        await session.run_all(catching_up(database, found.steps))
        orders = await session.query(f"SELECT order_id FROM {database}.orders")
        withdrawals = await session.query(f"SELECT number FROM {database}.withdrawals")
    there = {int(OrderId.make(shard=shard, number=number)) for (number,) in withdrawals}
    return tuple(sorted(found.orders - {order for (order,) in orders} | found.withdrawals - there))


def _read(bootstrap: str, shards: set[int], partitions: int) -> dict[int, Logged]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "order-restored", "log_level": 3})
    found = dict.fromkeys(shards, Logged())
    try:
        for number in sorted({partition_of(shard, partitions) for shard in shards}):
            partition = TopicPartition(ORDERS, number, OFFSET_BEGINNING)
            first, end = consumer.get_watermark_offsets(partition, timeout=SECONDS)
            consumer.assign([partition])
            position = first
            while position < end:
                for message in consumer.consume(1000, timeout=SECONDS):
                    if message.error() is not None:
                        raise KafkaException(message.error())
                    position = (message.offset() or 0) + 1
                    _add(found, message)
    finally:
        consumer.close()
    return found


def _add(found: dict[int, Logged], message: Message) -> None:
    record = RawRecord(
        topic=ORDERS,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=0,
        key=message.key() or b"",
        value=message.value() or b"",
        headers={},
    )
    try:
        batch = read_instructions(record)
    except PoisonError:
        # Every reader passes it over: it numbered nothing.
        return
    if batch.shard not in found:
        return
    before = found[batch.shard]
    found[batch.shard] = Logged(
        incarnation=max([before.incarnation, *(one.incarnation for one in batch.instructions)]),
        number=max([before.number, *(one.number for one in batch.instructions)]),
        orders=before.orders | _made_by(batch, "order_created"),
        withdrawals=before.withdrawals | _made_by(batch, "withdrawal_requested"),
        steps=(*before.steps, *steps_in(batch.instructions)),
    )


def _made_by(batch: InstructionBatch, kind: str) -> frozenset[int]:
    numbers = (one.number for one in batch.instructions if one.WhichOneof("body") == kind)
    return frozenset(int(OrderId.make(shard=batch.shard, number=number)) for number in numbers)
