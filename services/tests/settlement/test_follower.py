"""The follower reads all logs at once, each as fast as the others let it, and never loses its place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
from outcry.v1.event_pb2 import Event
from outcry_services.common.kafka import PositionLostError, Record
from outcry_services.common.order_log import read_answers, read_events, read_instructions
from outcry_services.common.pairs import AllowedLag
from outcry_services.settlement.follower import GATHER_SECONDS, Follower
from outcry_services.settlement.lag import LagMeter
from outcry_services.settlement.metrics import SettlementMetrics
from prometheus_client import CollectorRegistry

from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_reader import FakeReader
from services.tests.settlement.exchange import BUY, SELL, Exchange
from services.tests.settlement.ledgers import fake_ledger

SYMBOL = "AAA-USD"


class ClosableReader(FakeReader):
    """Reads nothing of the partitions that are `closed`: they are slow, and others are not."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.closed = set()

    def _has_more(self, place):
        return super()._has_more(place) and place not in self.closed

    def open(self):
        """All of them, and what they hold already is news."""
        self.closed = set()
        for waiting in [future for futures in self._kafka._waiting.values() for future in futures]:
            if not waiting.done():
                waiting.set_result(None)


class World:
    """A follower of an exchange's logs, which the test writes when it wants."""

    def __init__(self, ledger, exchange, *, most_pending, partitions):
        self.ledger, self.exchange, self.partitions = ledger, exchange, partitions
        self.kafka = FakeKafka()
        for topic in ("orders", "order-events"):
            self.kafka.create_topic(topic, partitions=partitions)
        for symbol in exchange.symbols:
            self.kafka.create_topic(f"events.{symbol}")
        self.symbols = set(exchange.symbols)
        self.instructions, self.answers, self.events = (
            ClosableReader(self.kafka, decode=decode, dead_letters=None, most_records=7)
            for decode in (read_instructions, read_answers, read_events)
        )
        self.registry = CollectorRegistry()
        self.pauses = []
        self.follower = Follower(
            store=ledger.store,
            logs=self,
            symbols=lambda: set(self.symbols),
            partitions=partitions,
            metrics=SettlementMetrics(self.registry),
            pause=self._pause,
            most_pending=most_pending,
            most_steps=13,
        )
        self.written = {}

    async def _pause(self, seconds):
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def metric(self, metric, /, **labels):
        return self.registry.get_sample_value(f"outcry_settlement_{metric}", labels)

    def write(self):
        """What the exchange has made since, at one moment: no log is ahead of what caused its records."""
        records = []
        for place, messages in self.exchange.records(partitions=self.partitions, most=1).items():
            records.extend(
                Record(topic=place[0], partition=place[1], value=message.SerializeToString())
                for message in messages[self.written.get(place, 0) :]
            )
            self.written[place] = len(messages)
        self.kafka.append(records)

    def places(self, topic):
        return {
            place for place in self.exchange.records(partitions=self.partitions) if place[0].startswith(topic)
        }

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not await condition():
                await self.rest()

    async def until_even(self):
        """All logs are applied to their ends, and the ledger has what the exchange has."""

        async def even():
            intake = self.follower.intake
            if intake is None or not set(self.written) <= set(intake.places()):
                return False
            return all(intake.position(place) == self.kafka.partition(*place).end for place in self.written)

        await self.until(even)
        await self.until(self._agrees)

    async def _agrees(self):
        return await self.ledger.balances() == self.exchange.balances()

    async def rest(self):
        """Let everybody do what they can."""
        for _ in range(500):
            await asyncio.sleep(0)


@asynccontextmanager
async def world_of(exchange, *, most_pending=20_000, partitions=8):
    async with fake_ledger() as ledger:
        world = World(ledger, exchange, most_pending=most_pending, partitions=partitions)
        task = asyncio.create_task(world.follower.run())
        world.task = task
        try:
            yield world
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, PositionLostError):
                await task


