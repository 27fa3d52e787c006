"""gRPC in front of the desk and of what administrators do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import risk_api_pb2 as api
from outcry.v1.risk_api_pb2_grpc import RiskAdminServicer, RiskServicer

from outcry_services.common.errors import InvalidError
from outcry_services.common.identity import Identity, Permission, identity_of
from outcry_services.risk.limits import UserMode

if TYPE_CHECKING:
    from outcry_services.risk.admin import Admin
    from outcry_services.risk.desk import Desk
    from outcry_services.risk.metrics import RiskMetrics

__all__ = ["RiskAdminRpc", "RiskRpc"]

MOST_CHECKS = 1000

Context = Any  # gRPC's servicer context, which has no useful type


class RiskRpc(RiskServicer):
    """Asked by the order service alone: no user reaches it."""

    def __init__(self, desk: Desk, *, metrics: RiskMetrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def Check(self, request: api.CheckRequest, context: Context) -> api.CheckResponse:  # noqa: N802
        """One verdict a check; raises `InvalidError` for a batch that is too large or a check of nothing."""
        if len(request.checks) > MOST_CHECKS:
            raise InvalidError(f"{len(request.checks)} checks at once, {MOST_CHECKS} are the most")
        if any(check.WhichOneof("what") is None or not check.user_id for check in request.checks):
            raise InvalidError("a check names no user, or nothing that is to be checked")
        verdicts = self._desk.check(request.checks, time_unix_nanos=request.time_unix_nanos)
        self._metrics.checked(verdicts)
        return api.CheckResponse(
            verdicts=[api.Verdict(name=one.name, message=one.message) for one in verdicts]
        )


class RiskAdminRpc(RiskAdminServicer):
    """For administrators alone."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def SetLimits(self, request: api.SetLimitsRequest, context: Context) -> api.Limits:  # noqa: N802
        """Replace what a scope says."""
        values = await self._admin.set_limits(request, actor=_administrator(context).actor)
        return api.Limits(user_id=request.user_id, symbol=request.symbol, limits=values)

    async def GetLimits(self, request: api.GetLimitsRequest, context: Context) -> api.Limits:  # noqa: N802
        """What is in force."""
        _administrator(context)
        values = self._admin.limits(request.user_id, request.symbol)
        return api.Limits(user_id=request.user_id, symbol=request.symbol, limits=values)

    async def SuspendUser(self, request: api.SuspendUserRequest, context: Context) -> api.UserState:  # noqa: N802
        """Let a user cancel alone, or cancel and withdraw."""
        actor = _administrator(context).actor
        if request.mode == UserMode.ACTIVE:
            raise InvalidError(
                "ACTIVE suspends nobody; restore the user instead", name="INVALID_MODE", field="mode"
            )
        return await self._admin.set_mode(request.user_id, request.mode, reason=request.reason, actor=actor)

    async def RestoreUser(self, request: api.RestoreUserRequest, context: Context) -> api.UserState:  # noqa: N802
        """Let a user do everything again."""
        actor = _administrator(context).actor
        return await self._admin.set_mode(
            request.user_id, UserMode.ACTIVE, reason=request.reason, actor=actor
        )


def _administrator(context: Context) -> Identity:
    identity = identity_of(context)
    identity.require(Permission.ADMIN)
    return identity
