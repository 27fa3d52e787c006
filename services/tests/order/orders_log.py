"""Reads `orders` as a consumer does."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition
from outcry_services.common.kafka import RawRecord
from outcry_services.common.order_log import partition_of, read_instructions

from services.tests.order.desk import PARTITIONS


def published(kafka, shard):
    """Every instruction of a shard in `orders`, in the order of the log."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "t", "enable.auto.commit": False})
    partition = partition_of(shard, PARTITIONS)
    _, end = consumer.get_watermark_offsets(TopicPartition("orders", partition), timeout=10)
    found, position = [], 0
    consumer.assign([TopicPartition("orders", partition, 0)])
    while position < end:
        for message in consumer.consume(1000, timeout=1):
            assert message.error() is None
            position = message.offset() + 1
            batch = read_instructions(_raw(message))
            if batch.shard == shard:
                assert message.key() == str(shard).encode()
                found += batch.instructions
    consumer.close()
    return found


def without_repeats(instructions):
    """What a reader takes: it drops what is not newer, and what comes too early is an error here."""
    taken = []
    for instruction in instructions:
        last = taken[-1].number if taken else 0
        assert instruction.number <= last + 1, f"{instruction.number} behind {last}"
        if instruction.number == last + 1:
            taken.append(instruction)
    return taken


def _raw(message):
    return RawRecord(
        topic="orders",
        partition=message.partition(),
        offset=message.offset(),
        timestamp_ms=0,
        key=message.key(),
        value=message.value(),
        headers={},
    )