def small_exchange():
    """A buyer and a seller with funds, in shards of different partitions."""
    exchange = Exchange(0, symbols=(SYMBOL,), users=2)
    buyer, seller = exchange.users
    exchange.deposit(buyer, "USD", 1_000_000)
    exchange.deposit(seller, "AAA", 50_000)
    return exchange, buyer, seller


@pytest.mark.parametrize(("most_pending", "partitions"), [(20_000, 8), (10, 8), (10, 3), (20_000, 1)])
async def test_everything_is_followed_to_its_end_however_little_memory_there_is(most_pending, partitions):
    exchange = Exchange(11)
    exchange.trade(300)
    async with world_of(exchange, most_pending=most_pending, partitions=partitions) as world:
        world.write()
        await world.until_even()
        exchange.trade(100)
        world.write()
        await world.until_even()
        assert world.metric("failures_total", name="SUPERSEDED") is None
        assert world.metric("standing_still") == 0


@pytest.mark.parametrize("slow", ["orders", "order-events", "events."])
async def test_a_log_that_is_read_last_is_waited_for_and_the_others_are_read_again(slow):
    """They bring more than memory holds."""
    exchange = Exchange(12)
    exchange.trade(200)
    async with world_of(exchange, most_pending=10) as world:
        readers = (world.instructions, world.answers, world.events)
        for reader in readers:
            reader.closed = world.places(slow)
        world.write()
        await world.rest()
        for reader in readers:
            reader.open()
        await world.until_even()
        assert world.metric("covers_total") == 0
        assert world.metric("unheld_legs_total") == 0


async def test_a_pair_that_waits_does_not_hold_up_another():
    exchange = Exchange(0, users=4)
    buyer, seller, other, another = exchange.users
    exchange.deposit(buyer, "USD", 1_000_000)
    exchange.deposit(seller, "AAA", 50_000)
    exchange.deposit(other, "USD", 1_000_000)
    exchange.deposit(another, "BBB", 50_000)
    exchange.order(buyer, "AAA-USD", BUY, price=100, lots=10)
    exchange.order(seller, "AAA-USD", SELL, price=100, lots=10)
    exchange.order(other, "BBB-USD", BUY, price=100, lots=10)
    exchange.order(another, "BBB-USD", SELL, price=100, lots=3)
    async with world_of(exchange) as world:
        world.answers.closed = {("order-events", buyer % 8)}
        world.write()

        async def traded():
            return (await world.ledger.balances()).get((other, "BBB")) == exchange.balances()[other, "BBB"]

        await world.until(traded)
        (waiting,) = world.follower.intake.waiting()
        assert (waiting.symbol, waiting.shard) == ("AAA-USD", buyer % 1024)
        world.answers.open()
        await world.until_even()


async def test_proceeds_may_be_spent_before_the_ledger_sees_the_trade_that_brought_them():
    exchange, buyer, seller = small_exchange()
    exchange.order(buyer, SYMBOL, BUY, price=100, lots=10)
    exchange.order(seller, SYMBOL, SELL, price=100, lots=10)
    exchange.order(seller, SYMBOL, BUY, price=50, lots=15)
    async with world_of(exchange) as world:
        world.events.closed = world.places("events.")
        world.write()

        async def short():
            return world.follower.intake is not None and seller % 1024 in world.follower.intake.short()

        await world.until(short)
        await world.rest()
        assert (await world.ledger.balances())[seller, "AAA"] == (40_000, 10_000)
        world.events.open()
        await world.until_even()
        assert world.metric("covers_total") == 0


async def test_a_pair_that_appears_later_is_followed_from_its_beginning():
    exchange = Exchange(13)
    exchange.trade(150)
    async with world_of(exchange) as world:
        world.symbols = {"AAA-USD"}
        world.write()
        await world.rest()
        world.symbols = set(exchange.symbols)
        world.follower.pairs_changed()

        async def followed():
            return ("events.BBB-USD", 0) in world.follower.intake.places()

        await world.until(followed)
        await world.until_even()


