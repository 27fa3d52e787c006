"""The flow without sockets, on the fakes that are held to the real servers: many seeds, everything going
wrong.
"""

from __future__ import annotations

import asyncio

import pytest
from outcry.v1.journal_pb2 import JournalBatch
from outcry_services.common.kafka import decoder
from outcry_services.common.order_log import read_answers, read_events, read_instructions
from outcry_services.common.redis_errors import RedisLostError
from outcry_services.common.redis_servers import Master
from outcry_services.position import keys

from e2e.simulation.chance import CALM, ROUGH, Chance
from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.loop import simulate
from e2e.simulation.redis_server import FakeRedis, FakeRedisServer
from services.tests.position.exchange import PARTITIONS, SYMBOL, Exchange, Marks
from services.tests.position.making import BUY, deposit, order
from services.tests.position.reference import Reference
from services.tests.position.trading import Trading, balances


class AdmittingRedis(FakeRedis):
    """As the real one with an admission: a server of another run is not spoken to before `masters`."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self._admitted = None

    async def masters(self):
        self._admitted = None
        info = await self.command("INFO", "server")
        self._admitted = info["run_id"]
        return [Master(info["run_id"], self.url, None)]

    def _reply(self, words):
        """A connection ends with its server: what is left of a pipeline never reaches the next one."""
        if self._admitted not in (None, self._server.run_id):
            return ConnectionError("another server")
        return super()._reply(words)

    async def _exchange(self, commands):
        replies = await super()._exchange(commands)
        broken = next((reply for reply in replies if isinstance(reply, ConnectionError)), None)
        return replies if broken is None else [broken] * len(replies)


class FakeBackend:
    def __init__(self, chance):
        self.chance = chance
        self.kafka = FakeKafka()
        self.redis = FakeRedisServer()
        for topic in ("orders", "order-events", "journal"):
            self.kafka.create_topic(topic, partitions=PARTITIONS)
        for topic in (f"matching.{SYMBOL}", f"events.{SYMBOL}", "dead-letter"):
            self.kafka.create_topic(topic)

    def publisher(self, name):
        return FakePublisher(self.kafka, self.chance)

    def store(self):
        return AdmittingRedis(self.redis, self.chance)

    def logs(self, letters):
        return FakeLogs(self, letters)

    def topics(self):
        return self

    async def exists(self, topic):
        return topic in self.kafka.topics()

    def reader(self, kind, letters):
        return FakeReader(self.kafka, self.chance, decode=decoder(kind), dead_letters=letters)


class FakeLogs:
    def __init__(self, backend, letters):
        self._make = lambda decode: FakeReader(
            backend.kafka, backend.chance, decode=decode, dead_letters=letters
        )

    def instructions(self):
        return self._make(read_instructions)

    def answers(self):
        return self._make(read_answers)

    def events(self):
        return self._make(read_events)


async def story(seed, chance, *, strike, ledger=False):
    """Trading while `strike` does its worst; at the end every unit is somewhere and nothing is held."""
    backend = FakeBackend(chance)
    watching = AdmittingRedis(backend.redis, Chance())
    books = Reference(backend.kafka) if ledger else None
    async with Exchange(backend, ledger=books) as exchange:
        trading = Trading(exchange, seed)
        await trading.fund()
        await strike(backend, exchange, trading)
        chance.odds = CALM
        async with exchange.position() as flow:
            await trading.end()
            await exchange.answered()
            await exchange.settled(Marks(watching))
            assert flow.problem() is None
            found = await balances(watching)
        trading.check(found)
        assert {held for _, held, _ in found.values()} == {0}
        assert exchange.engine.trades > 0
        assert books is None or books.asked > 1
        if books is None:
            assert journaled(backend.kafka) == {key: values[:2] for key, values in found.items()}


def journaled(kafka):
    """Balances by the journal: the sums of its changes, each cause counted once."""
    changes = {}
    for partition in range(PARTITIONS):
        for record in kafka.read_all("journal", partition):
            for entry in JournalBatch.FromString(record.value).entries:
                changes[entry.user_id, entry.symbol, entry.cause, entry.leg] = entry.changes
    sums = {}
    for (user, *_), several in changes.items():
        for change in several:
            available, held = sums.get((user, change.asset), (0, 0))
            sums[user, change.asset] = (available + change.available, held + change.held)
    return sums


async def deaths(backend, exchange, trading):
    for _ in range(4):
        async with exchange.position():
            await trading.trade(15)


async def promotions(backend, exchange, trading):
    async with exchange.position():
        for _ in range(4):
            await trading.trade(15)
            backend.redis.promote(lost=backend.chance.below(40))


async def losses(backend, exchange, trading):
    async with exchange.position():
        for _ in range(3):
            await trading.trade(15)
            backend.redis.lose_all()


@pytest.mark.parametrize("strike", [deaths, promotions, losses])
@pytest.mark.parametrize("seed", range(10))
def test_whatever_dies_or_forgets_every_unit_stays(seed, strike):
    chance = Chance(f"{seed} {strike.__name__}", ROUGH)
    simulate(story(seed, chance, strike=strike), chance, most_steps=3_000_000)


@pytest.mark.parametrize("strike", [promotions, losses])
@pytest.mark.parametrize("seed", range(10))
def test_with_a_ledger_each_replay_is_proved_and_each_loss_made_good(seed, strike):
    chance = Chance(f"{seed} {strike.__name__} with a ledger", ROUGH)
    simulate(story(seed, chance, strike=strike, ledger=True), chance, most_steps=3_000_000)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("51", "USDT of user 1 is (51, 0) in Redis, (50, 0) by the ledger"),
        ("1e9", "pos:{1}:USDT holds '1e9': nothing new is decided before its repair"),
    ],
)
def test_a_difference_that_a_replay_finds_lets_nothing_new_be_decided(text, problem):
    async def differs():
        backend = FakeBackend(Chance())
        redis = AdmittingRedis(backend.redis, Chance())
        async with Exchange(backend, ledger=Reference(backend.kafka)) as exchange:
            async with exchange.position():
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 50)))
                await exchange.answered()
            # The watermark is lost with the last change; the replay touches the user again.
            backend.redis.promote(lost=0)
            await redis.command("DEL", keys.mark("0"))
            await redis.command("HSET", keys.mark("0"), "born", "1")
            await redis.command("SET", keys.available(1, "USDT"), text)
            async with exchange.position() as flow:
                await exchange.say((1, lambda user, number: order(user, number, BUY, price=50)))
                with pytest.raises(AssertionError, match="no answers"):
                    await exchange.answered(seconds=5)
                assert problem in flow.problem()
                await redis.command("SET", keys.available(1, "USDT"), "50")
                await exchange.answered()

    simulate(differs(), Chance())


@pytest.mark.parametrize("strike", [deaths, promotions, losses])
def test_nothing_is_lost_in_calm_either(strike):
    chance = Chance(0, CALM)
    simulate(story(0, chance, strike=strike), chance, most_steps=3_000_000)


class ChangingPairs:
    """Pairs that come and go."""

    def __init__(self):
        self.known = frozenset()
        self._moved = asyncio.Event()

    def symbols(self):
        return self.known

    def become(self, *symbols):
        self.known = frozenset(symbols)
        self._moved.set()

    async def changed(self, known):
        while self.known == known:
            self._moved.clear()
            await self._moved.wait()
        return self.known


def test_a_pair_that_comes_is_settled_and_one_that_goes_ends_in_peace():
    async def changes():
        backend = FakeBackend(Chance())
        redis = AdmittingRedis(backend.redis, Chance())
        async with Exchange(backend) as exchange:
            exchange.pairs = ChangingPairs()
            trading = Trading(exchange, 7)
            async with exchange.position() as flow:
                await trading.fund()
                await trading.trade(30)
                await exchange.answered()
                # Nobody follows the pair's events yet, though its orders are held.
                assert (await redis.command("HGET", keys.mark("0"), f"e{SYMBOL}")) is None
                exchange.pairs.become(SYMBOL)
                await exchange.settled(Marks(redis))
                trading.check(await balances(redis))
                exchange.pairs.become()
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 1)))
                await exchange.answered()
                exchange.pairs.become(SYMBOL)
                await trading.end()
                await exchange.answered()
                await exchange.settled(Marks(redis))
                assert flow.problem() is None
                assert {held for _, held, _ in (await balances(redis)).values()} == {0}

    simulate(changes(), Chance())


class LeavingPairs(ChangingPairs):
    """The pair goes as soon as somebody has seen it."""

    def symbols(self):
        seen = self.known
        self.become()
        return seen


def test_a_replay_does_not_wait_for_a_pair_that_went_in_its_middle():
    async def leaves():
        backend = FakeBackend(Chance())
        async with Exchange(backend) as exchange:
            exchange.pairs = ChangingPairs()
            async with exchange.position():
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 500)))
                await exchange.say((1, lambda user, number: order(user, number, BUY, price=50)))
                await exchange.answered()
            exchange.pairs = LeavingPairs()
            exchange.pairs.become(SYMBOL)
            async with exchange.position() as flow:
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 1)))
                await exchange.answered()
                assert flow.problem() is None

    simulate(leaves(), Chance())


def test_a_pair_whose_log_lost_what_comes_next_stops_alone():
    async def loses():
        backend = FakeBackend(Chance())
        redis = AdmittingRedis(backend.redis, Chance())
        events = f"events.{SYMBOL}"
        async with Exchange(backend) as exchange:
            trading = Trading(exchange, 7)
            async with exchange.position():
                await trading.fund()
                await trading.trade(30)
                await exchange.answered()
                await exchange.settled(Marks(redis))
            # Where the watermark was when the log was cut behind it.
            await redis.command("HSET", keys.mark("0"), f"e{SYMBOL}", "1 1")
            backend.kafka.delete_before(events, 0, 3)
            async with exchange.position() as flow:
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 1)))
                await exchange.answered()
                assert flow.gaps() == 1
                assert flow.problem() is None

    simulate(loses(), Chance())


@pytest.mark.parametrize("running", [True, False])
def test_what_a_pair_did_before_it_went_is_settled(running):
    async def goes():
        backend = FakeBackend(Chance())
        redis = AdmittingRedis(backend.redis, Chance())
        async with Exchange(backend) as exchange:
            exchange.pairs = ChangingPairs()
            trading = Trading(exchange, 7)
            async with exchange.position():
                exchange.pairs.become(SYMBOL)
                await trading.fund()
                await trading.trade(10)
                await exchange.answered()
                await exchange.settled(Marks(redis))
                if running:
                    await trading.trade(30)
                exchange.pairs.become()
                if not running:
                    await trading.trade(30)
                await exchange.answered()
                await exchange.matched()
            # Nobody lists the pair any more; its trades are in its log.
            async with exchange.position() as flow:
                await exchange.settled(Marks(redis))
                assert flow.problem() is None
                trading.check(await balances(redis))

    simulate(goes(), Chance())


class CountingRedis(AdmittingRedis):
    """Notes at each beginning how many cancels are counted against the task that makes it."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.counted = []

    async def masters(self):
        self.counted.append(asyncio.current_task().cancelling())
        return await super().masters()


