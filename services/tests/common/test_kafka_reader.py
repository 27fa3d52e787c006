"""Batches follow each other without a gap from the caller's own position, and poison is kept and skipped."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import TopicPartition
from outcry.v1.command_pb2 import CommandBatch
from outcry_services.common.kafka import (
    DEAD_LETTER,
    DeadLetters,
    PoisonError,
    PositionLostError,
    Publisher,
    Reader,
    Record,
    TopicMissingError,
    decoder,
    trace_headers,
)
from prometheus_client import CollectorRegistry

from e2e.backends import KafkaServer, wait_until

pytestmark = pytest.mark.integration


def number_of(record):
    """The number in a record; a probe has none."""
    if not record.value:
        return None
    try:
        return int(record.value)
    except ValueError as error:
        raise PoisonError("not a number", name="NOT_A_NUMBER") from error


class World:
    """A topic of the test's own, and one who writes to it."""

    def __init__(self, kafka):
        self.kafka = kafka
        self.registry = CollectorRegistry()
        self.publisher = Publisher(bootstrap=kafka.bootstrap, client_id="test", registry=self.registry)
        self.letters = DeadLetters(self.publisher, replica="test-0", registry=self.registry)
        self.topic = f"t-{uuid.uuid4().hex[:8]}"
        self.readers = []

    async def write(self, *values, partition=0):
        for value in values:
            record = Record(
                topic=self.topic, partition=partition, value=str(value).encode(), headers=trace_headers()
            )
            await self.publisher.publish(record)

    async def reader(self, positions=None, *, decode=number_of, **named):
        reader = Reader(
            bootstrap=self.kafka.bootstrap,
            client_id="test",
            decode=decode,
            dead_letters=self.letters,
            **named,
        )
        self.readers.append(reader)
        await reader.assign(positions or {(self.topic, 0): None})
        return reader


@asynccontextmanager
async def world_of(kafka, *, partitions=2):
    world = World(kafka)
    kafka.create_topic(world.topic, partitions=partitions)
    if DEAD_LETTER not in kafka.admin.list_topics(timeout=10).topics:
        kafka.create_topic(DEAD_LETTER)
    try:
        yield world
    finally:
        for reader in world.readers:
            await reader.close()
        await world.publisher.close()


async def take(reader, wanted, *, seconds=60):
    """Batches until so many items came."""
    batches = []
    async with asyncio.timeout(seconds):
        async for batch in reader.batches():
            batches.append(batch)
            if sum(len(batch.items) for batch in batches) >= wanted:
                return batches
    raise AssertionError


def values(batches):
    return [item.value for batch in batches for item in batch.items]


async def test_a_reader_goes_on_from_the_position_of_the_batch_before(kafka):
    async with world_of(kafka) as world:
        await world.write(*range(10))
        first = await take(await world.reader(most_records=4), 4)
        assert values(first) == [0, 1, 2, 3]
        assert (first[-1].position, first[-1].end >= 4) == (4, True)
        rest = await take(await world.reader({(world.topic, 0): first[-1].position}), 6)
        assert values(rest) == [4, 5, 6, 7, 8, 9]
        assert (rest[-1].position, rest[-1].lag) == (10, 0)
        assert len(rest[-1].items[-1].record.headers["traceparent"]) == 55


async def test_a_batch_is_of_one_partition_and_none_is_lost_when_its_taker_stops(kafka):
    async with world_of(kafka) as world:
        await world.write(*range(5), partition=0)
        await world.write(*range(100, 105), partition=1)
        reader = await world.reader({(world.topic, 0): None, (world.topic, 1): None})
        batches = []
        while sum(len(batch.items) for batch in batches) < 10:
            batches += await take(reader, 1)
        for partition, expected in ((0, range(5)), (1, range(100, 105))):
            assert values(b for b in batches if b.partition == partition) == list(expected)


async def test_who_gathers_takes_together_what_comes_within_its_time(kafka):
    async with world_of(kafka) as world:
        reader = await world.reader(gather_ms=5000)
        batches = reader.batches()
        first = asyncio.ensure_future(anext(batches))
        await world.write(*range(5))
        assert [item.value for item in (await first).items] == list(range(5))


async def test_a_cancelled_wait_loses_nothing(kafka):
    async with world_of(kafka) as world:
        reader = await world.reader(wait_seconds=1.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader.batches()), 0.05)
        await world.write(0, 1, 2)
        assert values(await take(reader, 3)) == [0, 1, 2]


