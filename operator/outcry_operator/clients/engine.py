"""An engine's admin port, for the one thing that the operator asks of it."""

from __future__ import annotations

import grpc
import grpc.aio
from outcry.v1 import engine_admin_pb2, engine_admin_pb2_grpc

from outcry_operator.errors import EngineRefusedError, EngineUnavailableError


class Engines:
    """Calls engines by address, a new connection each: a switchover is rare."""

    def __init__(self, *, timeout: float = 10.0) -> None:
        self._timeout = timeout

    async def switchover(self, address: str, *, reason: str) -> int:
        """Make the hot replica at `host:port` hand over; the last seq it published."""
        async with grpc.aio.insecure_channel(address) as channel:
            stub = engine_admin_pb2_grpc.EngineAdminStub(channel)
            try:
                answer = await stub.Switchover(
                    engine_admin_pb2.SwitchoverRequest(reason=reason), timeout=self._timeout
                )
            except grpc.aio.AioRpcError as error:
                raise _named(error, address=address) from error
        return int(answer.last_seq)


def _named(error: grpc.aio.AioRpcError, *, address: str) -> EngineRefusedError | EngineUnavailableError:
    text = f"the engine at {address} answers {error.code().name}: {error.details()}"
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return EngineRefusedError(text)
    return EngineUnavailableError(text)
