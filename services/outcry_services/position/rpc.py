"""gRPC `Positions`: balances straight from the store that orders are checked against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from outcry.v1 import position_api_pb2, position_api_pb2_grpc

from outcry_services.common.errors import InvalidError, NotFoundError, ServiceError, UnavailableError
from outcry_services.common.identity import Permission, identity_of
from outcry_services.common.money import format_amount
from outcry_services.common.redis import Call, exact
from outcry_services.position import keys, library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.common.pairs import PairCatalog
    from outcry_services.position.ports import Scripts

__all__ = ["PositionsRpc"]

_ASSET = re.compile(r"[A-Z0-9]{2,10}", re.ASCII)


class PositionsRpc(position_api_pb2_grpc.PositionsServicer):
    """A user asks for their own; an administrator for anybody's."""

    def __init__(self, *, scripts: Scripts, catalog: PairCatalog, whole: Callable[[], int | None]) -> None:
        """`whole` is `Flow.whole`."""
        self._scripts = scripts
        self._catalog = catalog
        self._whole = whole

    async def GetPosition(  # noqa: N802 - the name is in the schema
        self,
        request: position_api_pb2.GetPositionRequest,
        context: Any,  # noqa: ANN401 - gRPC's
    ) -> position_api_pb2.Position:
        """One asset; all zero for one that the user never had.

        Raises `UnauthenticatedError`, `ForbiddenError`, `InvalidError` (`INVALID_ASSET`), `NotFoundError`
        (`UNKNOWN_ASSET`), `UnavailableError` (`POSITIONS_NOT_READY`).
        """
        user = _user(context, request.user_id)
        if not _ASSET.fullmatch(request.ccy):
            raise InvalidError(
                f"{request.ccy[:24]!a} is no asset; write it like BTC", name="INVALID_ASSET", field="ccy"
            )
        scales = self._scales()
        if request.ccy not in scales:
            raise NotFoundError(
                f"no pair trades {request.ccy}; see which do", name="UNKNOWN_ASSET", field="ccy"
            )
        (found,) = await self._read(user, {request.ccy: scales[request.ccy]})
        return found

    async def ListPositions(  # noqa: N802
        self,
        request: position_api_pb2.ListPositionsRequest,
        context: Any,  # noqa: ANN401
    ) -> position_api_pb2.ListPositionsResponse:
        """Every asset of which the user has or holds something, by name; raises as `GetPosition`."""
        user = _user(context, request.user_id)
        scales = self._scales()
        found = await self._read(user, scales) if scales else []
        zero = {asset: format_amount(0, scale=scale) for asset, scale in scales.items()}
        return position_api_pb2.ListPositionsResponse(
            positions=[one for one in found if (one.available, one.held) != (zero[one.ccy],) * 2]
        )

    def _scales(self) -> dict[str, int]:
        """The assets of all pairs, by name."""
        assets = {
            asset.name: asset.scale
            for pair in self._catalog.pairs().values()
            for asset in (pair.base, pair.quote)
        }
        return dict(sorted(assets.items()))

    async def _read(self, user: int, scales: Mapping[str, int]) -> list[position_api_pb2.Position]:
        """Available and held of all assets, at one moment."""
        names = [key(user, asset) for asset in scales for key in (keys.available, keys.held)]
        call = Call(library.VIEW, (keys.cursor(user), keys.holds(user), *names))
        beginning = self._whole()
        (reply,) = await self._scripts.run_all([call])
        if beginning is None or self._whole() != beginning:
            # An empty Redis has 0 of everything, and nobody may be told that.
            raise UnavailableError(
                "balances are being looked over after a restart; they come back by themselves, try again",
                name="POSITIONS_NOT_READY",
            )
        if isinstance(reply, ServiceError):
            raise reply
        values = [exact(value if value is not None else b"0") for value in reply[2]]
        return [
            position_api_pb2.Position(
                user_id=str(user),
                ccy=asset,
                available=format_amount(values[2 * at], scale=scale),
                held=format_amount(values[2 * at + 1], scale=scale),
            )
            for at, (asset, scale) in enumerate(scales.items())
        ]


def _user(context: Any, named: str) -> int:  # noqa: ANN401
    identity = identity_of(context)
    if not identity.is_admin:
        identity.require(Permission.READ)
    return identity.user_named(named)