async def test_a_new_assignment_drops_what_was_read_for_the_old_one(kafka):
    async with world_of(kafka) as world:
        await world.write(*range(6))
        reader = await world.reader()
        await take(reader, 1)
        await reader.assign({(world.topic, 0): 2})
        assert values(await take(reader, 4)) == [2, 3, 4, 5]


async def test_poison_is_kept_with_its_origin_and_skipped_and_probes_are_passed_over(kafka):
    async with world_of(kafka) as world:
        await world.write(0, "zero", "", 3)
        batches = await take(await world.reader(), 2)
        assert values(batches) == [0, 3]
        assert batches[-1].position == 4
        letters = await take(await world.reader({(DEAD_LETTER, 0): None}, decode=lambda record: record), 1)
        kept = next(v for v in values(letters) if v.headers["topic"] == world.topic.encode())
        assert kept.value == b"zero"
        assert kept.headers == {
            "topic": world.topic.encode(),
            "partition": b"0",
            "offset": b"1",
            "reason": b"not a number",
            "name": b"NOT_A_NUMBER",
            "replica": b"test-0",
        }
        labels = {"topic": world.topic, "name": "NOT_A_NUMBER"}
        assert world.registry.get_sample_value("outcry_dead_letters_total", labels) == 1


async def test_a_batch_of_poison_alone_still_moves_the_position(kafka):
    async with world_of(kafka) as world:
        await world.write("zero")
        batch = await anext((await world.reader()).batches())
        assert (batch.items, batch.position) == ((), 1)


async def test_protobuf_that_is_none_is_poison(kafka):
    async with world_of(kafka) as world:
        good = CommandBatch(symbol=world.topic).SerializeToString()
        for value in (b"\xff\xff", good):
            await world.publisher.publish(Record(topic=world.topic, partition=0, value=value))
        found = values(await take(await world.reader(decode=decoder(CommandBatch)), 1))
        assert [batch.symbol for batch in found] == [world.topic]
        labels = {"topic": world.topic, "name": "MALFORMED_RECORD"}
        assert world.registry.get_sample_value("outcry_dead_letters_total", labels) == 1


async def test_a_fault_of_the_decoder_is_no_poison(kafka):
    def broken(_):
        raise RuntimeError("a bug")

    async with world_of(kafka) as world:
        await world.write(0)
        reader = await world.reader(decode=broken)
        with pytest.raises(RuntimeError, match="a bug"):
            await take(reader, 1)


@pytest.mark.parametrize("position", [1, 99])
async def test_a_position_that_the_log_lacks_is_an_error_and_no_jump(kafka, position):
    """Cut at its start, or (a log that lost its end) shorter than what was read before."""
    async with world_of(kafka) as world:
        await world.write(*range(5))
        cut = TopicPartition(world.topic, 0, 3)
        admin = kafka.admin
        await asyncio.wrap_future(admin.delete_records([cut])[cut])
        reader = await world.reader({(world.topic, 0): position})
        with pytest.raises(PositionLostError, match=f"{world.topic}/0 has no record at the stored position"):
            await take(reader, 1)


async def test_a_missing_topic_is_named(kafka):
    async with world_of(kafka) as world:
        for missing in (("no-such-topic", 0), (world.topic, 2)):
            with pytest.raises(TopicMissingError, match=f"{missing[0]}/{missing[1]} is not in Kafka"):
                await world.reader({missing: None})


async def test_a_broker_that_is_away_is_waited_for_and_said():
    with KafkaServer() as kafka:
        async with world_of(kafka) as world:
            await world.write(0)
            reader = await world.reader()
            assert values(await take(reader, 1)) == [0]
            await asyncio.to_thread(kafka.kill)
            taking = asyncio.create_task(take(reader, 1, seconds=200))
            away = lambda: reader.problem(most_seconds=0) is not None  # noqa: E731
            await asyncio.to_thread(wait_until, away, seconds=60, what="the reader says so")
            await asyncio.to_thread(kafka.start)
            await world.write(1)
            assert values(await taking) == [1]
            assert reader.problem(most_seconds=0) is None


async def test_a_paused_partition_is_read_on_where_it_stood(kafka):
    async with world_of(kafka) as world:
        await world.write(1, 2, 3)
        await world.write(4, 5, partition=1)
        reader = await world.reader({(world.topic, 0): None, (world.topic, 1): None}, most_records=1)
        assert (await reader.end(world.topic, 0), await reader.end(world.topic, 1)) == (3, 2)
        await reader.pause(world.topic, 0)
        batches = await take(reader, 2)
        await reader.resume(world.topic, 0)
        batches += await take(reader, 5 - len(values(batches)))
        for partition, expected in ((0, [1, 2, 3]), (1, [4, 5])):
            assert values(b for b in batches if b.partition == partition) == expected
