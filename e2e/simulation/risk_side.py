"""Risk in a simulation: its view, desk and administrators' side over fakes, wired as its `service` does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.common.kafka import DeadLetters
from outcry_services.risk.admin import Admin
from outcry_services.risk.desk import Desk
from outcry_services.risk.follower import Follower
from outcry_services.risk.keeper import Keeper, decode_piece
from outcry_services.risk.metrics import RiskMetrics
from outcry_services.risk.records import decode
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.rpc import RiskRpc
from outcry_services.risk.view import RiskView
from prometheus_client import CollectorRegistry

from e2e.simulation.kafka_ends import FakeLogEnds
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.processes import current_process
from e2e.simulation.risk_rules import (
    CHECKPOINT_SECONDS,
    RESERVATION_SECONDS,
    SETTLE_SECONDS,
    STALE_SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry.v1.risk_api_pb2 import CheckRequest, CheckResponse
    from outcry_services.common.pairs import Pair

    from e2e.simulation.world import World

__all__ = ["Risk", "live_as_risk"]


class _Pairs:
    """All pairs, for ever."""

    version = 1

    def __init__(self, world: World) -> None:
        self._world = world

    def pairs(self) -> Mapping[str, Pair]:
        return self._world.pairs

    def get(self, symbol: str, *, field: str = "symbol") -> Pair:
        return self._world.pairs[symbol]

    async def changed(self, since: int) -> int:
        await asyncio.Event().wait()
        return since


@dataclass(frozen=True, kw_only=True)
class Risk:
    """One life of the service: what others reach of it, and what its judge looks at."""

    view: RiskView
    follower: Follower
    admin: Admin
    reader: FakeReader[Any]
    rpc: RiskRpc
    begun: float

    async def check(self, request: CheckRequest) -> CheckResponse:
        """As order asks, through gRPC's side of it."""
        return await self.rpc.Check(request, None)


async def live_as_risk(world: World) -> None:
    """One replica's life."""
    loop, chance = asyncio.get_running_loop(), world.chance
    publisher = FakePublisher(world.kafka, chance)
    letters = DeadLetters(publisher, replica="risk", registry=CollectorRegistry())  # type: ignore[arg-type]
    reader = FakeReader(world.kafka, chance, decode=decode, dead_letters=letters)
    ends, pairs = FakeLogEnds(world.kafka, chance), _Pairs(world)
    view = RiskView(Reservations(clock=loop.time, seconds=RESERVATION_SECONDS))
    follower = Follower(
        view,
        reader=reader,
        logs=ends,
        pairs=pairs,
        clock=loop.time,
        stale_seconds=STALE_SECONDS,
        settle_seconds=SETTLE_SECONDS,
    )
    keeper = Keeper(view, writer=publisher, now=_nanos, every_seconds=CHECKPOINT_SECONDS)
    metrics = RiskMetrics(CollectorRegistry(), view=view, follower=follower, keeper=keeper)
    desk = Desk(view, behind=follower.behind, reference=lambda _: 0)
    admin = Admin(view, follower=follower, writer=publisher, pairs=pairs, now=_nanos)
    world.open_risk(
        current_process(),
        Risk(
            view=view,
            follower=follower,
            admin=admin,
            reader=reader,
            rpc=RiskRpc(desk, metrics=metrics),
            begun=loop.time(),
        ),
    )

    async def follow() -> None:
        pieces = FakeReader(world.kafka, chance, decode=decode_piece, dead_letters=letters)
        positions = await keeper.find(pieces, ends)
        group.create_task(keeper.run(follower))
        await follower.run(positions)

    async with asyncio.TaskGroup() as group:
        group.create_task(follow())
        group.create_task(follower.watch_ends())
        group.create_task(admin.tidy())


def _nanos() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)
