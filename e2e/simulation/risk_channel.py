"""The way from order to risk, in place of gRPC's: for `order.risk_client.RiskClient`, as shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outcry.v1.risk_api_pb2 import CheckRequest, CheckResponse

    from e2e.simulation.world import World

__all__ = ["RiskChannel"]


class RiskChannel:
    """As `common.rpc_client.RpcChannel`, and as the channel inside of it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def channel(self) -> RiskChannel:
        """For a stub."""
        return self

    def unary_unary(self, path: str, **_: Any) -> Callable[[CheckRequest], Awaitable[CheckResponse]]:  # noqa: ANN401
        """Called by the generated stub for its one method."""
        return self._world.ask_risk
