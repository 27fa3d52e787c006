"""Killed at any await, with events trimmed behind its checkpoints, risk comes to the view of the logs.

Time, faults and deaths come from seeds: repeated and late records, answers that are lost, batches of any size
from any log first.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.order_event_pb2 import OrderEventBatch
from outcry.v1.risk_api_pb2 import RiskSetting
from outcry.v1.risk_view_pb2 import RiskViewPiece
from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import LogRange, Record
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS, events_topic
from outcry_services.risk import checkpoint
from outcry_services.risk.admin import Admin
from outcry_services.risk.checkpoint import newest
from outcry_services.risk.follower import Follower
from outcry_services.risk.keeper import CHECKPOINTS, Keeper, decode_piece
from outcry_services.risk.limits import key_of
from outcry_services.risk.records import SETTINGS, apply, decode
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.view import RiskView

from e2e.simulation.chance import ROUGH, Chance
from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.loop import BEGIN, simulate
from e2e.simulation.processes import Process
from services.tests.risk.making import NOON, SYMBOL, Market, Shard, limits, mode
from services.tests.risk.test_view import story

EVENTS = events_topic(SYMBOL)
KINDS = {
    ORDERS: InstructionBatch,
    ORDER_EVENTS: OrderEventBatch,
    SETTINGS: RiskSetting,
    EVENTS: EventBatch,
}
PARTITIONS = 2
DEATHS = 6


class Logs:
    """As `LogEnds`, on a fake that is away now and then."""

    def __init__(self, kafka, chance):
        self._kafka = kafka
        self._chance = chance

    async def of(self, topics):
        await asyncio.sleep(self._chance.seconds())
        if self._chance.happens(0.1):
            raise UnavailableError("no answer from Kafka", name="KAFKA_AWAY")
        found = {}
        for name, partitions in self._kafka.topics().items():
            for number in range(partitions if name in set(topics) else 0):
                partition = self._kafka.partition(name, number)
                found[name, number] = LogRange(start=partition.start, end=partition.end)
        return found


class Pairs:
    """One pair for ever."""

    version = 1

    def pairs(self):
        return {SYMBOL: None}

    async def changed(self, since):
        await asyncio.Event().wait()


class Service:
    """One process of risk, without its sockets."""

    def __init__(self, kafka, chance, number):
        clock = asyncio.get_running_loop().time
        self.process = Process(f"risk-{number}")
        self.view = RiskView(Reservations(clock=clock, seconds=10))
        self.writer = FakePublisher(kafka, chance)
        self.keeper = Keeper(
            self.view, writer=self.writer, now=lambda: NOON + int((clock() - BEGIN) * 1e9), every_seconds=0.3
        )
        self.reader = FakeReader(kafka, chance, decode=decode, dead_letters=None)
        self.pieces = FakeReader(kafka, chance, decode=decode_piece, dead_letters=None)
        self.logs = Logs(kafka, chance)
        self.follower = Follower(
            self.view,
            reader=self.reader,
            logs=self.logs,
            pairs=Pairs(),
            clock=clock,
            stale_seconds=5,
            settle_seconds=0.5,
        )
        admin = Admin(self.view, follower=self.follower, writer=self.writer, pairs=Pairs(), now=None)
        self.process.start(admin.tidy(), name="tidy")
        self.process.start(self._follow())
        self.process.start(self.follower.watch_ends(), name="ends")

    async def _follow(self):
        positions = await self.keeper.find(self.pieces, self.logs)
        keeping = asyncio.create_task(self.keeper.run(self.follower))
        await asyncio.gather(self.follower.run(positions), keeping)


def records_of(chance):
    """Everything that is written, log by log, some messages to a record."""
    orders, answers, events = story(chance)
    settings = [limits(user_id=7, max_open_orders=number) for number in range(1, 4)]
    settings += [mode(8, "ACTIVE"), mode(8, "SUSPENDED")]
    return {
        (SETTINGS, 0): [
            Record(topic=SETTINGS, partition=0, key=key_of(one).encode(), value=one.SerializeToString())
            for one in settings
        ],
        (EVENTS, 0): [
            Record(topic=EVENTS, partition=0, value=Market().batch(*some).SerializeToString())
            for some in cut(events, chance)
        ],
        **shards(ORDERS, orders, chance, lambda shard, some: shard.batch(*some)),
        **shards(ORDER_EVENTS, answers, chance, lambda shard, some: shard.answers(*some)),
    }


def shards(topic, messages, chance, batch):
    found = {}
    for user in (7, 8):
        own = [message for shard, message in messages if shard == user]
        found[topic, user % PARTITIONS] = [
            Record(
                topic=topic, partition=user % PARTITIONS, value=batch(Shard(user), some).SerializeToString()
            )
            for some in cut(own, chance)
        ]
    return found


def cut(messages, chance):
    """The messages in groups of one to four."""
    rest = list(messages)
    while rest:
        size = chance.randint(1, 4)
        yield rest[:size]
        rest = rest[size:]


async def write(kafka, chance, records):
    """One publisher a log: they go on side by side."""

    async def one(own):
        publisher = FakePublisher(kafka, chance)
        for record in own:
            await asyncio.sleep(chance.fraction() * 0.2)
            await publisher.publish(record)

    await asyncio.gather(*map(one, records.values()))


def compact(kafka):
    """Of each key only the last record says anything, as if those before it were gone."""
    log = kafka.partition(CHECKPOINTS, 0)
    last = {record.key: record.value for record in log.records}
    log.records = [record._replace(value=last[record.key]) for record in log.records]


def trim(kafka):
    """Forget the events that no checkpoint lacks, of two at least: retention is days behind the last one."""
    pieces = [RiskViewPiece.FromString(record.value) for record in kafka.read_all(CHECKPOINTS)]
    numbers = {piece.checkpoint for piece in pieces}
    whole = [newest(piece for piece in pieces if piece.checkpoint == number) for number in numbers]
    offsets = [
        position.offset
        for kept in whole
        if kept
        for position in kept[0].positions
        if position.topic == EVENTS
    ]
    if len(offsets) > 1:
        kafka.delete_before(EVENTS, 0, min(offsets))


async def run(seed):
    chance, dice = Chance(f"risk {seed}", ROUGH), random.Random(seed)
    kafka = FakeKafka()
    for topic, partitions in ((ORDERS, PARTITIONS), (ORDER_EVENTS, PARTITIONS), (SETTINGS, 1), (EVENTS, 1)):
        kafka.create_topic(topic, partitions=partitions)
    kafka.create_topic(CHECKPOINTS)
    records = records_of(dice)
    writing = asyncio.create_task(write(kafka, chance, records))
    service = Service(kafka, chance, 0)
    for number in range(1, DEATHS + 1):
        await asyncio.sleep(dice.random() * 2)
        assert service.process.failure is None
        service.process.kill()
        compact(kafka)
        trim(kafka)
        service = Service(kafka, chance, number)
    await writing
    async with asyncio.timeout(1000):
        while service.follower.behind(7, SYMBOL) is not None or not settled(service, kafka):
            assert service.process.failure is None
            await asyncio.sleep(0.5)
    return content(service.view), records


def settled(service, kafka):
    """Whether everything was read, and compaction would leave the settings that are in force."""
    last = {record.key.decode(): record.value for record in kafka.read_all(SETTINGS)}
    in_force = {key: setting.SerializeToString() for key, setting in service.view.settings.items()}
    positions = service.follower.kept_positions()
    return last == in_force and all(
        positions.get((topic, number), 0) == kafka.partition(topic, number).end
        for topic, partitions in ((ORDERS, PARTITIONS), (ORDER_EVENTS, PARTITIONS), (EVENTS, 1))
        for number in range(partitions)
    )


def content(view):
    return (
        view.accounts,
        view.open_orders,
        view.early,
        view.last_prices,
        view.modes,
        view.limits.effective(7, SYMBOL),
        view.instructions.all(),
        view.answers.all(),
        view.events.all(),
    )


def straight(records):
    """The view of one who reads everything once."""
    view = RiskView(Reservations(clock=lambda: 0.0, seconds=10))
    for own in records.values():
        for record in own:
            apply(view, KINDS[record.topic].FromString(record.value))
    return content(view)


@pytest.mark.parametrize("seed", range(60))
def test_whenever_it_dies_it_comes_to_the_view_of_the_logs(seed, monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_ITEMS", 2)
    found, records = simulate(run(seed), Chance(seed, ROUGH), most_steps=3_000_000)
    assert found == straight(records)