async def test_an_order_that_looks_like_ours_and_has_no_answer_holds_nothing_up():
    """Position writes the answer before the command: an event without one is of nobody's order."""
    exchange, buyer, _ = small_exchange()
    ghost = Event(seq=exchange.events[SYMBOL][-1].seq + 1)
    ghost.order_cancelled.order_id, ghost.order_cancelled.user_id = 900 << 10 | buyer, buyer
    exchange.events[SYMBOL].append(ghost)
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        assert world.metric("unheld_legs_total") == 1


async def test_funds_that_no_event_brings_are_paid_by_the_house_and_counted():
    """As when somebody raised a balance in Redis by hand, and it was spent."""
    exchange, buyer, _ = small_exchange()
    exchange.available[buyer, "USD"] += 500
    exchange.order(buyer, SYMBOL, BUY, price=100, lots=1429)
    async with world_of(exchange) as world:
        world.write()

        async def covered():
            return world.metric("covers_total") == 1

        await world.until(covered)
        assert await world.ledger.house("house") == {("", "USD"): 1_000_000 - 1429 * 700}
        assert (await world.ledger.balances())[buyer, "USD"] == (0, 1429 * 700)


async def test_funds_that_somebody_puts_right_are_found_without_any_event(monkeypatch):
    """A row was lowered by hand: the order can't be held, and its trade waits for that."""
    monkeypatch.setattr("outcry_services.settlement.follower.LOOK_AGAIN_SECONDS", 0.01)
    exchange, buyer, seller = small_exchange()
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        row = "UPDATE ledger.balances SET available = %s WHERE user_id = %s AND asset = 'USD'"
        await world.ledger.change(row, [5, buyer])
        exchange.order(buyer, SYMBOL, BUY, price=100, lots=10)
        exchange.order(seller, SYMBOL, SELL, price=100, lots=10)
        world.write()

        async def short():
            return buyer % 1024 in world.follower.intake.short() and world.follower.intake.waiting()

        await world.until(short)
        await world.rest()
        await world.ledger.change(row, [1_000_000, buyer])
        await world.until_even()
        assert world.metric("covers_total") == 0


async def test_the_house_pays_nothing_for_a_row_that_was_lowered_by_hand(monkeypatch):
    """All logs are at their end, so no event brings what is missing: the entries say that nothing is."""
    monkeypatch.setattr("outcry_services.settlement.follower.LOOK_AGAIN_SECONDS", 0.01)
    exchange, buyer, _ = small_exchange()
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        row = "UPDATE ledger.balances SET available = %s WHERE user_id = %s AND asset = 'USD'"
        await world.ledger.change(row, [-5, buyer])
        exchange.order(buyer, SYMBOL, BUY, price=100, lots=10)
        world.write()
        looks = 0

        async def given_up_and_looked_at_again():
            nonlocal looks
            looks += 1
            lane = world.follower.intake._shards[buyer % 1024]
            return lane.short and lane.may_cover == lane.short and looks > 50

        await world.until(given_up_and_looked_at_again)
        assert (await world.ledger.balances())[buyer, "USD"] == (-5, 0)
        await world.ledger.change(row, [1_000_000, buyer])
        await world.until_even()
        assert world.metric("covers_total") == 0
        assert await world.ledger.house("house") == {}


async def test_a_shared_log_that_lost_what_comes_next_ends_the_process():
    exchange = Exchange(14)
    exchange.trade(60)
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        place = ("order-events", 1)
        world.answers.closed = {place}
        exchange.trade(60)
        world.write()
        world.kafka.delete_before(*place, world.kafka.partition(*place).end - 1)
        world.answers.open()
        with pytest.raises(PositionLostError, match=r"order-events/1 has no record"):
            await asyncio.wait_for(world.task, 30)


