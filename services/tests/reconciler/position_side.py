"""Position's own workers over the logs of the reconciler's test world.

They die of what somebody broke, and begin again at the watermark, as the service does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from outcry_services.common.errors import IntegrityError, UnavailableError
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS
from outcry_services.position.cache import FactsCache
from outcry_services.position.delivery import Delivery
from outcry_services.position.instruction_worker import InstructionWorker, Recorded
from outcry_services.position.keys import mark
from outcry_services.position.leg_worker import LegWorker
from outcry_services.position.marks import EventsMark, InstructionsMark, Marks
from outcry_services.position.metrics import Metrics
from outcry_services.position.progress import Progress
from outcry_services.position.topics import JOURNAL
from prometheus_client import CollectorRegistry

from services.tests.position.making import AllTopics, AtTheEnd, NoCount
from services.tests.settlement.feeding import batch

__all__ = ["PositionSide"]


class Told:
    """What position publishes beside the answers, which the logs have already: of it the journal goes on."""

    def __init__(self, publisher):
        self._publisher = publisher

    async def publish(self, record):
        return await self._publisher.publish(record) if record.topic == JOURNAL else 0

    async def publish_all(self, records):
        return [await self.publish(record) for record in records]


class PositionSide:
    """One worker for each partition of `orders`, and one for each pair."""

    def __init__(self, *, redis, publisher, symbols, partitions):
        self.redis, self.publisher, self.partitions = redis, publisher, partitions
        self.events = [f"events.{symbol}" for symbol in symbols]
        self.metrics = Metrics(CollectorRegistry())
        self.progress, self.facts = Progress(), FactsCache()
        self.touched = set()
        self.replayed = asyncio.Event()
        self.replayed.set()
        self.answers = {number: {} for number in range(partitions)}
        self.recorded = {number: Recorded(answers={}, again={}, end=None) for number in range(partitions)}
        self.unmarked = defaultdict(list)
        self.orders = {number: self._instructions(number) for number in range(partitions)}
        self.legs = {symbol: self._legs(symbol) for symbol in symbols}

    async def carry_out(self, news):
        """Carry these into Redis."""
        given = defaultdict(list)
        for found in news:
            for place, (_, messages) in found.items():
                if place[0] == ORDER_EVENTS:
                    self._record(place[1], messages)
            # An instruction before the events that it causes.
            for topics in ((ORDERS,), self.events):
                for place, (start, messages) in found.items():
                    if place[0] in topics:
                        given[place] += await self._take(batch(place, start, messages))
        await asyncio.gather(*map(self._deliver, given.values()))
        self.unmarked.clear()

    def _record(self, number, messages):
        for message in messages:
            for one in message.events:
                key = message.shard, one.incarnation, one.number
                self.answers[number][key] = self.recorded[number].answers[key] = one

    async def _take(self, found):
        """As position does: what it finds corrupt it leaves alone, and begins again once that is repaired."""
        unmarked = self.unmarked[found.topic, found.partition]
        unmarked.append(found)
        given = [found]
        while True:
            try:
                return [await self._worker(found).take(one) for one in given]
            except (IntegrityError, UnavailableError):
                await asyncio.sleep(0.1)
                await self._begin_again(found)
                given = unmarked

    def _worker(self, found):
        if found.topic == ORDERS:
            return self.orders[found.partition]
        return self.legs[found.topic.removeprefix("events.")]

    async def _begin_again(self, found):
        """At the watermark: everything behind it comes once more, and the answers that are in the log."""
        fields = await self.redis.command("HGETALL", mark("t"))
        marks = Marks([{name.decode(): text.decode() for name, text in fields.items()}])
        if found.topic == ORDERS:
            known = marks.instructions(found.partition, partitions=self.partitions)
            self.recorded[found.partition].answers |= {
                (shard, incarnation, number): answer
                for (shard, incarnation, number), answer in self.answers[found.partition].items()
                if (incarnation, number) > known.numbers.get(shard, (0, 0))
            }
            self.orders[found.partition] = self._instructions(found.partition, known)
        else:
            symbol = found.topic.removeprefix("events.")
            self.legs[symbol] = self._legs(symbol, marks.events(symbol))

    async def _deliver(self, given):
        """What was carried out of one stream: to Kafka, and the watermark behind it."""
        delivery = Delivery(scripts=self.redis, publishing=Told(self.publisher), tags=("t",))
        running = asyncio.create_task(delivery.run())
        for outputs in given:
            await delivery.put(outputs)
        await delivery.settled()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def _instructions(self, number, known=InstructionsMark()):  # noqa: B008 - frozen
        return InstructionWorker(
            partition=number,
            partitions=self.partitions,
            mark=known,
            recorded=self.recorded[number],
            replayed=self.replayed,
            topics=AllTopics(),
            sent=NoCount(),
            touch=self.touched.update,
            progress=self.progress,
            scripts=self.redis,
            facts=self.facts,
            metrics=self.metrics,
        )

    def _legs(self, symbol, known=EventsMark(seq=0)):  # noqa: B008 - frozen
        return LegWorker(
            symbol=symbol,
            partitions=self.partitions,
            mark=known,
            horizon=AtTheEnd(),
            sent=NoCount(),
            touch=self.touched.update,
            progress=self.progress,
            scripts=self.redis,
            facts=self.facts,
            metrics=self.metrics,
        )
