"""The risk service, put together and run to its end."""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from outcry.v1.risk_api_pb2_grpc import add_RiskAdminServicer_to_server, add_RiskServicer_to_server

from outcry_services.common.consul import ConsulKv
from outcry_services.common.health import Health
from outcry_services.common.kafka import DeadLetters, LogEnds, Publisher, Reader
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.pairs import PairCatalog
from outcry_services.common.rpc_server import RpcServer
from outcry_services.risk.admin import Admin
from outcry_services.risk.desk import Desk
from outcry_services.risk.follower import Follower
from outcry_services.risk.keeper import Keeper, decode_piece
from outcry_services.risk.metrics import RiskMetrics
from outcry_services.risk.records import decode
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.review.process import Reviews
from outcry_services.risk.rpc import RiskAdminRpc, RiskRpc
from outcry_services.risk.view import RiskView

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.risk.settings import RiskSettings

__all__ = ["run"]

log = logging.getLogger(__name__)

GATHER_MS = 50
"""What was allowed and is not read yet is reserved: so much of a delay loosens nothing."""


async def run(settings: RiskSettings) -> None:
    """Serve until SIGTERM; raises what ended a background task."""
    health = Health()
    name = f"risk-{settings.replica}"
    async with AsyncExitStack() as stack:
        publisher = Publisher(bootstrap=settings.kafka, client_id=name, registry=health.registry)
        stack.push_async_callback(publisher.close)
        letters = DeadLetters(publisher, replica=settings.replica, registry=health.registry)
        reader = Reader(
            bootstrap=settings.kafka,
            client_id=name,
            decode=decode,
            dead_letters=letters,
            gather_ms=GATHER_MS,
        )
        stack.push_async_callback(reader.close)
        ends = LogEnds(bootstrap=settings.kafka, client_id=name)
        consul = ConsulKv(settings.consul)
        stack.push_async_callback(consul.close)
        catalog = PairCatalog(consul)
        view = RiskView(Reservations(clock=time.monotonic, seconds=settings.reservation_seconds))
        follower = Follower(
            view,
            reader=reader,
            logs=ends,
            pairs=catalog,
            clock=time.monotonic,
            stale_seconds=settings.stale_seconds,
            settle_seconds=settings.settle_seconds,
        )
        keeper = Keeper(view, writer=publisher, now=time.time_ns, every_seconds=settings.checkpoint_seconds)
        metrics = RiskMetrics(health.registry, view=view, follower=follower, keeper=keeper)
        desk = Desk(view, behind=follower.behind, reference=_reference_of(catalog))
        admin = Admin(view, follower=follower, writer=publisher, pairs=catalog, now=time.time_ns)
        server = RpcServer(registry=health.registry)
        add_RiskServicer_to_server(RiskRpc(desk, metrics=metrics), server.server)
        add_RiskAdminServicer_to_server(RiskAdminRpc(admin), server.server)
        health.ready_if("pairs", catalog.unread)
        health.ready_if("view", follower.problem)
        health.ready_if("publisher", publisher.problem)
        lifecycle = Lifecycle(health=health, drain_seconds=settings.drain_seconds)
        lifecycle.background("pairs", catalog.watch())
        lifecycle.background(
            "view", _follow(settings, keeper, follower, lifecycle, letters=letters, ends=ends)
        )
        lifecycle.background("ends", follower.watch_ends())
        lifecycle.background("settings", admin.tidy())
        if settings.reviews:
            reviews = Reviews(settings, view=view, follower=follower, consul=consul, registry=health.registry)
            reviews.serve(server)
            stack.push_async_callback(reviews.close)
            lifecycle.background("reviews", reviews.run())
        port = await server.start(settings.grpc_port)
        lifecycle.at_end("grpc", lambda: server.drain(seconds=settings.drain_seconds))
        http_port = await stack.enter_async_context(health.serve(settings.http_port))
        log.info("risk answers", extra={"port": port, "http_port": http_port})
        await lifecycle.run()


async def _follow(
    settings: RiskSettings,
    keeper: Keeper,
    follower: Follower,
    lifecycle: Lifecycle,
    *,
    letters: DeadLetters,
    ends: LogEnds,
) -> None:
    """Find what was kept, then follow the logs from there, keeping the view again and again."""
    reader = Reader(
        bootstrap=settings.kafka,
        client_id=f"risk-{settings.replica}-checkpoint",
        decode=decode_piece,
        dead_letters=letters,
    )
    try:
        positions = await keeper.find(reader, ends)
    finally:
        await reader.close()
    lifecycle.background("checkpoints", keeper.run(follower))
    await follower.run(positions)


def _reference_of(catalog: PairCatalog) -> Callable[[str], int]:
    def reference(symbol: str) -> int:
        pair = catalog.pairs().get(symbol)
        return pair.filters.reference_price if pair is not None else 0

    return reference
