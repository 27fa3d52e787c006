"""A gRPC channel to another service: every call with a deadline, the trace, and named errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from grpc import aio

from outcry_services.common import trace
from outcry_services.common.rpc_errors import from_status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

__all__ = ["RpcChannel"]

Invoke = Any  # gRPC leaves the types of calls to their stubs


class RpcChannel:
    """Pass `channel` to a generated stub; a failed unary call raises a `ServiceError` instead of gRPC's own.

    Calls fail at once while the other side is away (`UnavailableError`), and are never repeated here: only
    the caller knows whether that is harmless.
    """

    def __init__(self, target: str, *, deadline_seconds: float = 2.0) -> None:
        self._channel = aio.insecure_channel(
            target,
            options=[
                ("grpc.enable_retries", 0),
                # The first reconnect after a restart of the other side must not wait for long.
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
                ("grpc.keepalive_time_ms", 10000),
                ("grpc.keepalive_timeout_ms", 2000),
            ],
        )
        wrapped = _Wrapped(self._channel, target=target, deadline=deadline_seconds)
        self.channel = cast("aio.Channel", wrapped)

    async def close(self) -> None:
        """Cancel what is in flight and close the connections."""
        await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        await self.close()


class _Wrapped:
    """A channel as stubs use one. An interceptor costs a task a call and may raise gRPC's errors alone."""

    def __init__(self, channel: aio.Channel, *, target: str, deadline: float) -> None:
        self._channel = channel
        self._target = target
        self._deadline = deadline

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Streams are the channel's own."""
        return getattr(self._channel, name)

    def unary_unary(self, *arguments: Any, **named: Any) -> Callable[..., Awaitable[Any]]:  # noqa: ANN401
        """What a stub calls once a method."""
        invoke: Invoke = self._channel.unary_unary(*arguments, **named)

        async def call(
            request: Any,  # noqa: ANN401
            *,
            timeout: float | None = None,  # noqa: ASYNC109 - the name that stubs have
            metadata: tuple[tuple[str, str], ...] = (),
        ) -> Any:  # noqa: ANN401
            carried = (*metadata, (trace.TRACEPARENT, trace.traceparent()))
            try:
                return await invoke(request, timeout=timeout or self._deadline, metadata=carried)
            except aio.AioRpcError as error:
                raise from_status(error, target=self._target) from error

        return call
