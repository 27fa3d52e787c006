"""The gRPC server of a service: deadlines, traces, named errors and metrics around every unary call."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio
from prometheus_client import Histogram

from outcry_services.common import trace
from outcry_services.common.errors import DeadlineError, InternalError, ServiceError
from outcry_services.common.rpc_errors import status_of, trailers_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client import CollectorRegistry

    Handler = grpc.RpcMethodHandler[Any, Any]

__all__ = ["RpcServer"]

log = logging.getLogger(__name__)

Behavior = Any  # gRPC leaves the types of handlers to their stubs
LATENCY = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class RpcServer:
    """Register servicers at `server`, then `start`; `drain` lets calls in hand come to their end.

    A call without a deadline gets `deadline_seconds`: nothing waits for ever. When the deadline passes the
    handler is cancelled, and the client is told so.
    """

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        deadline_seconds: float = 5.0,
        most_message_bytes: int = 1 << 20,
    ) -> None:
        self._calls = _Calls(registry=registry, deadline_seconds=deadline_seconds)
        self.server = aio.server(
            interceptors=[self._calls],
            options=[
                ("grpc.max_receive_message_length", most_message_bytes),
                # Otherwise a second server on the port would silently take half of the calls.
                ("grpc.so_reuseport", 0),
            ],
        )

    async def start(self, port: int) -> int:
        """Listen on all addresses; the port (chosen by the system for 0). Raises RuntimeError when in use."""
        chosen = self.server.add_insecure_port(f"[::]:{port}")
        await self.server.start()
        return chosen

    async def drain(self, *, seconds: float = 20.0) -> None:
        """Take no new calls, and give those in hand so long before they are cancelled."""
        await self.server.stop(seconds)


class _Calls(aio.ServerInterceptor):  # type: ignore[type-arg, unused-ignore]
    """Wraps every unary call; streams pass as they are."""

    def __init__(self, *, registry: CollectorRegistry, deadline_seconds: float) -> None:
        self._deadline = deadline_seconds
        self._seconds = Histogram(
            "outcry_rpc_seconds",
            "How long calls take here, by method and gRPC code",
            ["method", "code"],
            registry=registry,
            buckets=LATENCY,
        )
        self._handlers: dict[str, Handler] = {}
        self._observed: dict[tuple[str, str], Histogram] = {}

    async def intercept_service(  # type: ignore[override, unused-ignore]
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Called by gRPC once a call; what a method's calls have in common is made once."""
        method = str(handler_call_details.method)
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        wrapped = self._handlers[method] = self._wrapped(method, handler)
        return wrapped

    def _wrapped(self, method: str, handler: Handler) -> Handler:
        inner = handler.unary_unary

        async def behavior(request: Any, context: Any) -> Any:  # noqa: ANN401
            metadata = dict(context.invocation_metadata() or ())
            parent = metadata.get(trace.TRACEPARENT)
            with trace.tracing(str(parent) if parent else None):
                return await self._call(method, inner, request, context)

        return grpc.unary_unary_rpc_method_handler(
            behavior,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def _call(self, method: str, inner: Behavior, request: Any, context: Any) -> Any:  # noqa: ANN401
        started = time.perf_counter()
        code = "OK"
        try:
            return await self._answer(inner, request, context)
        except ServiceError as error:
            code = error.code
            if error.http_status >= 500:
                log.warning(
                    "a call failed", extra={"method": method, "error_name": error.name}, exc_info=error
                )
            await context.abort(status_of(error), error.message, trailers_of(error))
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except aio.AbortError:
            code = "ABORTED_BY_HANDLER"
            raise
        except Exception:
            code = "INTERNAL"
            log.exception("a call failed", extra={"method": method})
            # The cause is for the log alone: it may name hosts, statements or values.
            hidden = InternalError(f"internal error; quote trace {trace.trace_id()} to support")
            await context.abort(status_of(hidden), hidden.message, trailers_of(hidden))
        finally:
            self._of(method, code).observe(time.perf_counter() - started)

    def _of(self, method: str, code: str) -> Histogram:
        found = self._observed.get((method, code))
        if found is None:
            found = self._observed[method, code] = self._seconds.labels(method=method, code=code)
        return found

    async def _answer(self, inner: Behavior, request: Any, context: Any) -> Any:  # noqa: ANN401
        left = context.time_remaining()
        seconds = self._deadline if left is None else min(left, self._deadline)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await inner(request, context)
        except TimeoutError:
            # A time-out inside the handler that nobody named is a fault like any other.
            if not limit.expired():
                raise
            raise DeadlineError(f"not done within {seconds:.3f} s; ask what became of it") from None
