"""Whether withdrawals run: asked before one is taken, changed by operators.

What the flag is, is told in `common.pause`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outcry_services.common.errors import RefusedError, UnavailableError
from outcry_services.common.pause import Pause, WithdrawalPause

if TYPE_CHECKING:
    from outcry_services.common.consul import ConsulKv
    from outcry_services.order.ports import Clock

__all__ = ["WithdrawalSwitch"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000


class WithdrawalSwitch:
    """The flag; errors of Consul come as they are."""

    def __init__(self, consul: ConsulKv, *, clock: Clock) -> None:
        self._flag = WithdrawalPause(consul)
        self._clock = clock

    async def require_running(self) -> None:
        """Raises `RefusedError` (`WITHDRAWALS_PAUSED`); `UnavailableError` when it can't be read."""
        try:
            pause = await self._flag.now()
        except UnavailableError as error:
            raise UnavailableError(
                "whether withdrawals run can't be read, so none is taken; try again later",
                name="WITHDRAWALS_UNKNOWN",
            ) from error
        if pause is not None:
            raise RefusedError(
                "withdrawals are paused; try again later, your funds are where they were",
                name="WITHDRAWALS_PAUSED",
            )

    async def pause(self, *, reason: str, by: str) -> Pause:
        """Stop them; who stops what is stopped already leaves the first reason in place."""
        since = datetime.fromtimestamp(self._clock.now() / SECOND, tz=UTC).isoformat(timespec="seconds")
        asked = Pause(reason=reason, by=by, since=since)
        standing = await self._flag.set(asked)
        if standing is asked:
            log.warning("withdrawals paused", extra={"why": reason, "by": by})
        return standing

    async def resume(self, *, reason: str, by: str) -> None:
        """Let them run; the log keeps who said so, and why."""
        pause = await self._flag.now()
        await self._flag.clear()
        log.warning(
            "withdrawals resumed",
            extra={
                "why": reason,
                "by": by,
                "paused_for": pause.reason if pause else "",
                "paused": bool(pause),
            },
        )