def test_no_beginning_inherits_the_cancel_that_ended_the_one_before():
    """Python 3.11.2 takes a time-out for a cancel from outside where one is counted: the flow ended so."""

    async def begins_again():
        backend = FakeBackend(Chance())
        store = CountingRedis(backend.redis, Chance())
        backend.store = lambda: store
        async with Exchange(backend) as exchange, exchange.position() as flow:
            for _ in range(3):
                await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 1)))
                await exchange.answered()
                backend.redis.promote(lost=0)
            await exchange.say((1, lambda user, number: deposit(user, number, "USDT", 1)))
            await exchange.answered()
            assert flow.problem() is None
        assert len(store.counted) > 1
        assert set(store.counted) == {0}

    simulate(begins_again(), Chance())


class StubbornRedis(AdmittingRedis):
    """Breaks at the moment at which whoever asks is cancelled."""

    asked: asyncio.Event

    async def masters(self):
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisLostError("broken") from None


def test_a_cancel_ends_the_flow_whatever_breaks_at_that_moment():
    async def is_cancelled():
        backend = FakeBackend(Chance())
        store = StubbornRedis(backend.redis, Chance())
        store.asked = asyncio.Event()
        backend.store = lambda: store
        async with Exchange(backend) as exchange, exchange.position():
            await store.asked.wait()
        # Leaving cancels the flow and waits for its end.

    simulate(is_cancelled(), Chance(), most_steps=100_000)
