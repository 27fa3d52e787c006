"""gRPC `EngineAdmin`: what people and the operator ask of one replica."""

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from outcry.v1 import book_pb2, engine_admin_pb2, engine_admin_pb2_grpc

from outcry_engine._engine import CheckpointError, DrainError
from outcry_engine.shell.errors import ConsulError, SwitchoverRefusedError
from outcry_engine.shell.pinning import Pinning
from outcry_engine.shell.roles import Role
from outcry_engine.shell.supervisor import Supervisor

if TYPE_CHECKING:
    from outcry_engine._engine import Depth, Engine, Status
    from outcry_engine._engine.feed import FeedStatus

DEFAULT_LEVELS = 20
MAX_LEVELS = 1000

_ROLES = {role: engine_admin_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}


class EngineAdmin(engine_admin_pb2_grpc.EngineAdminServicer):
    """Answers from the supervisor's last look and from the engine."""

    def __init__(
        self,
        *,
        symbol: str,
        replica: str,
        version: str,
        engine: "Engine",
        supervisor: Supervisor,
        pinning: Pinning,
    ) -> None:
        self._symbol = symbol
        self._replica = replica
        self._version = version
        self._engine = engine
        self._supervisor = supervisor
        self._pinning = pinning

    async def Status(  # noqa: N802 - named by the schema
        self,
        request: engine_admin_pb2.StatusRequest,
        context: "grpc.aio.ServicerContext[engine_admin_pb2.StatusRequest, engine_admin_pb2.StatusResponse]",
    ) -> engine_admin_pb2.StatusResponse:
        """The replica's state now."""
        status = self._engine.status()
        return engine_admin_pb2.StatusResponse(
            symbol=self._symbol,
            replica=self._replica,
            version=self._version,
            reason=status.reason or self._supervisor.obstacle or "",
            pinning=engine_admin_pb2.Pinning(
                exclusive=self._pinning.exclusive,
                cpus=status.match_cpus or self._pinning.cpus,
                numa_node=self._pinning.numa_node,
                spinning=status.spinning,
                reason=self._pinning.reason,
            ),
            feed=_feed(status.feed) if status.feed else None,
            **_numbers(status),
        )

    async def Depth(  # noqa: N802
        self,
        request: engine_admin_pb2.DepthRequest,
        context: "grpc.aio.ServicerContext[engine_admin_pb2.DepthRequest, book_pb2.OrderBookSnapshot]",
    ) -> book_pb2.OrderBookSnapshot:
        """Depth from the shadow book."""
        levels = request.levels or DEFAULT_LEVELS
        if levels > MAX_LEVELS:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"levels is {levels}: ask for 1 to {MAX_LEVELS}"
            )
        return snapshot(self._symbol, await asyncio.to_thread(self._engine.depth, levels))

    async def Switchover(  # noqa: N802
        self,
        request: engine_admin_pb2.SwitchoverRequest,
        context: "grpc.aio.ServicerContext[Any, engine_admin_pb2.SwitchoverResponse]",
    ) -> engine_admin_pb2.SwitchoverResponse:
        """Hand the pair to the warm replica."""
        try:
            last_seq = await self._supervisor.switchover(request.reason or "asked for by gRPC")
        except SwitchoverRefusedError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except DrainError as error:
            await context.abort(grpc.StatusCode.ABORTED, str(error))
        except ConsulError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return engine_admin_pb2.SwitchoverResponse(last_seq=last_seq)

    async def Checkpoint(  # noqa: N802
        self,
        request: engine_admin_pb2.CheckpointRequest,
        context: "grpc.aio.ServicerContext[Any, engine_admin_pb2.CheckpointResponse]",
    ) -> engine_admin_pb2.CheckpointResponse:
        """Write a full image now."""
        try:
            seq, size = await asyncio.to_thread(self._engine.checkpoint)
        except CheckpointError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return engine_admin_pb2.CheckpointResponse(seq=seq, bytes=size)


def snapshot(symbol: str, depth: "Depth") -> book_pb2.OrderBookSnapshot:
    """The message for `depth`."""
    return book_pb2.OrderBookSnapshot(
        symbol=symbol,
        seq=depth.seq,
        bids=[book_pb2.PriceLevel(price=p, quantity=q, orders=n) for p, q, n in depth.bids],
        asks=[book_pb2.PriceLevel(price=p, quantity=q, orders=n) for p, q, n in depth.asks],
        resting_orders=depth.resting_orders,
        last_price=depth.last_price,
        last_quantity=depth.last_quantity,
    )


def _feed(feed: "FeedStatus") -> engine_admin_pb2.Feed:
    return engine_admin_pb2.Feed(
        session=feed.session,
        lines=feed.lines,
        recovery_port=feed.recovery_port or 0,
        hardware_clock=feed.hardware_clock,
    )


def _numbers(status: "Status") -> dict[str, Any]:
    return {
        "role": _ROLES[Role(status.role)],
        "epoch": status.epoch,
        "seq": status.seq,
        "published_seq": status.published_seq,
        "seen_seq": status.seen_seq,
        "input_offset": status.input_offset,
        "input_end_offset": status.input_end_offset,
        "lag_seconds": status.lag_seconds,
        "caught_up": status.caught_up,
        "checkpoint_seq": status.checkpoint_seq,
        "checkpoint_age_seconds": status.checkpoint_age or 0.0,
        "poison_records": status.poison_records,
        "repeated_commands": status.repeated_commands,
        "resting_orders": status.resting_orders,
    }


async def serve(admin: EngineAdmin, port: int) -> tuple[grpc.aio.Server, int]:
    """Start the server on all addresses; returns it and its port (chosen by the system for 0)."""
    server = grpc.aio.server()
    engine_admin_pb2_grpc.add_EngineAdminServicer_to_server(admin, server)
    bound = server.add_insecure_port(f"[::]:{port}")
    await server.start()
    return server, bound
