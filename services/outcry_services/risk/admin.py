"""What administrators change: a record in `risk-settings`, in force once the view has read it back.

A call answers only then, so whoever changed a limit knows that the next check obeys it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from outcry.v1.risk_api_pb2 import LimitValues, RiskSetting, SetLimitsRequest, UserState

from outcry_services.common.errors import InvalidError
from outcry_services.common.ids import USER_MAX
from outcry_services.common.kafka import Record
from outcry_services.risk.limits import UserMode, key_of
from outcry_services.risk.records import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.risk.follower import Follower
    from outcry_services.risk.ports import Pairs, Writer
    from outcry_services.risk.view import RiskView

__all__ = ["Admin"]

log = logging.getLogger(__name__)

MOST_REASON = 200


class Admin:
    """Writes settings; `now` gives Unix nanoseconds, for people to read."""

    def __init__(
        self,
        view: RiskView,
        *,
        follower: Follower,
        writer: Writer,
        pairs: Pairs,
        now: Callable[[], int],
    ) -> None:
        self._view = view
        self._follower = follower
        self._writer = writer
        self._pairs = pairs
        self._now = now

    async def set_limits(self, request: SetLimitsRequest, *, actor: str) -> LimitValues:
        """Replace what a scope says (nothing set: it says nothing any more); what is in force there then.

        Raises `InvalidError` (`REASON_MISSING`, `INVALID_LIMIT`, `INVALID_USER_ID`) and what a wrong symbol
        raises.
        """
        self._check_scope(request.user_id, request.symbol)
        _check_reason(request.reason)
        for name in ("max_order_notional", "max_daily_volume"):
            if getattr(request.limits, name) < 0:
                raise InvalidError(
                    f"{name} is negative; leave it out for no limit", name="INVALID_LIMIT", field=name
                )
        await self._write(RiskSetting(limits=request, actor=actor))
        return self.limits(request.user_id, request.symbol)

    def limits(self, user_id: int, symbol: str) -> LimitValues:
        """What is in force for a user (0: everybody) in a pair (empty: every one)."""
        self._check_scope(user_id, symbol)
        return self._view.limits.effective(user_id, symbol).message()

    async def set_mode(self, user_id: int, mode: str, *, reason: str, actor: str) -> UserState:
        """Suspend a user, let them withdraw alone, or restore them.

        Raises `InvalidError` (`REASON_MISSING`, `INVALID_USER_ID`, `INVALID_MODE`).
        """
        _check_user(user_id, least=1)
        _check_reason(reason)
        if mode not in list(UserMode):
            raise InvalidError(
                f"{mode[:24]!r} is no mode; use SUSPENDED or WITHDRAW_ONLY", name="INVALID_MODE", field="mode"
            )
        state = UserState(user_id=user_id, mode=mode, reason=reason)
        await self._write(RiskSetting(user=state, actor=actor))
        return state

    async def tidy(self) -> None:
        """Write what is in force again, for ever, wherever an older record came behind it.

        Of each key compaction keeps the last record: a user who was suspended must not be restored by it.
        """
        while True:
            for key in sorted(self._view.outlived):
                self._view.outlived.discard(key)
                log.warning("an older setting came late: written again", extra={"key": key})
                await self._writer.publish(_record(self._view.settings[key]))
            await self._follower.moved()

    async def _write(self, setting: RiskSetting) -> None:
        known = self._view.settings.get(key_of(setting))
        # The latest time counts, whatever became of the clock.
        setting.time_unix_nanos = max(self._now(), known.time_unix_nanos + 1 if known is not None else 0)
        offset = await self._writer.publish(_record(setting))
        await self._follower.reached((SETTINGS, 0), offset + 1)

    def _check_scope(self, user_id: int, symbol: str) -> None:
        _check_user(user_id, least=0)
        if symbol:
            self._pairs.get(symbol)


def _record(setting: RiskSetting) -> Record:
    return Record(
        topic=SETTINGS,
        partition=0,
        key=key_of(setting).encode(),
        value=setting.SerializeToString(deterministic=True),
    )


def _check_user(user_id: int, *, least: int) -> None:
    if not least <= user_id <= USER_MAX:
        raise InvalidError(f"{user_id} is no user id", name="INVALID_USER_ID", field="userId")


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MOST_REASON:
        raise InvalidError(
            f"say why, in 1 to {MOST_REASON} characters", name="REASON_MISSING", field="reason"
        )
