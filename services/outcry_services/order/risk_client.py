"""Questions to the risk service: those that come together share a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry.v1 import risk_api_pb2, risk_api_pb2_grpc

from outcry_services.common.errors import IntegrityError, ServiceError, UnavailableError

if TYPE_CHECKING:
    from outcry_services.common.rpc_client import RpcChannel

__all__ = ["RiskClient"]

MOST = 256

Waiting = tuple[risk_api_pb2.RiskCheck, "asyncio.Future[risk_api_pb2.Verdict]"]


class RiskClient:
    """One call at a time; what is asked meanwhile is the next one. See `ports.RiskDesk`."""

    def __init__(self, channel: RpcChannel) -> None:
        self._stub = risk_api_pb2_grpc.RiskStub(channel.channel)
        self._waiting: list[Waiting] = []
        self._calling: asyncio.Task[None] | None = None

    async def check(self, check: risk_api_pb2.RiskCheck) -> risk_api_pb2.Verdict:
        """The verdict; raises `UnavailableError` (`RISK_UNAVAILABLE`): then nothing may be accepted."""
        answered: asyncio.Future[risk_api_pb2.Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((check, answered))
        if self._calling is None:
            self._calling = asyncio.create_task(self._call_all(), name="risk checks")
        return await answered

    async def _call_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._call(batch)
        finally:
            self._calling = None

    async def _call(self, batch: list[Waiting]) -> None:
        request = risk_api_pb2.CheckRequest(checks=[check for check, _ in batch])
        try:
            response: risk_api_pb2.CheckResponse = await self._stub.Check(request)
            verdicts = list(response.verdicts)
            if len(verdicts) != len(batch):
                raise IntegrityError(f"risk gave {len(verdicts)} verdicts for {len(batch)} checks")
        except ServiceError as error:
            _fail(batch, error)
            return
        for (_, answered), verdict in zip(batch, verdicts, strict=True):
            if not answered.done():
                answered.set_result(verdict)


def _fail(batch: list[Waiting], error: ServiceError) -> None:
    unavailable = UnavailableError(
        "limits can't be checked at the moment, so nothing is accepted; try again", name="RISK_UNAVAILABLE"
    )
    unavailable.__cause__ = error
    for _, answered in batch:
        if not answered.done():
            answered.set_exception(unavailable)
            # Who doesn't wait any more is not to be warned of it.
            answered.exception()
