"""A pair closes at 80 % of what a stage may be behind, opens below 60 %, and nobody closes it by silence."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry.v1.pressure_pb2 import Pressure
from outcry_services.common.errors import TooManyError
from outcry_services.common.kafka import DEAD_LETTER, DeadLetters, Publisher, Reader, Record
from outcry_services.common.pressure import (
    PRESSURE,
    Backlog,
    Lag,
    PressureGate,
    PressureMetrics,
    PressurePublisher,
    decode,
    follow,
    is_closed,
)
from prometheus_client import CollectorRegistry

from e2e.backends import KafkaServer, wait_until


class Clock:
    """Seconds that the test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def lag(percent, *, symbol="BTC-USDT", millis=0):
    return Lag(symbol=symbol, records=percent, allowed_records=100, millis=millis, allowed_millis=1000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(clock):
    return PressureGate(clock=clock)


@pytest.mark.parametrize(
    ("before", "percent", "after"),
    [
        (False, 0, False),
        (False, 79, False),
        (False, 80, True),
        (False, 1000, True),
        (True, 80, True),
        (True, 60, True),
        (True, 59, False),
        (True, 0, False),
    ],
)
def test_it_closes_at_80_and_opens_below_60(before, percent, after):
    assert is_closed(before, percent) is after


@given(st.lists(st.integers(0, 200)))
def test_it_changes_at_most_as_often_as_the_lag_crosses_from_one_bound_to_the_other(percents):
    closed, states = False, []
    for percent in percents:
        closed = is_closed(closed, percent)
        states.append(closed)
        assert closed or percent < 80
        assert not closed or percent >= 60
    outside = [percent >= 80 for percent in percents if not 60 <= percent < 80]
    assert changes([False, *states]) == changes([False, *outside])


def changes(states):
    return sum(a != b for a, b in itertools.pairwise(states))


def test_the_larger_share_counts():
    assert lag(79, millis=0).percent == 79
    assert lag(10, millis=800).percent == 80
    assert Lag(symbol="A", records=3, allowed_records=0, millis=0, allowed_millis=0).percent == 300


def test_a_pair_is_refused_with_a_name_and_others_are_not(gate):
    gate.note(stage="engine", replica="a", lag=lag(80))
    with pytest.raises(TooManyError) as caught:
        gate.check("BTC-USDT")
    error = caught.value
    assert (error.name, error.http_status, error.retry_after) == ("BACK_PRESSURE", 429, 1.0)
    assert "engine is at 80 %" in error.message
    gate.check("ETH-USDT")
    gate.note(stage="engine", replica="a", lag=lag(60))
    assert gate.closed_by("BTC-USDT") == ("engine", lag(60))
    gate.note(stage="engine", replica="a", lag=lag(59))
    gate.check("BTC-USDT")
    gate.note(stage="engine", replica="a", lag=lag(79))
    gate.check("BTC-USDT")


def test_a_stage_that_all_pairs_share_closes_all(gate):
    gate.note(stage="settlement", replica="a", lag=lag(90, symbol=""))
    assert gate.closed_by("BTC-USDT")[0] == "settlement"
    assert gate.closed_by("ETH-USDT")[0] == "settlement"
    assert gate.shares() == {("settlement", ""): 90}


def test_silence_is_unknown_and_not_pressure(gate, clock):
    gate.note(stage="engine", replica="a", lag=lag(70))
    clock.now += 2.0
    assert gate.shares() == {("engine", "BTC-USDT"): 70}
    clock.now += 0.01
    assert gate.shares() == {}


def test_the_metrics_say_which_stage_keeps_what_closed(gate):
    registry = CollectorRegistry()
    PressureMetrics(registry, gate=gate)
    gate.note(stage="engine", replica="a", lag=lag(85))
    gate.note(stage="position", replica="a", lag=lag(30))

    def value(name, stage):
        return registry.get_sample_value(name, {"stage": stage, "symbol": "BTC-USDT"})

    assert (value("outcry_pressure_percent", "engine"), value("outcry_pressure_closed", "engine")) == (85, 1)
    assert value("outcry_pressure_percent", "position") == 30
    assert value("outcry_pressure_closed", "position") is None


def test_a_stage_that_closed_its_pair_keeps_it_closed_for_longer(gate, clock):
    gate.note(stage="engine", replica="a", lag=lag(90))
    clock.now += 10.0
    assert gate.closed_by("BTC-USDT") == ("engine", lag(90))
    clock.now += 0.01
    assert gate.closed_by("BTC-USDT") is None
    # It comes back between the bounds, and was closed when it fell silent.
    gate.note(stage="engine", replica="a", lag=lag(70))
    assert gate.closed_by("BTC-USDT") is not None


def test_replicas_add_up_until_they_fall_silent(gate, clock):
    gate.note(stage="position", replica="a", lag=lag(50))
    gate.note(stage="position", replica="b", lag=lag(40, millis=100))
    assert gate.closed_by("BTC-USDT") == ("position", lag(90, millis=100))
    clock.now += 1.5
    gate.note(stage="position", replica="b", lag=lag(40))
    clock.now += 1.0
    gate.note(stage="position", replica="b", lag=lag(40))
    assert gate.closed_by("BTC-USDT") is None


def test_a_backlog_counts_what_was_handed_on_and_how_long_it_waits(clock):
    backlog = Backlog(clock=clock)
    assert (len(backlog), backlog.millis()) == (0, 0)
    for key in ("a", "b", "c"):
        backlog.add(key)
        clock.now += 1
    backlog.add("a")
    assert (len(backlog), backlog.millis()) == (3, 3000)
    backlog.answered("never asked")
    assert len(backlog) == 3
    backlog.answered("b")
    assert (len(backlog), backlog.millis()) == (1, 1000)
    backlog.answered("a")
    assert len(backlog) == 1
    backlog.clear()
    assert (len(backlog), backlog.millis()) == (0, 0)


class World:
    """A stage that tells, and a gate that follows."""

    def __init__(self, kafka):
        self.kafka = kafka
        self.registry = CollectorRegistry()
        self.publisher = Publisher(bootstrap=kafka.bootstrap, client_id="test", registry=self.registry)
        letters = DeadLetters(self.publisher, replica="test-0", registry=self.registry)
        self.reader = Reader(bootstrap=kafka.bootstrap, client_id="test", decode=decode, dead_letters=letters)
        self.lags = []
        self.stage = PressurePublisher(
            self.publisher, stage="engine", replica="a", measure=lambda: self.lags, every_seconds=0.05
        )
        loop = asyncio.get_running_loop()
        self.gate = PressureGate(clock=loop.time)


@asynccontextmanager
async def world_of(kafka):
    topics = kafka.admin.list_topics(timeout=10).topics
    for name in (PRESSURE, DEAD_LETTER):
        if name not in topics:
            kafka.create_topic(name)
    world = World(kafka)
    tasks = [asyncio.create_task(world.stage.run()), asyncio.create_task(follow(world.reader, world.gate))]
    try:
        yield world
        failed = [task.exception() for task in tasks if task.done()]
        assert failed == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await world.reader.close()
        await world.publisher.close()


async def until(condition, what):
    await asyncio.to_thread(wait_until, condition, seconds=60, what=what)


@pytest.mark.integration
async def test_what_a_stage_tells_closes_and_opens_its_pair(kafka, symbol):
    async with world_of(kafka) as world:
        world.lags = [lag(85, symbol=symbol)]
        await until(lambda: world.gate.closed_by(symbol), "the pair is closed")
        await world.publisher.publish(Record(topic=PRESSURE, partition=0, value=b"\xff\xff"))
        await world.publisher.publish(
            Record(topic=PRESSURE, partition=0, value=Pressure(symbol=symbol).SerializeToString())
        )
        world.lags = [lag(10, symbol=symbol)]
        await until(lambda: world.gate.closed_by(symbol) is None, "the pair is open")
        assert world.gate.shares()["engine", symbol] == 10
        kept = world.registry.get_sample_value
        assert kept("outcry_dead_letters_total", {"topic": PRESSURE, "name": "NO_STAGE"}) == 1


@pytest.mark.integration
async def test_a_broker_that_is_away_gets_no_heap_of_old_reports(symbol):
    with KafkaServer() as server:
        async with world_of(server) as world:
            world.lags = [lag(85, symbol=symbol)]
            await until(lambda: world.gate.closed_by(symbol), "the pair is closed")
            server.kill()
            await until(lambda: world.gate.closed_by(symbol) is None, "what it said is too old")
            waiting = world.registry.get_sample_value("outcry_publisher_unacknowledged")
            assert waiting == 1
            await asyncio.to_thread(server.start)
            await until(lambda: world.gate.closed_by(symbol), "the pair is closed again")
