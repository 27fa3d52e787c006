"""Settlement in a simulation: its follower over fakes, wired as its `service` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.common.kafka import DeadLetters, RawRecord
from outcry_services.common.order_log import read_answers, read_events, read_instructions
from outcry_services.settlement.follower import Follower
from outcry_services.settlement.ledger_store import LedgerStore
from outcry_services.settlement.metrics import SettlementMetrics
from outcry_services.settlement.schema import migrate
from prometheus_client import CollectorRegistry

from e2e.simulation.chance import Chance
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.loop import simulate
from e2e.simulation.market import PARTITIONS
from e2e.simulation.mysql_client import FakeMySql

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.simulation.mysql_server import FakeMySqlServer
    from e2e.simulation.world import World

__all__ = ["live_as_settlement", "make_ledger"]


def make_ledger(server: FakeMySqlServer) -> None:
    """As settlement's migration does."""
    simulate(migrate(FakeMySql(server)), Chance())  # type: ignore[arg-type]


class _Logs:
    """Its three readers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._publisher = FakePublisher(world.kafka, world.chance)
        self.instructions = self._reader(read_instructions)
        self.answers = self._reader(read_answers)
        self.events = self._reader(read_events)

    def _reader(self, decode: Callable[[RawRecord], Any]) -> FakeReader[Any]:
        letters = DeadLetters(self._publisher, replica="settlement", registry=CollectorRegistry())  # type: ignore[arg-type]
        return FakeReader(self._world.kafka, self._world.chance, decode=decode, dead_letters=letters)


async def live_as_settlement(world: World) -> None:
    """One replica's life."""
    follower = Follower(
        store=LedgerStore(FakeMySql(world.mysql, world.chance)),  # type: ignore[arg-type]
        logs=_Logs(world),
        symbols=lambda: world.symbols,
        partitions=PARTITIONS,
        metrics=SettlementMetrics(CollectorRegistry()),
    )
    await follower.run()
