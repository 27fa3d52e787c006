"""Questions to the risk service: those that come together share a call.

A call costs both sides many times what a question in it does, and who is answered together goes on together:
into one commit, one record batch, one exchange of everybody behind. So calls keep a distance. Who asks alone
waits for nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry.v1 import risk_api_pb2, risk_api_pb2_grpc

from outcry_services.common.errors import IntegrityError, RefusedError, ServiceError, UnavailableError

if TYPE_CHECKING:
    from outcry_services.common.rpc_client import RpcChannel
    from outcry_services.order.ports import Clock

__all__ = ["RiskClient"]

MOST = 256
NOT_READY = "RISK_NOT_READY"
"""The verdict of a risk service that doesn't know enough yet: nobody's limit."""

Waiting = tuple[risk_api_pb2.RiskCheck, "asyncio.Future[risk_api_pb2.Verdict]"]


class RiskClient:
    """One call at a time; what is asked meanwhile is the next one. See `ports.RiskDesk`.

    Calls begin `apart_seconds` apart at least: what a question waits longer at most, beside the call before.
    """

    def __init__(self, channel: RpcChannel, *, clock: Clock, apart_seconds: float = 0.02) -> None:
        self._clock = clock
        self._stub = risk_api_pb2_grpc.RiskStub(channel.channel)
        self._apart = apart_seconds
        self._next = 0.0
        self._waiting: list[Waiting] = []
        self._calling: asyncio.Task[None] | None = None

    async def require(self, check: risk_api_pb2.RiskCheck) -> None:
        """Raises `RefusedError` by the limit's name; `UnavailableError` when limits can't be checked."""
        verdict = await self._ask(check)
        if verdict.name == NOT_READY:
            raise UnavailableError(verdict.message, name=verdict.name)
        if verdict.name:
            raise RefusedError(verdict.message, name=verdict.name)

    async def _ask(self, check: risk_api_pb2.RiskCheck) -> risk_api_pb2.Verdict:
        answered: asyncio.Future[risk_api_pb2.Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((check, answered))
        if self._calling is None:
            self._calling = asyncio.create_task(self._call_all(), name="risk checks")
        return await answered

    async def _call_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await asyncio.sleep(self._next - loop.time())
                self._next = loop.time() + self._apart
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._call(batch)
        finally:
            self._calling = None

    async def _call(self, batch: list[Waiting]) -> None:
        checks = [check for check, _ in batch]
        request = risk_api_pb2.CheckRequest(checks=checks, time_unix_nanos=self._clock.now())
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
