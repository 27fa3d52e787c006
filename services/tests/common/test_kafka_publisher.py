"""The log holds what was given, in order and without a gap, whatever happens to the broker meanwhile."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections import defaultdict

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from outcry_services.common.errors import TooManyError
from outcry_services.common.kafka import Publisher, PublisherStoppedError, Record, RecordRefusedError
from prometheus_client import CollectorRegistry

from e2e.backends import KafkaServer, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def topic(kafka):
    """A topic of two partitions that is the test's own."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, partitions=2)
    return name


def publisher_of(kafka, **named):
    return Publisher(bootstrap=kafka.bootstrap, client_id="test", registry=CollectorRegistry(), **named)


def numbered(topic, number, *, partition=0):
    return Record(topic=topic, partition=partition, value=b"%d" % number, key=b"k", headers=(("n", b"v"),))


def read_all(kafka, topic, *, partitions=2):
    """The numbers in each partition, in the order of the log."""
    settings = {"bootstrap.servers": kafka.bootstrap, "group.id": "x", "enable.partition.eof": True}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
    found, ended = defaultdict(list), set()
    while len(ended) < partitions:
        for message in consumer.consume(1000, 1):
            if message.error():
                ended.add(message.partition())
            else:
                found[message.partition()].append(int(message.value()))
    consumer.close()
    return found


def without_repeats(numbers):
    """What a reader sees that drops what is not above the highest so far."""
    seen = []
    for number in numbers:
        if not seen or number > seen[-1]:
            seen.append(number)
    return seen


async def test_records_keep_their_order_and_are_acknowledged_with_their_offsets(kafka, topic):
    publisher = publisher_of(kafka)
    calls = [publisher.publish(numbered(topic, number, partition=number % 2)) for number in range(2000)]
    offsets = await asyncio.gather(*calls)
    assert offsets == [number // 2 for number in range(2000)]
    assert publisher.problem() is None
    await publisher.close()
    found = await asyncio.to_thread(read_all, kafka, topic)
    assert found == {0: list(range(0, 2000, 2)), 1: list(range(1, 2000, 2))}


async def test_callers_wait_for_room_and_keep_their_order(kafka, topic):
    publisher = publisher_of(kafka, most_records=3)
    for number in range(3):
        publisher.enqueue(numbered(topic, number))
    assert publisher.full
    with pytest.raises(TooManyError, match="3 records wait"):
        publisher.enqueue(numbered(topic, 9))
    await asyncio.gather(*(publisher.publish(numbered(topic, number)) for number in range(3, 50)))
    offsets = await publisher.publish_all([numbered(topic, number) for number in range(50, 90)])
    assert offsets == list(range(50, 90))
    assert await publisher.publish_all([]) == []
    await publisher.close()
    assert (await asyncio.to_thread(read_all, kafka, topic))[0] == list(range(90))


async def test_a_cancelled_caller_takes_nothing_back(kafka, topic):
    publisher = publisher_of(kafka)
    call = asyncio.create_task(publisher.publish(numbered(topic, 0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    await publisher.publish(numbered(topic, 1))
    await publisher.close()
    assert (await asyncio.to_thread(read_all, kafka, topic))[0] == [0, 1]


async def test_a_record_that_is_too_large_is_refused_alone(kafka, topic):
    publisher = publisher_of(kafka)
    with pytest.raises(RecordRefusedError, match="put fewer messages into it") as raised:
        publisher.enqueue(Record(topic=topic, partition=0, value=b"x" * 1_000_000))
    assert raised.value.name == "RECORD_TOO_LARGE"
    assert await publisher.publish(numbered(topic, 0)) == 0
    await publisher.close()


async def test_a_refusal_of_kafka_stops_the_publisher_and_all_behind(kafka):
    topic = f"t-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(topic, config={"max.message.bytes": "1000"})
    publisher = publisher_of(kafka)
    await publisher.publish(numbered(topic, 0))
    large = publisher.enqueue(Record(topic=topic, partition=0, value=b"x" * 5000))
    behind = publisher.enqueue(numbered(topic, 2))
    for future in (large, behind):
        with pytest.raises(PublisherStoppedError, match=f"Kafka refuses a record for {topic}") as raised:
            await future
    assert raised.value.name == "MSG_SIZE_TOO_LARGE"
    assert publisher.problem() == raised.value.message
    with pytest.raises(PublisherStoppedError):
        publisher.enqueue(numbered(topic, 3))
    with pytest.raises(PublisherStoppedError):
        await publisher.publish(numbered(topic, 3))
    await publisher.close()
    assert (await asyncio.to_thread(read_all, kafka, topic, partitions=1))[0] == [0]


async def test_a_missing_topic_stops_the_publisher(kafka):
    publisher = publisher_of(kafka, delivery_seconds=4.0)
    with pytest.raises(PublisherStoppedError, match="no-such-topic"):
        await publisher.publish(numbered("no-such-topic", 0))
    await publisher.close()


async def test_what_a_cancelled_close_leaves_is_told(kafka, topic):
    publisher = publisher_of(kafka, linger_ms=60_000, delivery_seconds=120)
    future = publisher.enqueue(numbered(topic, 0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(publisher.close(), 0.1)
    with pytest.raises(PublisherStoppedError, match="closed"):
        await future


FAULTS = {
    "killed": (KafkaServer.kill, KafkaServer.start),
    "stopped": (KafkaServer.stop, KafkaServer.start),
    "silent": (KafkaServer.pause, KafkaServer.resume),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_gap_whatever_becomes_of_the_broker(fault):
    """Records flow while the broker is away longer than a delivery may take, so that deliveries fail."""
    begin, end = FAULTS[fault]
    with KafkaServer() as kafka:
        kafka.create_topic("numbers", partitions=2)
        registry = CollectorRegistry()
        publisher = Publisher(
            bootstrap=kafka.bootstrap, client_id="test", registry=registry, delivery_seconds=1.0
        )
        restarts = functools.partial(registry.get_sample_value, "outcry_publisher_restarts_total")
        given = []

        async def flow():
            number = 0
            while True:
                record = numbered("numbers", number, partition=number % 2)
                if publisher.full:
                    await publisher.settle()
                given.append(publisher.enqueue(record))
                number += 1
                await asyncio.sleep(0.002)

        flowing = asyncio.create_task(flow())
        for _ in range(2):
            before = restarts()
            await given_and_acknowledged(given)
            await asyncio.to_thread(begin, kafka)
            again = functools.partial(lambda count: restarts() >= count, before + 2)
            await asyncio.to_thread(wait_until, again, seconds=60, what="deliveries failed twice")
            assert publisher.problem(most_seconds=0.5)
            await asyncio.to_thread(end, kafka)
        await given_and_acknowledged(given)
        flowing.cancel()
        await publisher.close()
        assert publisher.age() == 0
        assert all(future.exception() is None for future in given)
        found = await asyncio.to_thread(read_all, kafka, "numbers")
        for partition in (0, 1):
            assert without_repeats(found[partition]) == list(range(partition, len(given), 2))


async def given_and_acknowledged(given):
    """Wait until 100 records more were given and acknowledged."""
    wanted = len(given) + 100
    await asyncio.to_thread(wait_until, lambda: len(given) >= wanted, seconds=60, what="records given")
    await asyncio.wait_for(asyncio.shield(given[wanted - 1]), 60)
