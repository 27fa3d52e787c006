"""One reader for many: who is not taken is paused, and shared exchanges give each caller its own replies."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.errors import InternalError
from outcry_services.common.kafka import Record
from outcry_services.common.redis import Call, Script
from outcry_services.common.redis_errors import RedisLostError
from outcry_services.position.pool import Pool
from outcry_services.position.streams import MOST_BATCHES, Streams

from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_reader import FakeReader

HELD, FREE = ("logs", 0), ("logs", 1)


def log_of(*counts):
    kafka = FakeKafka()
    kafka.create_topic("logs", partitions=len(counts))
    for partition, count in enumerate(counts):
        write(kafka, partition, range(count))
    return kafka


def write(kafka, partition, numbers):
    kafka.append([Record(topic="logs", partition=partition, value=b"%d" % number) for number in numbers])


def reader_of(kafka):
    return FakeReader(kafka, decode=lambda record: int(record.value), dead_letters=None, most_records=1)


async def taken(streams, place, count):
    """So many values of a partition."""
    found = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += [item.value for item in (await streams.take(place)).items]
    return found


async def test_a_partition_that_nobody_takes_keeps_back_no_other():
    reader = reader_of(log_of(200, 200))
    streams = Streams(reader)
    streams.follow({HELD: None, FREE: None})
    running = asyncio.create_task(streams.run())
    assert await taken(streams, FREE, 200) == list(range(200))
    assert reader._paused == {HELD}
    assert await taken(streams, HELD, 200) == list(range(200))
    assert not reader._paused
    assert MOST_BATCHES < 200
    running.cancel()


class SlowToPause(FakeReader):
    """Pauses once it may; what is asked meanwhile happens at once, as another thread would do it."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def pause(self, topic, partition):
        self.asked.set()
        await self.may.wait()
        await super().pause(topic, partition)


async def test_a_partition_that_is_taken_while_it_is_being_paused_is_read_on():
    kafka = log_of(200, 0)
    reader = SlowToPause(kafka, decode=lambda record: int(record.value), dead_letters=None, most_records=1)
    streams = Streams(reader)
    streams.follow({HELD: None})
    running = asyncio.create_task(streams.run())
    await reader.asked.wait()
    taking = asyncio.create_task(taken(streams, HELD, 200))
    for _ in range(5):
        await asyncio.sleep(0)
    reader.may.set()
    assert await taking == list(range(200))
    running.cancel()


async def test_partitions_may_be_taken_while_those_that_are_paused_are_looked_through():
    """Something new is followed: the reader is told of all that are paused once more."""
    kafka = log_of(200, 200, 1)
    reader = SlowToPause(kafka, decode=lambda record: int(record.value), dead_letters=None, most_records=1)
    reader.may.set()
    streams = Streams(reader)
    streams.follow({HELD: None, FREE: None})
    running = asyncio.create_task(streams.run())
    while reader._paused != {HELD, FREE}:  # noqa: ASYNC110 - readers don't tell
        await asyncio.sleep(0)
    reader.asked.clear()
    reader.may.clear()
    streams.follow({("logs", 2): None})
    await reader.asked.wait()
    taking = [asyncio.create_task(taken(streams, place, 200)) for place in (HELD, FREE)]
    for _ in range(5):
        await asyncio.sleep(0)
    reader.may.set()
    assert [await one for one in taking] == [list(range(200))] * 2
    running.cancel()


async def test_what_is_followed_later_comes_too_and_nothing_comes_twice():
    kafka = log_of(3, 3)
    streams = Streams(reader_of(kafka))
    running = asyncio.create_task(streams.run())
    streams.follow({HELD: 1})
    assert await taken(streams, HELD, 2) == [1, 2]
    streams.follow({FREE: None})
    write(kafka, 0, [3])
    assert await taken(streams, FREE, 3) == [0, 1, 2]
    assert await taken(streams, HELD, 1) == [3]
    streams.leave(FREE)
    write(kafka, 1, [3])
    write(kafka, 0, [4])
    assert await taken(streams, HELD, 1) == [4]
    running.cancel()


class SlowRedis:
    """Answers each call with its argument, an exchange at a time."""

    def __init__(self):
        self.exchanges = []
        self.error = None

    async def run_all(self, calls):
        self.exchanges.append(len(calls))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return [call.arguments[0] for call in calls]


def calls(*numbers):
    return [Call(Script.of("x", "return 1"), ("k",), (number,)) for number in numbers]


async def test_callers_share_an_exchange_and_get_their_own_replies():
    redis = SlowRedis()
    pool = Pool(redis)
    found = await asyncio.gather(pool.run_all(calls(1)), pool.run_all(calls(2, 3)), pool.run_all(calls(4)))
    assert found == [[1], [2, 3], [4]]
    assert await pool.run_all([]) == []
    assert sum(redis.exchanges) == 4
    assert len(redis.exchanges) < 3


@pytest.mark.parametrize("error", [InternalError("broken"), ValueError("broken")])
async def test_an_exchange_that_fails_is_told_to_everybody_who_waits(error):
    redis = SlowRedis()
    redis.error = error
    pool = Pool(redis)
    found = await asyncio.gather(
        pool.run_all(calls(1)), pool.run_all(calls(2)), pool.run_all(calls(3)), return_exceptions=True
    )
    assert {type(one) for one in found} <= {InternalError, RedisLostError}
    redis.error = None
    assert await pool.run_all(calls(5)) == [5]


async def test_whoever_waits_when_the_pool_is_closed_is_told_that_nothing_is_known():
    redis = SlowRedis()
    pool = Pool(redis)
    waiting = asyncio.create_task(pool.run_all(calls(1)))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(RedisLostError):
        await waiting
