"""The services behind the gateway, small: gRPC servers that answer as a test says and keep what they saw."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from outcry.v1 import (
    deposit_api_pb2_grpc,
    ledger_api_pb2_grpc,
    order_api_pb2_grpc,
    position_api_pb2_grpc,
    risk_api_pb2_grpc,
)
from outcry_services.common import trace
from outcry_services.common.rpc_server import RpcServer
from prometheus_client import CollectorRegistry

from e2e.backends.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from google.protobuf.message import Message

    Answer = Callable[[Any, Any], Awaitable[Message]]

__all__ = ["Seen", "Upstreams"]

SERVICES = {
    "order": (
        (order_api_pb2_grpc, "Orders"),
        (order_api_pb2_grpc, "OrderAdmin"),
        (deposit_api_pb2_grpc, "Deposits"),
        (deposit_api_pb2_grpc, "DepositsAdmin"),
    ),
    "position": ((position_api_pb2_grpc, "Positions"),),
    "risk": ((risk_api_pb2_grpc, "RiskAdmin"), (risk_api_pb2_grpc, "WithdrawalReviewDesk")),
    "settlement": ((ledger_api_pb2_grpc, "Ledger"),),
}


class Seen:
    """One call as it arrived."""

    def __init__(self, method: str, request: Any, metadata: dict[str, list[str]], traced: str) -> None:  # noqa: ANN401
        self.method = method
        self.request = request
        self.metadata = metadata
        self.trace = traced


class Upstreams:
    """All services in one thread; as a context manager they are started and stopped.

    `answers` are coroutines of (request, context) by the method's name, run in that thread.
    """

    def __init__(self) -> None:
        self.ports = {name: free_port() for name in SERVICES}
        self.answers: dict[str, Answer] = {}
        self.seen: list[Seen] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: dict[str, RpcServer] = {}

    def reset(self) -> None:
        """Forget what was seen and said."""
        self.answers.clear()
        self.seen.clear()

    def stop(self, name: str) -> None:
        """As if a service had no pod left."""
        self._run(self._servers.pop(name).drain(seconds=0))

    def start(self, name: str) -> None:
        """Begin (again)."""
        self._run(self._start(name))

    def __enter__(self) -> Self:
        self._thread.start()
        for name in SERVICES:
            self.start(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        for name in list(self._servers):
            self.stop(name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self, name: str) -> None:
        server = RpcServer(registry=CollectorRegistry(), deadline_seconds=30)
        for module, service in SERVICES[name]:
            base = getattr(module, f"{service}Servicer")
            methods = [method for method in vars(base) if not method.startswith("_")]
            recorder = type(service, (base,), {method: self._handler(method) for method in methods})
            getattr(module, f"add_{service}Servicer_to_server")(recorder(), server.server)
        await server.start(self.ports[name])
        self._servers[name] = server

    def _handler(self, method: str) -> Any:  # noqa: ANN401 - as a servicer's method
        async def handle(_: Any, request: Any, context: Any) -> Message:  # noqa: ANN401
            metadata: dict[str, list[str]] = {}
            for key, value in context.invocation_metadata() or ():
                metadata.setdefault(key, []).append(str(value))
            self.seen.append(Seen(method, request, metadata, trace.trace_id()))
            return await self.answers[method](request, context)

        return handle
