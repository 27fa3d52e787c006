"""A whole exchange in small: real Kafka and Redis around the flow, and an engine that matches by price and
time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager

from outcry.v1 import command_pb2, event_pb2, instruction_pb2, order_event_pb2
from outcry.v1.types_pb2 import Side
from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka import DeadLetters, Publisher, Reader, Record, decoder
from outcry_services.common.redis import Redis
from outcry_services.common.redis_servers import Admission
from outcry_services.position import keys
from outcry_services.position.flow import Flow
from outcry_services.position.kafka_logs import KafkaLogs, KafkaTopics
from outcry_services.position.metrics import Metrics
from outcry_services.position.proof import Proof
from outcry_services.position.rebuild import NoLedger, Rebuild
from outcry_services.position.run import Means
from outcry_services.position.slots import tag_on
from prometheus_client import CollectorRegistry

from e2e.backends import wait_until
from services.tests.position.making import NoCount

SYMBOL = "BTC-USDT"
PARTITIONS = 8


def make_topics(kafka):
    for topic in ("orders", "order-events", "journal"):
        kafka.create_topic(topic, partitions=PARTITIONS)
    for topic in (f"matching.{SYMBOL}", f"events.{SYMBOL}", "dead-letter"):
        kafka.create_topic(topic)


def remove_topics(kafka):
    topics = ("orders", "order-events", "journal", f"matching.{SYMBOL}", f"events.{SYMBOL}", "dead-letter")
    for topic in topics:
        kafka.delete_topic(topic)
    wait_until(
        lambda: not kafka.admin.list_topics(timeout=10).topics.keys() & set(topics),
        seconds=30,
        what="the topics are gone",
    )


class Marks:
    """The mark of the master that is farthest behind."""

    def __init__(self, redis):
        self._redis = redis

    async def seq(self):
        tags = [tag_on(master) for master in await self._redis.masters()]
        found = [await self._redis.command("HGET", keys.mark(tag), f"e{SYMBOL}") for tag in tags]
        return min(int(text.split()[1]) if text else 0 for text in found)


class OnePair:
    def symbols(self):
        return frozenset({SYMBOL})

    async def changed(self, known):
        await asyncio.Event().wait()


class Engine:
    """Matches one pair; the state is what its commands made it, so it may be told twice."""

    def __init__(self):
        self.seq = self.trades = 0
        self.seen = {}
        self.resting = []

    def apply(self, command):
        if command.number <= self.seen.get(command.source, 0):
            return []
        self.seen[command.source] = command.number
        kind = command.WhichOneof("body")
        if kind == "new_order":
            return self._enter(command, command.new_order)
        order_id = command.cancel_order.order_id
        for at, (order, remaining) in enumerate(self.resting):
            if order.order_id == order_id:
                del self.resting[at]
                ended = event_pb2.OrderCancelled(
                    order_id=order_id, user_id=order.user_id, remaining=remaining
                )
                return [self._event(command, order_cancelled=ended)]
        rejected = event_pb2.CancelRejected(order_id=order_id, user_id=command.cancel_order.user_id)
        return [self._event(command, cancel_rejected=rejected)]

    def _enter(self, command, taker):
        accepted = event_pb2.OrderAccepted(order_id=taker.order_id, user_id=taker.user_id)
        events, left = [self._event(command, order_accepted=accepted)], taker.quantity
        buys = taker.side == Side.SIDE_BUY
        for maker, _ in sorted(self.resting, key=lambda one: one[0].price, reverse=not buys):
            crosses = maker.price <= taker.price if buys else maker.price >= taker.price
            if not left or maker.side == taker.side or not crosses:
                continue
            at = next(at for at, (order, _) in enumerate(self.resting) if order is maker)
            rest = self.resting[at][1]
            quantity = min(left, rest)
            left -= quantity
            self.resting[at] = (maker, rest - quantity)
            if rest == quantity:
                del self.resting[at]
            self.trades += 1
            executed = event_pb2.TradeExecuted(
                trade_id=self.trades,
                price=maker.price,
                quantity=quantity,
                maker_order_id=maker.order_id,
                taker_order_id=taker.order_id,
                maker_user_id=maker.user_id,
                taker_user_id=taker.user_id,
                taker_side=taker.side,
                maker_remaining=rest - quantity,
                taker_remaining=left,
                maker_fee_ppm=1000,
                taker_fee_ppm=2000,
            )
            events.append(self._event(command, trade_executed=executed))
        if left:
            self.resting.append((taker, left))
        return events

    def _event(self, command, **body):
        self.seq += 1
        return event_pb2.Event(
            seq=self.seq, source=command.source, incarnation=1, number=command.number, **body
        )


class RealBackend:
    """Servers as processes."""

    def __init__(self, kafka, redis_url):
        self.kafka = kafka
        self.redis_url = redis_url

    def publisher(self, name):
        return Publisher(bootstrap=self.kafka.bootstrap, client_id=name, registry=CollectorRegistry())

    def store(self):
        return Redis(self.redis_url, admission=Admission(), answer_seconds=1.0)

    def logs(self, letters):
        return KafkaLogs(bootstrap=self.kafka.bootstrap, replica="0", dead_letters=letters)

    def topics(self):
        return KafkaTopics(bootstrap=self.kafka.bootstrap)

    def reader(self, kind, letters):
        return Reader(
            bootstrap=self.kafka.bootstrap,
            client_id=uuid.uuid4().hex,
            decode=decoder(kind),
            dead_letters=letters,
        )


class Exchange:
    """Order's part and the engine's, played by the test; position is the real one."""

    def __init__(self, backend, *, ledger=None, clock=lambda: 1.0):
        self.backend = backend
        self.ledger = ledger or NoLedger()
        self.clock = clock
        self.publisher = backend.publisher("test")
        self.letters = DeadLetters(self.publisher, replica="test", registry=CollectorRegistry())
        self.pairs = OnePair()
        self.engine = Engine()
        self.published = 0
        self.last = defaultdict(int)
        self.answers = {}
        self._moved = asyncio.Event()
        self._tasks = []

    async def say(self, *makers):
        """Write instructions, each made by a function of its number; their numbers by user."""
        batches = defaultdict(list)
        for user, make in makers:
            shard = user % SHARDS
            self.last[shard] += 1
            batches[shard].append(make(user, self.last[shard]))
        for shard, found in batches.items():
            batch = instruction_pb2.InstructionBatch(
                version=1, shard=shard, count=len(found), instructions=found
            )
            await self.publisher.publish(
                Record(topic="orders", partition=shard % PARTITIONS, value=batch.SerializeToString())
            )
        return {one.user_id: one.number for found in batches.values() for one in found}

    async def answered(self, seconds=60):
        """Wait until every instruction has its answer."""
        wanted = {(shard, last) for shard, last in self.last.items()}
        await self._until(lambda: wanted <= self.answers.keys(), seconds, "answers")

    async def matched(self, seconds=60):
        """Wait until the engine has every command that was answered, and its log every event."""
        passed = {}
        for (shard, number), answer in self.answers.items():
            if answer.WhichOneof("body") in ("funds_held", "cancel_forwarded"):
                passed[shard] = max(number, passed.get(shard, 0))
        await self._until(
            lambda: (
                self.published == self.engine.seq
                and all(self.engine.seen.get(shard, 0) >= number for shard, number in passed.items())
            ),
            seconds,
            "commands",
        )

    async def settled(self, marks, seconds=60):
        """Wait until position has every event of what was answered: the marks say so."""
        await self.matched(seconds)
        async with asyncio.timeout(seconds):
            while await marks.seq() < self.engine.seq:  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0.05)

    async def _until(self, holds, seconds, what):
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"no {what} within {seconds} s") from None

    @asynccontextmanager
    async def position(self):
        """One process of the position service; leaving is its death in the middle of whatever it does."""
        registry = CollectorRegistry()
        publisher = self.backend.publisher("position")
        store = self.backend.store()
        letters = DeadLetters(publisher, replica="position-0", registry=registry)
        metrics = Metrics(registry)
        rebuild = Rebuild(
            store=store,
            publishing=publisher,
            ledger=self.ledger,
            metrics=metrics,
            partitions=PARTITIONS,
            clock=self.clock,
        )
        flow = Flow(
            Means(
                store=store,
                logs=self.backend.logs(letters),
                publishing=publisher,
                topics=self.backend.topics(),
                pairs=self.pairs,
                sent=NoCount(),
                metrics=metrics,
                partitions=PARTITIONS,
            ),
            rebuild=rebuild,
            proof=Proof(self.ledger) if hasattr(self.ledger, "at") else None,
        )
        running = asyncio.create_task(flow.run())
        running.add_done_callback(lambda task: self._moved.set())
        try:
            yield flow
            if running.done():
                await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await publisher.close()
            await store.close()

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(work()) for work in (self._match, self._hear)]
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        found = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.publisher.close()
        for error in found:
            if not isinstance(error, asyncio.CancelledError):
                raise error

    async def _match(self):
        reader = self.backend.reader(command_pb2.CommandBatch, self.letters)
        try:
            await reader.assign({(f"matching.{SYMBOL}", 0): None})
            async for batch in reader.batches():
                commands = [command for item in batch.items for command in item.value.commands]
                events = [event for command in commands for event in self.engine.apply(command)]
                if events:
                    value = event_pb2.EventBatch(symbol=SYMBOL, events=events).SerializeToString()
                    await self.publisher.publish(Record(topic=f"events.{SYMBOL}", partition=0, value=value))
                    self.published = events[-1].seq
                self._moved.set()
        finally:
            await reader.close()

    async def _hear(self):
        reader = self.backend.reader(order_event_pb2.OrderEventBatch, self.letters)
        try:
            await reader.assign({("order-events", number): None for number in range(PARTITIONS)})
            async for batch in reader.batches():
                for item in batch.items:
                    for answer in item.value.events:
                        self._note(item.value.shard, answer)
                self._moved.set()
        finally:
            await reader.close()

    def _note(self, shard, answer):
        before = self.answers.get((shard, answer.number))
        if before is not None:
            # A repeat says what was said before.
            assert before.WhichOneof("body") == answer.WhichOneof("body")
            return
        if answer.number > 1:
            assert (shard, answer.number - 1) in self.answers
        self.answers[shard, answer.number] = answer
