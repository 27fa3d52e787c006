"""One seed's story: people act while things die; then all is calm, they leave, and the judge looks."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from outcry_services.common import trace
from outcry_services.common.errors import ServiceError

from e2e.simulation.breaking import Vandal
from e2e.simulation.chance import Chance
from e2e.simulation.engine import Engine, settings_record
from e2e.simulation.errors import SimulationError
from e2e.simulation.judge import differences
from e2e.simulation.loop import BEGIN, SimulatedLoop
from e2e.simulation.market import PARTITIONS, make_pair
from e2e.simulation.mysql_server import FakeMySqlServer
from e2e.simulation.order_side import live_as_order, make_shards
from e2e.simulation.people import People
from e2e.simulation.position_side import live_as_position
from e2e.simulation.reconciler_side import LOGGED, live_as_reconciler, make_records
from e2e.simulation.risk_side import live_as_risk
from e2e.simulation.saga.side import Surroundings, live_as_saga, make_wallet
from e2e.simulation.settlement_side import live_as_settlement, make_ledger
from e2e.simulation.wallet_side import live_as_wallet
from e2e.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry_services.common.pairs import Pair

__all__ = ["ACTIONS", "DEATHS", "TRADES", "Outcome", "Stage"]

ROUGH_SECONDS = 8.0
"""Virtual; how long things go wrong, at the least until people have done what they do."""
ACTIONS, DEATHS = 12, 4
"""Of a short story: what people do in it, and who dies at the most."""
TRADES = 0
"""What somebody does whose money was broken, before it is put right."""
SETTLED_SECONDS = 120.0
"""Virtual; how long it may take until all is as it must be, once nothing goes wrong any more."""
LOOK_SECONDS = 3.0
RISKED = 0.5
"""Of the stories: orders are asked for at risk."""
PAID_BY_SAGA = 0.4
"""Of the stories: the wallet's own saga pays withdrawals, and no wallet that knows the books alone."""
RECONCILED = 0.4
"""Of the stories: it looks at everything all the time, and costs as much as all the others."""
BROKEN = 0.7
"""Of those: somebody breaks something by hand."""
MOST_WITHDRAWALS, WITHDRAWING_SECONDS = 8, 4.0
"""Beside all else, where the saga pays them."""
MOST_BROKEN = 3
BREAKING_SECONDS = 5.0
_SYMBOLS = (("BTC-USDT",), ("BTC-USDT", "ETH-USDT"), ("BTC-USDT", "ETH-BTC", "ETH-USDT"))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a seed came to: no faults, or the words for a person who looks into it."""

    seed: int
    faults: list[str]
    trace: list[str]
    steps: int
    seconds: float
    """Virtual."""
    lives: dict[str, int]


class Stage:
    """Where stories are played, one after the other: its databases are made once."""

    def __init__(self) -> None:
        _bury_in_silence()
        self._mysql = FakeMySqlServer(logged=LOGGED)
        make_shards(self._mysql)
        make_ledger(self._mysql)
        make_records(self._mysql)
        make_wallet(self._mysql)
        self._image = self._mysql.image()

    def play(
        self,
        seed: int,
        *,
        actions: int = ACTIONS,
        deaths: int = DEATHS,
        trades: int = TRADES,
        traced: bool = False,
    ) -> Outcome:
        """The whole story of a seed."""
        # Traces are of chance, and not of the seed's.
        with _unlogged(), patch.object(trace, "traceparent", lambda: ""):
            return self._play(seed, actions=actions, deaths=deaths, trades=trades, traced=traced)

    def _play(self, seed: int, *, actions: int, deaths: int, trades: int, traced: bool) -> Outcome:
        self._mysql.restore(self._image)
        world = World(seed, mysql=self._mysql, traced=traced)
        loop = SimulatedLoop(world.chance, before_step=world.before_step, most_steps=400_000)
        faults: list[str] = []
        try:
            faults += loop.run_until_complete(_story(world, actions=actions, deaths=deaths, trades=trades))
        except (SimulationError, ServiceError) as error:
            faults.append(f"{type(error).__name__}: {error}")
        finally:
            steps, seconds = loop.steps, loop.time() - BEGIN
            loop.close()
        return Outcome(
            seed=seed,
            faults=[*world.faults, *faults, *loop.complaints],
            trace=world.trace,
            steps=steps,
            seconds=seconds,
            lives=world.lives,
        )


@contextmanager
def _unlogged() -> Iterator[None]:
    """Services log every fault that they meet, and here they meet nothing else."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(disabled)


