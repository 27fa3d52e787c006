"""However rough it gets, the fake log holds what was given, in order and without a gap, save for repeats."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from outcry_services.common.kafka import DeadLetters, Record
from prometheus_client import CollectorRegistry

from e2e.simulation.chance import ROUGH, Chance
from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.loop import simulate
from e2e.simulation.processes import Process


def record(number):
    return Record(topic="t", partition=number % 2, value=b"%d" % number)


def without_repeats(numbers):
    seen: list[int] = []
    for number in numbers:
        if not seen or number > seen[-1]:
            seen.append(number)
    return seen


def written(seed, *, killed_after=None):
    """The numbers in each partition, and those that were acknowledged."""
    kafka, chance, acknowledged = FakeKafka(), Chance(seed, ROUGH), []
    kafka.create_topic("t", partitions=2)

    async def story():
        async def work():
            publisher = FakePublisher(kafka, chance)

            async def one(number):
                await publisher.publish(record(number))
                acknowledged.append(number)

            await asyncio.gather(*map(one, range(30)))

        process = Process("writer")
        writing = process.start(work())
        if killed_after is None:
            await writing
        else:
            await asyncio.sleep(killed_after)
            process.kill()
        await asyncio.sleep(60)

    simulate(story(), chance)
    return [[int(r.value) for r in kafka.read_all("t", partition)] for partition in (0, 1)], acknowledged


def test_no_gap_and_repeats_only():
    repeats = 0
    for seed in range(60):
        partitions, acknowledged = written(seed)
        assert sorted(acknowledged) == list(range(30))
        for partition, numbers in enumerate(partitions):
            assert without_repeats(numbers) == list(range(partition, 30, 2))
            repeats += len(numbers) - 15
    assert repeats > 20


def test_what_was_acknowledged_to_a_killed_writer_is_there_and_without_a_gap():
    cut = 0
    for seed in range(60):
        partitions, acknowledged = written(seed, killed_after=0.01)
        for partition, numbers in enumerate(partitions):
            found = without_repeats(numbers)
            assert found == list(range(partition, 30, 2))[: len(found)]
            assert {number for number in acknowledged if number % 2 == partition} <= set(found)
            cut += len(found) < 15
    assert cut > 20


def test_batches_of_a_rough_log_are_cut_anywhere_and_hold_everything_once():
    kafka = FakeKafka()
    kafka.create_topic("t", partitions=2)
    kafka.append([record(number) for number in range(100)])

    async def story(chance):
        publisher: Any = FakePublisher(kafka, chance)
        letters = DeadLetters(publisher, replica="r", registry=CollectorRegistry())
        reader = FakeReader(kafka, chance, decode=lambda raw: int(raw.value), dead_letters=letters)
        await reader.assign({("t", 0): None, ("t", 1): None})
        found = []
        async for batch in reader.batches():
            found.append([item.value for item in batch.items])
            if sum(map(len, found)) == 100:
                return found
        raise AssertionError

    shapes = set()
    for seed in range(10):
        chance = Chance(seed, ROUGH)
        found = simulate(story(chance), chance)
        assert sorted(itertools.chain(*found)) == list(range(100))
        shapes.add(tuple(map(len, found)))
    assert len(shapes) == 10
