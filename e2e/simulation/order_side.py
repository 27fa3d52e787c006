"""The order service in a simulation: its own parts over fakes, wired as its `service` does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from outcry.v1.risk_api_pb2 import RiskCheck
from outcry_services.common.errors import ServiceError
from outcry_services.common.kafka import DeadLetters, RawRecord
from outcry_services.common.order_log import ORDER_EVENTS, events_topic, read_answers, read_events
from outcry_services.order.committer import Committer
from outcry_services.order.dispatch import Dispatcher
from outcry_services.order.entries import Repeated
from outcry_services.order.following import AnswerFollower, EventFollower
from outcry_services.order.intake import order_check
from outcry_services.order.metrics import CommitMetrics, DispatchMetrics, FollowMetrics
from outcry_services.order.model import MoneyKind, MoneyRequest, OrderDraft
from outcry_services.order.payout_desk import PayoutDesk
from outcry_services.order.reading import Follower, Reading
from outcry_services.order.risk_client import RiskClient
from outcry_services.order.routing import Server, Shards
from outcry_services.order.schema import statements
from outcry_services.order.shard_map import ShardMap
from outcry_services.order.shard_store import ShardStore
from outcry_services.order.upkeep import Upkeep
from outcry_services.order.withdrawal_rpc import WithdrawalDesk
from outcry_services.order.withdrawals import WithdrawalSwitch
from prometheus_client import CollectorRegistry

from e2e.simulation.consul import FakeConsul
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.market import PARTITIONS, SHARDS
from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.processes import current_process
from e2e.simulation.risk_channel import RiskChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.order.entries import Body, Entry, Outcome
    from outcry_services.order.model import MoneyRow, OrderRow
    from outcry_services.order.ports import OutboxView

    from e2e.simulation.mysql_server import FakeMySqlServer
    from e2e.simulation.world import World

__all__ = ["live_as_order", "make_shards"]

HERE = {0, *SHARDS}
"""Shard 0 keeps where everybody reads on."""
STORE_SECONDS = 1.0
_MAP = ShardMap(
    version=1,
    servers={"a": "mysql://fake:3306"},
    owners=tuple("a" if shard in HERE else "elsewhere" for shard in range(1024)),
)


class VirtualClock:
    """The loop's."""

    def now(self) -> int:
        """Unix nanoseconds."""
        return int(asyncio.get_running_loop().time() * 1e9)


def make_shards(server: FakeMySqlServer) -> None:
    """As the migration job does."""
    for shard in sorted(HERE):
        for statement in statements(shard, incarnation=1):
            server.execute(statement)


class _Replica:
    """One process: what its `OrderService` holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._registry = CollectorRegistry()
        self._clock = VirtualClock()
        self._publisher = FakePublisher(world.kafka, world.chance)
        self._follow_metrics = FollowMetrics(self._registry)
        self._dispatch_metrics = DispatchMetrics(self._registry)
        self._risk = RiskClient(RiskChannel(world), clock=self._clock)  # type: ignore[arg-type]
        self._switch = WithdrawalSwitch(FakeConsul(world.consul, world.chance), clock=self._clock)  # type: ignore[arg-type]
        self._store: Any = ShardStore(FakeMySql(world.mysql, world.chance), clock=self._clock)  # type: ignore[arg-type]
        self.dispatcher = Dispatcher(
            self._publisher,
            partitions=PARTITIONS,
            outbox=self._outbox,
            metrics=self._dispatch_metrics,
        )
        self.committer = Committer(
            self._store,
            metrics=CommitMetrics(self._registry),
            committed=self.dispatcher.committed,
            unknown=self.dispatcher.sweep,
        )
        self.shards = Shards(open_server=self._open)

    async def _outbox(self, shard: int, after: int, most: int) -> OutboxView:
        found: OutboxView = await self._store.outbox(shard, after=after, most=most)
        return found

    async def _open(self, name: str, url: str) -> Server:
        async def close() -> None:
            await self.committer.drain()

        return Server(self._store, self.committer, close)

    def reading(
        self, follower: Follower, decode: Callable[[RawRecord], Any], places: set[tuple[str, int]]
    ) -> Reading:
        """The loop of one follower."""
        letters = DeadLetters(self._publisher, replica="order", registry=CollectorRegistry())  # type: ignore[arg-type]
        feed = FakeReader(self._world.kafka, self._world.chance, decode=decode, dead_letters=letters)

        async def topics() -> set[tuple[str, int]]:
            return places

        async def changed() -> None:
            await asyncio.Event().wait()

        return Reading(
            follower=follower,
            feed=feed,
            shards=self.shards,
            topics=topics,
            changed=changed,
            clock=self._clock,
            metrics=self._follow_metrics,
            keep_seconds=0.2,
        )

    async def commit(self, entry: Entry) -> Outcome:
        """As intake and treasury: what is there already under its name is not refused any more."""
        try:
            await self._admit(entry.body)
        except ServiceError:
            row = await self._find(entry.body)
            if row is None:
                raise
            return Repeated(row)
        return await self.shards.commit(entry)

    async def _admit(self, body: Body) -> None:
        if isinstance(body, MoneyRequest) and body.kind is MoneyKind.WITHDRAWAL:
            await self._switch.require_running()
            check = RiskCheck(user_id=body.user_id)
            check.withdrawal.asset, check.withdrawal.amount = body.asset, body.amount
        elif isinstance(body, OrderDraft):
            check = order_check(body.user_id, body.terms, self._world.pairs[body.market.symbol], reference=0)
        else:
            return
        if self._world.asks_risk:
            await self._risk.require(check)

    def _payout_desk(self) -> WithdrawalDesk:
        book = SimpleNamespace(pairs=lambda: self._world.pairs)
        desk: Any = PayoutDesk(SimpleNamespace(shards=self.shards, pairs=book))  # type: ignore[arg-type]
        nobody: Any = None
        return WithdrawalDesk(desk=desk, treasury=nobody)

    async def _find(self, body: Body) -> OrderRow | MoneyRow | None:
        row: OrderRow | MoneyRow | None = None
        if isinstance(body, OrderDraft):
            row = await self._store.order_by_client_id(body.user_id, body.client_order_id)
        elif isinstance(body, MoneyRequest):
            row = await self._store.money(body.user_id, body.kind, body.reference)
        return row

    async def live(self) -> None:
        """Until killed."""
        world = self._world
        await self.shards.use(_MAP)
        upkeep = Upkeep(
            self.shards,
            dispatcher=self.dispatcher,
            metrics=self._dispatch_metrics,
            every_seconds=STORE_SECONDS,
        )
        await upkeep.sweep()
        answers = {(ORDER_EVENTS, number) for number in range(PARTITIONS)}
        events = {(events_topic(symbol), 0) for symbol in world.symbols}
        followers = (
            self.reading(AnswerFollower(self.shards, metrics=self._follow_metrics), read_answers, answers),
            self.reading(EventFollower(self.shards, metrics=self._follow_metrics), read_events, events),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self.committer.run())
            group.create_task(self.dispatcher.run())
            group.create_task(upkeep.run())
            for reading in followers:
                group.create_task(reading.run())
            world.open_desk(current_process(), self.commit)
            world.open_payout_desk(current_process(), self._payout_desk())


async def live_as_order(world: World) -> None:
    """One replica's life."""
    await _Replica(world).live()
