"""The order service, put together and run to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1 import deposit_api_pb2_grpc, order_api_pb2_grpc, withdrawal_api_pb2_grpc

from outcry_services.common import pressure
from outcry_services.common.consul import ConsulKv
from outcry_services.common.health import Health
from outcry_services.common.kafka import DeadLetters, Publisher, Reader
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.order_log import (
    EVENTS_PREFIX,
    ORDER_EVENTS,
    ORDERS,
    events_topic,
    read_answers,
    read_events,
)
from outcry_services.common.pairs import PairCatalog
from outcry_services.common.pressure import Lag, PressureGate, PressureMetrics, PressurePublisher
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.common.wallets import WalletDirectory
from outcry_services.order.deposits import Deposits
from outcry_services.order.deposits_admin import DepositsAdmin
from outcry_services.order.dispatch import Dispatcher
from outcry_services.order.following import AnswerFollower, EventFollower
from outcry_services.order.intake import Intake, World
from outcry_services.order.kafka_topics import KafkaTopics
from outcry_services.order.map_source import follow_map, read_map
from outcry_services.order.metrics import CommitMetrics, DispatchMetrics, FollowMetrics, IntakeMetrics
from outcry_services.order.payout_desk import PayoutDesk
from outcry_services.order.position_lag import PositionLag
from outcry_services.order.queries import Queries
from outcry_services.order.reading import Reading
from outcry_services.order.risk_client import RiskClient
from outcry_services.order.routing import Shards
from outcry_services.order.rpc import OrderAdmin, Orders
from outcry_services.order.servers import ServerFactory, supervised
from outcry_services.order.treasury import Treasury
from outcry_services.order.upkeep import Upkeep
from outcry_services.order.withdrawal_rpc import WithdrawalDesk
from outcry_services.order.withdrawals import WithdrawalSwitch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any

    from outcry_services.order.ports import OutboxView
    from outcry_services.order.settings import OrderSettings

__all__ = ["SystemChance", "SystemClock", "run", "start"]

log = logging.getLogger(__name__)

STAGE = "order"
ALLOWED_RECORDS, ALLOWED_MILLIS = 50_000, 5_000
"""What this stage may be behind; at 80 % of it new orders of every pair are refused."""

GATHER_MS = 100
"""Of answers and events: rows that show what became of an order may be so much later, and cost less."""

LOOK_AGAIN_SECONDS = 2.0
"""For topics that aren't there yet."""


class SystemClock:
    """The machine's."""

    def now(self) -> int:
        """Unix nanoseconds."""
        return time.time_ns()


