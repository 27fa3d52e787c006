"""The way from the wallet to order's desk in place of gRPC: for `wallet.withdraw.desk.Desk`, as shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from e2e.simulation.world import World

__all__ = ["DeskCall", "DeskChannel"]


class DeskCall:
    """A call's context, as the desk looks at it."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Who asks."""
        return self._metadata


class DeskChannel:
    """As `common.rpc_client.RpcChannel`, and as the channel inside of it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def channel(self) -> DeskChannel:
        """For a stub."""
        return self

    def unary_unary(self, path: str, **_: Any) -> Callable[..., Awaitable[Any]]:  # noqa: ANN401
        """Called by the generated stub for each of its methods."""
        method = path.rpartition("/")[2]

        async def call(request: object, *, metadata: tuple[tuple[str, str], ...]) -> object:
            return await self._world.ask_desk(method, request, DeskCall(metadata))

        return call
