"""Reading a part of a topic, as a blocking call for a thread of its own."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

BATCH_RECORDS = 500


def read_records(
    bootstrap: str, topic: str, *, start: int, most_bytes: int, seconds: float
) -> tuple[list[bytes], int]:
    """Values of partition 0 from an offset to the present end, or as many as fit; where to go on.

    Raises KafkaException when Kafka doesn't answer. Where records in front were deleted, the first that is
    left comes first.
    """
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": "outcry-operator",
            "group.id": "outcry-operator",
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 0,
        }
    )
    try:
        return _read(reader, topic, start=start, most_bytes=most_bytes, seconds=seconds)
    finally:
        reader.close()


def _read(
    reader: Consumer, topic: str, *, start: int, most_bytes: int, seconds: float
) -> tuple[list[bytes], int]:
    first, end = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=seconds)
    position = max(first, start)
    if position >= end:
        return [], position
    reader.assign([TopicPartition(topic, 0, position)])
    values: list[bytes] = []
    size, deadline = 0, time.monotonic() + seconds
    while position < end and size < most_bytes and time.monotonic() < deadline:
        for message in reader.consume(BATCH_RECORDS, timeout=0.2):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            value, offset = message.value() or b"", message.offset()
            values.append(value)
            size += len(value)
            position = (position if offset is None else offset) + 1
    return values, position