class SystemChance:
    """The system's generator."""

    def name(self) -> str:
        """128 bits in hexadecimal."""
        return secrets.token_hex(16)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What several parts of the wiring share."""

    settings: OrderSettings
    health: Health
    lifecycle: Lifecycle
    clock: SystemClock
    consul: ConsulKv
    catalog: PairCatalog
    publisher: Publisher
    dead_letters: DeadLetters
    topics: KafkaTopics

    def reader(self, name: str, decode: Callable[..., Any], *, gather_ms: int = 0) -> Reader[Any]:
        """A reader that ends with the service."""
        reader: Reader[Any] = Reader(
            bootstrap=self.settings.kafka,
            client_id=f"order-{self.settings.replica}-{name}",
            decode=decode,
            dead_letters=self.dead_letters,
            gather_ms=gather_ms,
        )
        self.lifecycle.at_end(f"{name} reader", reader.close)
        self.health.ready_if(f"{name} reader", reader.problem)
        return reader


async def run(settings: OrderSettings) -> None:
    """Serve until SIGTERM; raises `ConfigError` and `ShardMapError` for settings that make no sense."""
    async with AsyncExitStack() as stack:
        lifecycle, _ = await start(settings, stack=stack)
        await lifecycle.run()


async def start(settings: OrderSettings, *, stack: AsyncExitStack) -> tuple[Lifecycle, int]:
    """Begin everything in the order in which it is needed; gives what ends it, and the gRPC port."""
    parts = await _parts(settings, stack)
    started = asyncio.Event()
    parts.health.ready_if("start", lambda: None if started.is_set() else "not all of it has begun")
    await stack.enter_async_context(parts.health.serve(settings.http_port))
    waiting = PositionLag(partitions=await parts.topics.partitions(ORDERS), clock=time.monotonic)
    shards, dispatcher = await _begin_shards(parts, waiting)
    parts.lifecycle.background("pairs", parts.catalog.watch())
    await parts.catalog.changed(0)
    answers, events, prices = await _begin_following(parts, shards, waiting)
    gate = await _begin_pressure(parts, dispatcher, [answers, events], waiting)

    def require_room(symbol: str) -> None:
        events.require_followed(symbol)
        gate.check(symbol)

    port = await _listen(parts, shards, prices=prices, require_room=require_room)
    started.set()
    log.info("order answers", extra={"port": port, "shard_map": shards.map.version})
    return parts.lifecycle, port


async def _parts(settings: OrderSettings, stack: AsyncExitStack) -> _Parts:
    health = Health()
    consul = ConsulKv(settings.consul)
    stack.push_async_callback(consul.close)
    publisher = Publisher(
        bootstrap=settings.kafka, client_id=f"order-{settings.replica}", registry=health.registry
    )
    parts = _Parts(
        settings=settings,
        health=health,
        lifecycle=Lifecycle(health=health, drain_seconds=settings.drain_seconds),
        clock=SystemClock(),
        consul=consul,
        catalog=PairCatalog(consul),
        publisher=publisher,
        dead_letters=DeadLetters(publisher, replica=settings.replica, registry=health.registry),
        topics=KafkaTopics(settings.kafka),
    )
    parts.lifecycle.at_end("publisher", publisher.close)
    health.ready_if("publisher", publisher.problem)
    health.ready_if("pairs", parts.catalog.unread)
    return parts


async def _begin_shards(parts: _Parts, waiting: PositionLag) -> tuple[Shards, Dispatcher]:
    """The map, its servers, and the way from their outboxes to `orders`: swept before anything is taken."""
    settings, lifecycle, metrics = parts.settings, parts.lifecycle, DispatchMetrics(parts.health.registry)

    async def outbox(shard: int, after: int, most: int) -> OutboxView:
        return await shards.on(shard, lambda store: store.outbox(shard, after=after, most=most))

    partitions = await parts.topics.partitions(ORDERS)
    dispatcher = Dispatcher(parts.publisher, partitions=partitions, outbox=outbox, metrics=metrics)
    metrics.watch(dispatcher.unpublished)
    factory = ServerFactory(
        settings,
        clock=parts.clock,
        metrics=CommitMetrics(parts.health.registry),
        committed=(dispatcher.committed, waiting.committed),
        unknown=dispatcher.sweep,
        lifecycle=lifecycle,
    )
    shards = Shards(open_server=factory.open, moving_seconds=settings.moving_seconds)
    await shards.use(await read_map(parts.consul, settings.shards()))
    lifecycle.at_end("shards", shards.close)
    upkeep = Upkeep(
        shards, dispatcher=dispatcher, metrics=metrics, every_seconds=settings.store_published_seconds
    )
    await upkeep.sweep()
    dispatching = supervised(lifecycle, "dispatch", dispatcher.run())

    async def finish() -> None:
        await dispatcher.settled()
        await dispatching.end()
        await upkeep.finish()

    lifecycle.at_end("outbox", finish)
    lifecycle.background("published", upkeep.run())
    lifecycle.background("shard map", follow_map(parts.consul, shards))
    return shards, dispatcher


async def _begin_following(
    parts: _Parts, shards: Shards, waiting: PositionLag
) -> tuple[Reading, Reading, EventFollower]:
    """Who follows the answers, who follows the events, and what those tell of prices."""
    metrics = FollowMetrics(parts.health.registry)
    prices = EventFollower(shards, metrics=metrics)
    partitions = await parts.topics.partitions(ORDER_EVENTS)
    seen, missing = 0, False

    async def answer_topics() -> set[tuple[str, int]]:
        return {(ORDER_EVENTS, number) for number in range(partitions)}

    async def event_topics() -> set[tuple[str, int]]:
        nonlocal seen, missing
        seen = parts.catalog.version
        # Of pairs that are gone, too: the last of their events may not have been read yet.
        found = await parts.topics.beginning_with(EVENTS_PREFIX)
        missing = not set(map(events_topic, parts.catalog.pairs())) <= {topic for topic, _ in found}
        return found

    async def pairs_changed() -> None:
        # A pair may be known before its topics are there, and nothing tells when they come.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_SECONDS if missing else None):
                await parts.catalog.changed(seen)

    answers = _reading(
        parts,
        shards,
        metrics=metrics,
        name="answers",
        follower=AnswerFollower(shards, metrics=metrics, told=waiting.answered),
        topics=answer_topics,
        changed=_never,
    )
    events = _reading(
        parts,
        shards,
        metrics=metrics,
        name="events",
        follower=prices,
        topics=event_topics,
        changed=pairs_changed,
    )
    return answers, events, prices


def _reading(
    parts: _Parts,
    shards: Shards,
    *,
    metrics: FollowMetrics,
    name: str,
    follower: AnswerFollower | EventFollower,
    topics: Callable[[], Awaitable[set[tuple[str, int]]]],
    changed: Callable[[], Awaitable[None]],
) -> Reading:
    reading = Reading(
        follower=follower,
        feed=parts.reader(name, read_answers if name == "answers" else read_events, gather_ms=GATHER_MS),
        shards=shards,
        topics=topics,
        changed=changed,
        clock=parts.clock,
        metrics=metrics,
    )
    parts.lifecycle.at_end(f"{name} positions", reading.flush)
    parts.lifecycle.background(name, reading.run())
    return reading


async def _never() -> None:
    await asyncio.Event().wait()


async def _begin_pressure(
    parts: _Parts, dispatcher: Dispatcher, readings: list[Reading], waiting: PositionLag
) -> PressureGate:
    gate = PressureGate(clock=time.monotonic)
    PressureMetrics(parts.health.registry, gate=gate)

    def measure() -> Iterable[Lag]:
        lag = Lag(
            symbol="",
            records=dispatcher.unpublished() + sum(reading.lag() for reading in readings),
            allowed_records=ALLOWED_RECORDS,
            millis=int(parts.publisher.age() * 1000),
            allowed_millis=ALLOWED_MILLIS,
        )
        # By Kafka this would not come back while Kafka is away, which is what it has to tell.
        gate.note(stage=STAGE, replica=parts.settings.replica, lag=lag)
        seen = waiting.lag(allowed_records=ALLOWED_RECORDS, allowed_millis=ALLOWED_MILLIS)
        gate.note(stage="position", replica=f"seen by {parts.settings.replica}", lag=seen)
        yield lag

    teller = PressurePublisher(parts.publisher, stage=STAGE, replica=parts.settings.replica, measure=measure)
    parts.lifecycle.background("pressure told", teller.run())
    reader = parts.reader("pressure", pressure.decode)
    parts.lifecycle.background("pressure", pressure.follow(reader, gate))
    return gate


async def _listen(
    parts: _Parts, shards: Shards, *, prices: EventFollower, require_room: Callable[[str], None]
) -> int:
    settings, lifecycle = parts.settings, parts.lifecycle
    channel = RpcChannel(settings.risk)
    lifecycle.at_end("risk", channel.close)
    world = World(
        pairs=parts.catalog,
        shards=shards,
        risk=RiskClient(channel, clock=parts.clock),
        clock=parts.clock,
        chance=SystemChance(),
        metrics=IntakeMetrics(parts.health.registry),
        last_price=prices.last_price,
        require_room=require_room,
    )
    directory = WalletDirectory(parts.consul)
    lifecycle.at_end("wallets", directory.close)
    lifecycle.background("wallets", directory.watch())
    switch = WithdrawalSwitch(parts.consul, clock=parts.clock)
    treasury = Treasury(world, switch=switch, check_address=directory.check_address)
    payouts = PayoutDesk(world)
    orders = Orders(intake=Intake(world), treasury=treasury, queries=Queries(shards), payouts=payouts)
    server = RpcServer(registry=parts.health.registry)
    order_api_pb2_grpc.add_OrdersServicer_to_server(orders, server.server)
    order_api_pb2_grpc.add_OrderAdminServicer_to_server(
        OrderAdmin(treasury=treasury, switch=switch, payouts=payouts), server.server
    )
    withdrawal_api_pb2_grpc.add_WithdrawalDeskServicer_to_server(
        WithdrawalDesk(desk=payouts, treasury=treasury), server.server
    )
    deposit_api_pb2_grpc.add_DepositsServicer_to_server(Deposits(directory), server.server)
    deposit_api_pb2_grpc.add_DepositsAdminServicer_to_server(DepositsAdmin(directory), server.server)
    port = await server.start(settings.grpc_port)
    lifecycle.at_end("grpc", lambda: server.drain(seconds=settings.drain_seconds))
    return port