async def test_a_pair_whose_log_lost_what_comes_next_stops_alone():
    exchange = Exchange(0, symbols=("AAA-USD", "BBB-USD"), users=2)
    buyer, seller = exchange.users
    for user, asset in ((buyer, "USD"), (seller, "AAA"), (seller, "BBB")):
        exchange.deposit(user, asset, 1_000_000)
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        lost = ("events.AAA-USD", 0)
        world.events.closed = {lost}
        for price in (100, 101):
            exchange.order(seller, "AAA-USD", SELL, price=price, lots=1)
        world.write()
        world.kafka.delete_before(*lost, world.kafka.partition(*lost).end - 1)
        world.events.open()

        async def said():
            return world.follower.gaps() == ["AAA-USD lost what comes next"]

        await world.until(said)
        exchange.order(seller, "BBB-USD", SELL, price=50, lots=1)
        exchange.order(buyer, "BBB-USD", BUY, price=50, lots=1)
        world.write()
        await world.until(world._agrees)
        assert exchange.balances()[buyer, "BBB"][0] > 0
        assert world.follower.problem() is None


async def test_an_amount_that_leaves_its_range_stops_the_books_and_is_said():
    exchange, buyer, _ = small_exchange()
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        before = exchange.balances()
        exchange.deposit(buyer, "USD", 2**63 - 1)
        world.write()

        async def said():
            return world.metric("failures_total", name="AMOUNT_OVERFLOW") is not None

        await world.until(said)
        assert world.metric("standing_still") == 1
        assert await world.ledger.balances() == before


async def test_a_contradiction_stops_the_books_and_is_said():
    exchange, _, seller = small_exchange()
    async with world_of(exchange) as world:
        world.write()
        await world.until_even()
        exchange.order(seller, SYMBOL, SELL, price=100, lots=10)
        exchange.answers[-1].funds_held.amount += 1
        world.write()

        async def said():
            return world.follower.problem() is not None

        await world.until(said)
        assert "10000 AAA were asked for, 10001 AAA answered" in world.follower.problem()
        assert world.metric("failures_total", name="CONTRADICTION") >= 1
        assert next(pause for pause in world.pauses if pause != GATHER_SECONDS) == 1.0


class Catalog:
    """Pairs as Consul lists them, with what their stages may be behind."""

    def pairs(self):
        allowed = AllowedLag(records=100, millis=1000)
        return {symbol: SimpleNamespace(symbol=symbol, allowed_lag=allowed) for symbol in ("AAA-USD",)}


async def test_each_pair_tells_how_far_it_is_behind_and_all_of_them_what_they_share():
    exchange, buyer, seller = small_exchange()
    exchange.order(buyer, SYMBOL, BUY, price=100, lots=10)
    exchange.order(seller, SYMBOL, SELL, price=100, lots=4)
    now = 0
    async with world_of(exchange) as world:
        meter = LagMeter(
            world.follower, catalog=Catalog(), metrics=world.follower._metrics, clock=lambda: now
        )
        assert meter.measure() == []
        world.answers.closed = world.places("order-events")
        world.write()

        async def waiting():
            return bool(world.follower.intake and world.follower.intake.waiting())

        await world.until(waiting)
        written = world.kafka.partition(f"events.{SYMBOL}", 0).records[0].timestamp_ms
        now = written + 250
        shared, pair = meter.measure()
        # What comes before the trade (settings, acceptances) touches no hold and is applied.
        assert (pair.symbol, pair.records, pair.allowed_records) == (
            SYMBOL,
            len(exchange.events[SYMBOL]) - 4,
            100,
        )
        assert (pair.millis, pair.percent) == (250, 25)
        assert (shared.symbol, shared.records, shared.millis) == ("", 4, 250)
        assert world.metric("lag_records", topic=f"events.{SYMBOL}", partition="0") == pair.records
        world.answers.open()
        await world.until_even()
        assert [(lag.records, lag.millis) for lag in meter.measure()] == [(0, 0), (0, 0)]
