"""Position in a simulation: its flow over fakes, wired as its `service` does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from outcry_services.common.kafka import DeadLetters, RawRecord
from outcry_services.common.order_log import read_answers, read_events, read_instructions
from outcry_services.position.flow import Flow
from outcry_services.position.ledger_store import LedgerStore
from outcry_services.position.metrics import Metrics
from outcry_services.position.proof import Proof
from outcry_services.position.rebuild import Rebuild
from outcry_services.position.run import Means
from prometheus_client import CollectorRegistry

from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.market import PARTITIONS
from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.redis_server import FakeRedis

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.simulation.world import World

__all__ = ["live_as_position"]


class _Surroundings:
    """What position asks of the world, all in one."""

    def __init__(self, world: World, publisher: FakePublisher) -> None:
        self._world = world
        self._publisher = publisher

    def instructions(self) -> FakeReader[Any]:
        return self._reader(read_instructions)

    def answers(self) -> FakeReader[Any]:
        return self._reader(read_answers)

    def events(self) -> FakeReader[Any]:
        return self._reader(read_events)

    async def exists(self, topic: str) -> bool:
        return topic in self._world.kafka.topics()

    def symbols(self) -> frozenset[str]:
        return frozenset(self._world.symbols)

    async def changed(self, known: frozenset[str]) -> frozenset[str]:
        await asyncio.Event().wait()
        return known

    def sent(self, symbol: str, source: int, number: int) -> None:
        """Nobody asks how far an engine is behind."""

    def answered(self, symbol: str, source: int, number: int) -> None:
        """Nor here."""

    def _reader(self, decode: Callable[[RawRecord], Any]) -> FakeReader[Any]:
        letters = DeadLetters(self._publisher, replica="position", registry=CollectorRegistry())  # type: ignore[arg-type]
        return FakeReader(self._world.kafka, self._world.chance, decode=decode, dead_letters=letters)


async def live_as_position(world: World) -> None:
    """Its life; there is one at a time."""
    publisher = FakePublisher(world.kafka, world.chance)
    around: Any = _Surroundings(world, publisher)
    store = FakeRedis(world.redis, world.chance)
    metrics = Metrics(CollectorRegistry())
    means = Means(
        store=store,
        logs=around,
        publishing=publisher,
        topics=around,
        pairs=around,
        sent=around,
        metrics=metrics,
        partitions=PARTITIONS,
    )
    ledger = LedgerStore(FakeMySql(world.mysql, world.chance))  # type: ignore[arg-type]
    rebuild = Rebuild(
        store=store,
        publishing=publisher,
        ledger=ledger,
        metrics=metrics,
        partitions=PARTITIONS,
        clock=asyncio.get_running_loop().time,
    )
    await Flow(means, rebuild=rebuild, proof=Proof(ledger)).run()