def _bury_in_silence() -> None:
    """What was killed complains when it is thrown away: nothing of it may run any more."""
    before = sys.unraisablehook

    def told(unraisable: Any) -> None:  # noqa: ANN401
        if not isinstance(unraisable.exc_value, RuntimeError):
            before(unraisable)

    sys.unraisablehook = told


async def _story(world: World, *, actions: int, deaths: int, trades: int) -> list[str]:
    symbols = _SYMBOLS[world.story.below(len(_SYMBOLS))]
    pairs = [make_pair(symbol, world.story) for symbol in symbols]
    _make_topics(world, pairs)
    people = People(world, pairs)
    world.keep_alive("order-0", live_as_order)
    if world.story.happens(0.3):
        world.keep_alive("order-1", live_as_order)
    world.keep_alive("position", live_as_position)
    world.keep_alive("settlement", live_as_settlement)
    _begin_wallet(world)
    if world.story.happens(RECONCILED):
        world.keep_alive("reconciler", live_as_reconciler)
        # What is broken by hand pauses withdrawals until a person clears that.
        world.breakable = world.story.happens(BROKEN) and world.saga is None
    for symbol in symbols:
        world.keep_alive(f"engine {symbol}", partial(_engine, symbol=symbol))
    if world.story.happens(RISKED):
        world.asks_risk = True
        world.keep_alive("risk", live_as_risk)
        await people.limit()
        asyncio.get_running_loop().create_task(people.administer(within=ROUGH_SECONDS))
    world.strike(world.story.between(0, deaths), within=ROUGH_SECONDS)
    await people.deposit_all()
    if world.saga is None:
        await people.act(actions)
    else:
        times = world.story.between(1, MOST_WITHDRAWALS)
        await asyncio.gather(people.act(actions), people.withdraw(times, within=WITHDRAWING_SECONDS))
    if world.breakable:
        times = world.story.between(1, MOST_BROKEN)
        await Vandal(world, people).act(times, within=BREAKING_SECONDS, trades=trades)
    if world.story.happens(0.5):
        await people.leave()
    await asyncio.sleep(max(0.0, BEGIN + ROUGH_SECONDS - asyncio.get_running_loop().time()))
    world.calm()
    world.note("from here on all is calm")
    if people.left or world.story.happens(0.8):
        await people.leave()
    return await _settled(world, people)


def _begin_wallet(world: World) -> None:
    # Of a chance of its own: the rest of a story is the same with either.
    if not Chance(f"{world.seed} wallet").happens(PAID_BY_SAGA):
        world.keep_alive("wallet", live_as_wallet)
        return
    world.saga = around = Surroundings(world)
    loop = asyncio.get_running_loop()
    world.going_on = [loop.create_task(around.go_on()), loop.create_task(around.operate())]
    world.keep_alive("wallet", live_as_saga)


def _make_topics(world: World, pairs: list[Pair]) -> None:
    world.pairs = {pair.symbol: pair for pair in pairs}
    for topic in ("orders", "order-events", "journal"):
        world.kafka.create_topic(topic, partitions=PARTITIONS)
    for topic in ("dead-letter", "risk-settings", "risk-view"):
        world.kafka.create_topic(topic)
    for pair in pairs:
        world.kafka.create_topic(f"matching.{pair.symbol}")
        world.kafka.create_topic(f"events.{pair.symbol}")
        world.kafka.append([settings_record(pair, number=1)])


async def _engine(world: World, symbol: str) -> None:
    await Engine(world.kafka, world.chance, symbol=symbol).run()


async def _settled(world: World, people: People) -> list[str]:
    """The differences that don't go away."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SETTLED_SECONDS
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = differences(world, people.told, left=people.left)
        if not found or loop.time() > end:
            return found
