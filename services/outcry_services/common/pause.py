"""The flag that stops all withdrawals: Consul KV `outcry/withdrawals/paused`; absent, they run.

Its value is JSON: `reason`, `by`, `since` (RFC 3339). Every step of a withdrawal reads it anew, and a flag
that can't be read stops the step: nobody knows what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from outcry_services.common.consul import ConsulKv

__all__ = ["PAUSED", "Pause", "WithdrawalPause"]

PAUSED = "outcry/withdrawals/paused"
"""The key."""


class Pause(BaseModel):
    """Why withdrawals stand still, since when, and who stopped them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: str
    by: str = ""
    since: str = ""


class WithdrawalPause:
    """The flag; errors of Consul come as they are."""

    def __init__(self, consul: ConsulKv) -> None:
        self._consul = consul

    async def now(self) -> Pause | None:
        """What is in force; a flag whose content makes no sense is a flag."""
        found = await self._consul.get(PAUSED)
        if found is None:
            return None
        try:
            return Pause.model_validate_json(found.value)
        except ValidationError:
            return Pause(reason="the flag's content can't be read")

    async def set(self, pause: Pause) -> Pause:
        """Stop withdrawals; where they are stopped already the first reason stays. What is in force then."""
        while not await self._consul.put(PAUSED, pause.model_dump_json().encode(), if_index=0):
            standing = await self.now()
            if standing is not None:
                return standing
        return pause

    async def clear(self) -> None:
        """Let withdrawals run."""
        await self._consul.delete(PAUSED)
