"""The flag that stops all withdrawals: Consul KV `outcry/withdrawals/paused`; absent, they run.

Its value is JSON: `reason`, `by`, `since` (RFC 3339). Every step of a withdrawal reads it anew, and a flag
that can't be read stops the step: nobody knows what it says.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from outcry_services.common.errors import RefusedError, UnavailableError

if TYPE_CHECKING:
    from outcry_services.common.consul import ConsulKv
    from outcry_services.order.ports import Clock

__all__ = ["KEY", "Pause", "WithdrawalSwitch"]

log = logging.getLogger(__name__)

KEY = "outcry/withdrawals/paused"
SECOND = 1_000_000_000


class Pause(BaseModel):
    """Why withdrawals stand still, since when, and who stopped them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: str
    by: str = ""
    since: str = ""


class WithdrawalSwitch:
    """The flag; errors of Consul come as they are."""

    def __init__(self, consul: ConsulKv, *, clock: Clock) -> None:
        self._consul = consul
        self._clock = clock

    async def paused(self) -> Pause | None:
        """What is in force; a flag whose content makes no sense is a flag."""
        found = await self._consul.get(KEY)
        if found is None:
            return None
        try:
            return Pause.model_validate_json(found.value)
        except ValidationError:
            return Pause(reason="the flag's content can't be read")

    async def require_running(self) -> None:
        """Raises `RefusedError` (`WITHDRAWALS_PAUSED`); `UnavailableError` when it can't be read."""
        try:
            pause = await self.paused()
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
        pause = Pause(reason=reason, by=by, since=since)
        if await self._consul.put(KEY, pause.model_dump_json().encode(), if_index=0):
            log.warning("withdrawals paused", extra={"why": reason, "by": by})
            return pause
        return await self.paused() or await self.pause(reason=reason, by=by)

    async def resume(self, *, reason: str, by: str) -> None:
        """Let them run; the log keeps who said so, and why."""
        pause = await self.paused()
        await self._consul.delete(KEY)
        log.warning(
            "withdrawals resumed",
            extra={
                "why": reason,
                "by": by,
                "paused_for": pause.reason if pause else "",
                "paused": bool(pause),
            },
        )
