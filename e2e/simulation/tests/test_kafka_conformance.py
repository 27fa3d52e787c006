"""The fake Kafka and a real broker keep the same promises to `common.kafka`'s users."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from typing import Any

import pytest
from outcry_services.common.errors import TooManyError
from outcry_services.common.kafka import (
    DEAD_LETTER,
    Batch,
    DeadLetters,
    PositionLostError,
    PublisherStoppedError,
    Record,
    RecordRefusedError,
    TopicMissingError,
)
from prometheus_client import CollectorRegistry

from e2e.simulation.tests.kafka_sides import Fake, Real


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
def side(request):
    return Fake() if request.param == "fake" else Real(request.getfixturevalue("kafka"))


@asynccontextmanager
async def writing(side, **named):
    publisher = side.publisher(**named)
    try:
        yield publisher
    finally:
        await publisher.close()


class Reading:
    """Readers of a topic, closed at the end."""

    def __init__(self, side, publisher):
        self.side = side
        self.letters = DeadLetters(publisher, replica="test-0", registry=CollectorRegistry())
        self.readers = []

    async def reader(self, positions, **named):
        reader = self.side.reader(self.letters, **named)
        self.readers.append(reader)
        await reader.assign(positions)
        return reader


@asynccontextmanager
async def reading(side, publisher):
    side.create_topic(DEAD_LETTER)
    found = Reading(side, publisher)
    try:
        yield found
    finally:
        for reader in found.readers:
            await reader.close()


@pytest.fixture
def topic(side):
    name = f"t-{uuid.uuid4().hex[:8]}"
    side.create_topic(name, partitions=2)
    return name


def record(topic, value, *, partition=0):
    return Record(
        topic=topic, partition=partition, value=str(value).encode(), key=b"k", headers=(("n", b"v"),)
    )


async def take(reader, wanted):
    batches = []
    async with asyncio.timeout(60):
        async for batch in reader.batches():
            batches.append(batch)
            if sum(len(batch.items) for batch in batches) >= wanted:
                return batches
    raise AssertionError


def values(batches):
    return [item.value for batch in batches for item in batch.items]


async def test_records_keep_their_order_and_their_offsets(side, topic):
    async with writing(side) as publisher:
        calls = [publisher.publish(record(topic, number, partition=number % 2)) for number in range(200)]
        assert await asyncio.gather(*calls) == [number // 2 for number in range(200)]
        assert publisher.problem() is None
    assert await side.read_all(topic, 1) == [b"%d" % number for number in range(1, 200, 2)]


async def test_callers_wait_for_room_and_keep_their_order(side, topic):
    async with writing(side, most_records=3) as publisher:
        for number in range(3):
            publisher.enqueue(record(topic, number))
        assert publisher.full
        with pytest.raises(TooManyError) as raised:
            publisher.enqueue(record(topic, 9))
        assert raised.value.name == "PUBLISHER_FULL"
        await asyncio.gather(*(publisher.publish(record(topic, number)) for number in range(3, 30)))
        many = [record(topic, number) for number in range(30, 40)]
        assert await publisher.publish_all(many) == list(range(30, 40))
        assert await publisher.publish_all([]) == []
        await publisher.settle()
    assert await side.read_all(topic) == [b"%d" % number for number in range(40)]


async def test_a_cancelled_caller_takes_nothing_back(side, topic):
    async with writing(side) as publisher:
        call = asyncio.create_task(publisher.publish(record(topic, 0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        await publisher.publish(record(topic, 1))
    assert await side.read_all(topic) == [b"0", b"1"]


async def test_a_record_that_is_too_large_for_anybody_is_refused_alone(side, topic):
    async with writing(side) as publisher:
        with pytest.raises(RecordRefusedError) as raised:
            publisher.enqueue(Record(topic=topic, partition=0, value=b"x" * 1_000_000))
        assert raised.value.name == "RECORD_TOO_LARGE"
        assert await publisher.publish(record(topic, 0)) == 0


async def test_a_refusal_stops_the_publisher_and_all_behind(side):
    topic = f"t-{uuid.uuid4().hex[:8]}"
    side.create_topic(topic, most_bytes=1000)
    publisher = side.publisher()
    await publisher.publish(record(topic, 0))
    futures = [publisher.enqueue(Record(topic=topic, partition=0, value=b"x" * 5000))]
    futures.append(publisher.enqueue(record(topic, 2)))
    for future in futures:
        with pytest.raises(PublisherStoppedError) as raised:
            await future
        assert raised.value.name == "MSG_SIZE_TOO_LARGE"
    assert publisher.problem() == raised.value.message
    with pytest.raises(PublisherStoppedError):
        publisher.enqueue(record(topic, 3))
    with pytest.raises(PublisherStoppedError):
        await publisher.publish(record(topic, 3))
    await publisher.close()
    assert await side.read_all(topic) == [b"0"]


async def test_a_missing_topic_stops_the_publisher(side):
    publisher = side.publisher()
    with pytest.raises(PublisherStoppedError, match="no-such-topic"):
        await publisher.publish(record("no-such-topic", 0))
    await publisher.close()


async def test_a_closed_publisher_takes_nothing(side, topic):
    publisher = side.publisher()
    await publisher.publish(record(topic, 0))
    await publisher.close()
    with pytest.raises(PublisherStoppedError, match="closed"):
        publisher.enqueue(record(topic, 1))


async def test_a_reader_goes_on_from_the_position_of_the_batch_before(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for number in range(10):
            await publisher.publish(record(topic, number))
        first = await take(await readers.reader({(topic, 0): None}, most_records=4), 4)
        assert values(first) == [0, 1, 2, 3]
        assert (first[-1].topic, first[-1].partition, first[-1].position) == (topic, 0, 4)
        rest = await take(await readers.reader({(topic, 0): 4}), 6)
        assert values(rest) == [4, 5, 6, 7, 8, 9]
        assert (rest[-1].position, rest[-1].end, rest[-1].lag) == (10, 10, 0)
        assert await readers.readers[-1].end(topic, 0) == 10
        got = rest[-1].items[-1].record
        assert (got.key, got.value, got.offset, got.headers) == (b"k", b"9", 9, {"n": b"v"})


async def test_batches_are_of_one_partition_and_follow_each_other(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for number in range(20):
            await publisher.publish(record(topic, number, partition=number % 2))
        reader = await readers.reader({(topic, 0): None, (topic, 1): None}, most_records=3)
        batches: list[Batch[Any]] = []
        while sum(len(batch.items) for batch in batches) < 20:
            batches += await take(reader, 1)
        for partition in (0, 1):
            own = [batch for batch in batches if batch.partition == partition]
            assert values(own) == list(range(partition, 20, 2))
            assert [batch.position for batch in own][-1] == 10


async def test_a_cancelled_wait_loses_nothing(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        reader = await readers.reader({(topic, 0): None})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader.batches()), 0.05)
        for number in range(3):
            await publisher.publish(record(topic, number))
        assert values(await take(reader, 3)) == [0, 1, 2]


async def test_a_new_assignment_drops_the_old_one(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for number in range(6):
            await publisher.publish(record(topic, number))
        reader = await readers.reader({(topic, 0): None})
        await take(reader, 1)
        await reader.assign({(topic, 0): 2})
        assert values(await take(reader, 4)) == [2, 3, 4, 5]


async def test_poison_is_kept_and_skipped_and_probes_are_passed_over(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for value in (0, "zero", "", 3):
            await publisher.publish(record(topic, value))
        batches = await take(await readers.reader({(topic, 0): None}), 2)
        assert values(batches) == [0, 3]
        assert batches[-1].position == 4
        assert b"zero" in await side.read_all(DEAD_LETTER)


async def test_a_batch_of_poison_alone_still_moves_the_position(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        await publisher.publish(record(topic, "zero"))
        batch = await anext((await readers.reader({(topic, 0): None})).batches())
        assert (batch.items, batch.position) == ((), 1)


async def test_a_fault_of_the_decoder_is_no_poison(side, topic):
    def broken(_):
        raise RuntimeError("a bug")

    async with writing(side) as publisher, reading(side, publisher) as readers:
        await publisher.publish(record(topic, 0))
        with pytest.raises(RuntimeError, match="a bug"):
            await take(await readers.reader({(topic, 0): None}, decode=broken), 1)


@pytest.mark.parametrize("position", [1, 99])
async def test_a_position_that_the_log_lacks_is_an_error(side, topic, position):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for number in range(5):
            await publisher.publish(record(topic, number))
        await side.cut(topic, 3)
        with pytest.raises(
            PositionLostError, match=f"{topic}/0 has no record at the stored position"
        ) as lost:
            await take(await readers.reader({(topic, 0): position}), 1)
        assert lost.value.topic == topic


async def test_reading_from_the_first_record_that_is_kept(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for number in range(5):
            await publisher.publish(record(topic, number))
        await side.cut(topic, 3)
        batches = await take(await readers.reader({(topic, 0): None}), 2)
        assert (values(batches), batches[-1].position) == ([3, 4], 5)


async def test_a_missing_topic_or_partition_is_named(side, topic):
    async with writing(side) as publisher, reading(side, publisher) as readers:
        for missing in (("no-such-topic", 0), (topic, 2)):
            with pytest.raises(TopicMissingError, match=f"{missing[0]}/{missing[1]} is not in Kafka"):
                await readers.reader({missing: None})


async def test_ends_are_those_of_every_partition_that_exists(side, topic):
    async with writing(side) as publisher:
        await publisher.publish_all([record(topic, number) for number in range(5)])
        await publisher.publish(record(topic, 5, partition=1))
    await side.cut(topic, 3)
    found = await side.ends().of([topic, "t-nowhere"])
    assert {place: (one.start, one.end) for place, one in found.items()} == {
        (topic, 0): (3, 5),
        (topic, 1): (0, 1),
    }


async def test_a_pass_gives_what_is_in_its_ranges_each_in_its_order(side, topic):
    async with writing(side) as publisher:
        for number in range(6):
            await publisher.publish(record(topic, number, partition=number % 2))

    def read():
        with side.opened() as logs:
            assert topic in logs.topics("t-")
            assert logs.places("t-nowhere") == []
            ranges = {place: logs.range(place) for place in logs.places(topic)}
            assert ranges == {(topic, 0): (0, 3), (topic, 1): (0, 3)}
            assert list(logs.read({(topic, 0): (2, 2)})) == []
            found = list(logs.read({(topic, 0): (1, 3), (topic, 1): (0, 2)}))
        return [[int(one.value) for one in found if one.partition == number] for number in (0, 1)]

    assert await asyncio.to_thread(read) == [[2, 4], [1, 3]]
