"""Instructions, events and a world without sockets around the workers: for every test of positions."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict

from outcry.v1 import command_pb2, event_pb2, instruction_pb2, journal_pb2, order_event_pb2
from outcry.v1.types_pb2 import Side
from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka import Batch, Item, RawRecord
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS, events_topic
from outcry_services.position import keys
from outcry_services.position.cache import FactsCache
from outcry_services.position.delivery import Delivery
from outcry_services.position.facts import parse_hold
from outcry_services.position.instruction_worker import InstructionWorker, Recorded
from outcry_services.position.leg_worker import LegWorker
from outcry_services.position.marks import EventsMark, InstructionsMark, Marks
from outcry_services.position.metrics import Metrics
from outcry_services.position.progress import Progress
from outcry_services.position.topics import JOURNAL
from prometheus_client import CollectorRegistry

BUY, SELL = Side.SIDE_BUY, Side.SIDE_SELL
SYMBOL = "BTC-USDT"
_users = itertools.count(1)


def new_user() -> int:
    """Of shard 7, in partition 7 of 8; nobody else's in this run of tests."""
    return next(_users) * SHARDS + 7


def order_id(user: int, number: int) -> int:
    return number << 10 | user % SHARDS


def instruction(user, number, *, incarnation=1, **body):
    return instruction_pb2.Instruction(
        incarnation=incarnation, number=number, user_id=user, time_unix_nanos=number, **body
    )


def order(
    user, number, side, *, price=100, quantity=1, hold=None, per_unit=None, quote_quantity=0, symbol=SYMBOL
):
    """A limit order unless `hold` and `per_unit` say otherwise; a tick-lot is 1 USDT unit, a lot 10 BTC
    units.
    """
    if hold is None:
        hold = price * quantity if side == BUY else quantity * 10
        per_unit = price if side == BUY else 10
    new = command_pb2.NewOrder(
        order_id=order_id(user, number),
        user_id=user,
        side=side,
        price=price,
        quantity=quantity,
        quote_quantity=quote_quantity,
    )
    created = instruction_pb2.OrderCreated(
        symbol=symbol,
        order=new,
        base_asset="BTC",
        quote_asset="USDT",
        quote_units_per_tick_lot=1,
        base_units_per_lot=10,
        hold_asset="USDT" if side == BUY else "BTC",
        hold=hold,
        hold_per_unit=per_unit,
    )
    return instruction(user, number, order_created=created)


def cancel(user, number, of, *, symbol=SYMBOL):
    body = instruction_pb2.CancelRequested(symbol=symbol, order_id=order_id(user, of))
    return instruction(user, number, cancel_requested=body)


def deposit(user, number, asset, amount):
    return instruction(user, number, deposit_made=instruction_pb2.DepositMade(asset=asset, amount=amount))


def adjustment(user, number, asset, amount):
    body = instruction_pb2.AdjustmentMade(asset=asset, amount=amount, reason="r", actor="a")
    return instruction(user, number, adjustment_made=body)


def withdrawal(user, number, asset, amount):
    body = instruction_pb2.WithdrawalRequested(
        withdrawal_id=order_id(user, number), asset=asset, amount=amount
    )
    return instruction(user, number, withdrawal_requested=body)


def sent(user, number, of, asset, amount):
    body = instruction_pb2.WithdrawalSent(withdrawal_id=order_id(user, of), asset=asset, amount=amount)
    return instruction(user, number, withdrawal_sent=body)


def completed(user, number, of, asset, amount):
    body = instruction_pb2.WithdrawalCompleted(withdrawal_id=order_id(user, of), asset=asset, amount=amount)
    return instruction(user, number, withdrawal_completed=body)


def released(user, number, of, asset, amount):
    body = instruction_pb2.WithdrawalReleased(withdrawal_id=order_id(user, of), asset=asset, amount=amount)
    return instruction(user, number, withdrawal_released=body)


def returned(user, number, of, asset, amount):
    body = instruction_pb2.WithdrawalReturned(withdrawal_id=order_id(user, of), asset=asset, amount=amount)
    return instruction(user, number, withdrawal_returned=body)


def trade(seq, *, maker, taker, price, quantity, taker_side, left=(0, 0), fees=(0, 0)):
    """`maker` and `taker` are (user, number)."""
    return event_pb2.Event(
        seq=seq,
        source=taker[0] % SHARDS,
        incarnation=1,
        number=taker[1],
        trade_executed=event_pb2.TradeExecuted(
            trade_id=seq,
            price=price,
            quantity=quantity,
            maker_order_id=order_id(*maker),
            taker_order_id=order_id(*taker),
            maker_user_id=maker[0],
            taker_user_id=taker[0],
            taker_side=taker_side,
            maker_remaining=left[0],
            taker_remaining=left[1],
            maker_fee_ppm=fees[0],
            taker_fee_ppm=fees[1],
        ),
    )


def cancelled(seq, user, number, *, remaining=1):
    body = event_pb2.OrderCancelled(order_id=order_id(user, number), user_id=user, remaining=remaining)
    return event_pb2.Event(seq=seq, source=user % SHARDS, incarnation=1, number=number, order_cancelled=body)


