"""The loop around a follower: what it assigns, keeps and gives up. The feed is the test's own."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import Batch, PositionLostError
from outcry_services.order.errors import PairLostError
from outcry_services.order.metrics import FollowMetrics
from outcry_services.order.reading import Reading
from prometheus_client import CollectorRegistry

from services.tests.order.desk import StillClock

A, B = ("events.A-USDT", 0), ("events.B-USDT", 0)


class Feed:
    """Gives what the test puts in, and keeps what was assigned."""

    def __init__(self):
        self.assigned = []
        self.given = asyncio.Queue()

    async def assign(self, positions):
        self.assigned.append(dict(positions))

    async def batches(self):
        while True:
            found = await self.given.get()
            if isinstance(found, Exception):
                raise found
            yield found


class Follower:
    """Keeps what it took; fails when told."""

    def __init__(self):
        self.taken = []
        self.restored = {}
        self.error = None

    def restore(self, key, marks):
        self.restored[key] = marks

    def marks(self, key):
        return f"{key[0]} {len(self.taken)}"

    async def take(self, batch):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.taken.append((batch.topic, batch.position))


class Shards:
    """Keeps positions as a store does."""

    def __init__(self):
        self.kept = {A: (5, "marks of A")}

    async def on(self, shard, work):
        assert shard == 0
        return await work(self)

    async def positions(self, topics):
        return {key: value for key, value in self.kept.items() if key[0] in topics}

    async def keep_position(self, topic, partition, *, offset, marks):
        self.kept[topic, partition] = (offset, marks)


class Around:
    """A reading and everything around it."""

    def __init__(self):
        self.feed, self.follower, self.shards, self.clock = Feed(), Follower(), Shards(), StillClock()
        self.topics = {A}
        self.registry = CollectorRegistry()
        self.change = asyncio.Event()
        self.reading = Reading(
            follower=self.follower,
            feed=self.feed,
            shards=self.shards,
            topics=self.existing,
            changed=self.changed,
            clock=self.clock,
            metrics=FollowMetrics(self.registry),
            pause_seconds=0,
        )

    async def existing(self):
        return set(self.topics)

    async def changed(self):
        await self.change.wait()
        self.change.clear()

    def give(self, key, position):
        batch = Batch(topic=key[0], partition=key[1], position=position, end=position, items=())
        self.feed.given.put_nowait(batch)

    async def settle(self):
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def around():
    at = Around()
    task = asyncio.create_task(at.reading.run())
    await at.settle()
    yield at
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_goes_on_from_what_was_stored_and_stores_behind_effects(around):
    assert around.feed.assigned == [{A: 5}]
    assert around.follower.restored == {A: "marks of A"}
    around.give(A, 8)
    await around.settle()
    assert around.shards.kept[A] == (8, f"{A[0]} 1")
    around.give(A, 9)
    await around.settle()
    # Within a second of the last time it is only known, and stored at the end.
    assert around.shards.kept[A][0] == 8
    await around.reading.flush()
    assert around.shards.kept[A] == (9, f"{A[0]} 2")


async def test_a_new_pair_is_read_from_its_beginning_and_the_others_from_where_they_are(around):
    around.give(A, 8)
    await around.settle()
    around.topics.add(B)
    around.change.set()
    await around.settle()
    assert around.feed.assigned[-1] == {A: 8, B: None}


async def test_a_batch_that_could_not_be_carried_out_is_read_again(around):
    around.follower.error = UnavailableError("MySQL is away")
    around.give(A, 8)
    await around.settle()
    assert around.feed.assigned == [{A: 5}, {A: 5}]
    assert around.follower.taken == []


async def test_a_log_that_lost_what_comes_next_stops_its_own_pair_alone(around):
    around.topics.add(B)
    around.change.set()
    await around.settle()
    around.feed.given.put_nowait(PositionLostError("A lost it", topic=A[0]))
    await around.settle()
    assert around.feed.assigned[-1] == {B: None}
    assert around.registry.get_sample_value("outcry_order_gap", {"topic": f"{A[0]}/0"}) == 1
    with pytest.raises(PairLostError, match="takes no new orders"):
        around.reading.require_followed(A[0].removeprefix("events."))
    around.reading.require_followed(B[0].removeprefix("events."))
    around.give(B, 3)
    await around.settle()
    assert around.follower.taken == [(B[0], 3)]


async def test_any_other_fault_ends_it():
    at = Around()
    at.follower.error = ValueError("a bug")
    at.give(A, 8)
    with pytest.raises(ValueError, match="a bug"):
        await asyncio.wait_for(at.reading.run(), 5)