def batch_of(topic, partition, values, *, position):
    items = tuple(
        Item(
            record=RawRecord(
                topic=topic,
                partition=partition,
                offset=position - 1,
                timestamp_ms=0,
                key=b"",
                value=b"",
                headers={},
            ),
            value=value,
        )
        for value in values
    )
    return Batch(topic=topic, partition=partition, position=position, end=position, items=items)


def instruction_batch(*instructions, position=1):
    shard = instructions[0].user_id % SHARDS
    value = instruction_pb2.InstructionBatch(
        version=1, shard=shard, count=len(instructions), instructions=instructions
    )
    return batch_of(ORDERS, shard % 8, [value], position=position)


def event_batch(*events, position=1, symbol=SYMBOL):
    value = event_pb2.EventBatch(symbol=symbol, events=events)
    return batch_of(events_topic(symbol), 0, [value], position=position)


class MemoryLog:
    """Keeps what is published; `offsets` are those of a topic's partition."""

    def __init__(self):
        self.records = defaultdict(list)

    async def publish(self, record):
        log = self.records[record.topic, record.partition]
        log.append(record)
        return len(log) - 1

    async def publish_all(self, records):
        return [await self.publish(record) for record in records]

    async def settle(self):
        pass

    def messages(self, topic, kind, field):
        found = []
        for (name, _), records in self.records.items():
            if name == topic:
                found += [one for record in records for one in getattr(kind.FromString(record.value), field)]
        return found

    @property
    def answers(self):
        return self.messages(ORDER_EVENTS, order_event_pb2.OrderEventBatch, "events")

    @property
    def journal(self):
        return self.messages(JOURNAL, journal_pb2.JournalBatch, "entries")

    def commands(self, symbol=SYMBOL):
        return self.messages(f"matching.{symbol}", command_pb2.CommandBatch, "commands")


class AllTopics:
    """Every pair is there, but those named in `missing`."""

    def __init__(self):
        self.missing = set()

    async def exists(self, topic):
        return topic not in self.missing


class AtTheEnd:
    """Nothing is to come any more in `orders`; counts who asked."""

    def __init__(self):
        self.asked = []

    async def reach(self, shard, number):
        self.asked.append((shard, number))


class NoCount:
    def sent(self, symbol, source, number):
        pass

    def answered(self, symbol, source, number):
        pass


class World:
    """One worker of shard 7 and one of each pair, on a Redis; what they tell is in `log`."""

    TAG = "t"

    def __init__(self, redis, *, tag=None):
        self.redis = redis
        self.tag = tag or f"t{next(_users)}"
        self.log = MemoryLog()
        self.topics = AllTopics()
        self.horizon = AtTheEnd()
        self.touched = set()
        self.metrics = Metrics(CollectorRegistry())
        self.replayed = asyncio.Event()
        self.replayed.set()
        self.begin(InstructionsMark(), EventsMark(seq=0))

    def begin(self, instructions=None, events=None):
        """New workers, as after a crash: all they know is what a watermark and the log of answers say."""
        mark = instructions or InstructionsMark()
        self.recorded = Recorded(answers=self._answers_behind(mark), again={}, end=None)
        self.facts = FactsCache()
        self.progress = Progress()
        common = {
            "progress": self.progress,
            "scripts": self.redis,
            "facts": self.facts,
            "metrics": self.metrics,
        }
        self.instructions = InstructionWorker(
            partition=7,
            partitions=8,
            mark=mark,
            recorded=self.recorded,
            replayed=self.replayed,
            topics=self.topics,
            sent=NoCount(),
            touch=self.touched.update,
            **common,
        )
        self.legs = LegWorker(
            symbol=SYMBOL,
            partitions=8,
            mark=events or EventsMark(seq=0),
            horizon=self.horizon,
            sent=NoCount(),
            touch=self.touched.update,
            **common,
        )

    def _answers_behind(self, mark):
        return {
            (one.user_id % SHARDS, one.incarnation, one.number): one
            for one in self.log.answers
            if (one.incarnation, one.number) > mark.numbers.get(one.user_id % SHARDS, (0, 0))
        }

    async def order(self, *instructions, position=1):
        outputs = await self.instructions.take(instruction_batch(*instructions, position=position))
        await self.deliver(outputs)

    async def event(self, *events, position=1):
        await self.deliver(await self.legs.take(event_batch(*events, position=position)))

    async def deliver(self, outputs):
        delivery = Delivery(scripts=self.redis, publishing=self.log, tags=(self.tag,))
        await delivery.put(outputs)
        running = asyncio.create_task(delivery.run())
        waiting = asyncio.create_task(delivery.settled())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            waiting.cancel()
            await running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def marks(self):
        found = await self.redis.command("HGETALL", keys.mark(self.tag))
        return Marks([{name.decode(): value.decode() for name, value in found.items()}])

    async def balance(self, user, asset):
        """Available and held."""
        found = [await self.redis.command("GET", key(user, asset)) for key in (keys.available, keys.held)]
        return tuple(int(value or 0) for value in found)

    async def holds(self, user):
        """What each order of the user has left."""
        found = await self.redis.command("HGETALL", keys.holds(user))
        return {int(name): parse_hold(value.decode())[0] for name, value in found.items()}

    async def undrained(self, user):
        return await self.redis.command("HGETALL", keys.journal(user))
