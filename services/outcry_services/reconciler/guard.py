"""Pauses withdrawals when more differs than may, and notices when a person lets them run again.

The flag is Consul's key `outcry/withdrawals/paused` (JSON: `reason`, `by`, `since`), which every step of a
withdrawal reads. It is set only where there is none: whoever paused first gave the reason. It is never
removed here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.pause import PAUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.consul import ConsulKv
    from outcry_services.reconciler.metrics import Metrics
    from outcry_services.reconciler.records import Records

__all__ = ["Guard"]

log = logging.getLogger(__name__)

_SECOND = 1_000_000_000


class Guard:
    """`most` is the sum in BTC ledger units up to which withdrawals go on."""

    def __init__(
        self,
        consul: ConsulKv,
        records: Records,
        *,
        most: Callable[[], int],
        name: str,
        metrics: Metrics,
        clock: Callable[[], int],
        wait_seconds: float = 10.0,
    ) -> None:
        self._consul = consul
        self._records = records
        self._most = most
        self._name = name
        self._metrics = metrics
        self._clock = clock
        self._wait = wait_seconds
        self._paused: bool | None = None

    async def look(self) -> None:
        """Sum up what was found since withdrawals were cleared last; pause them if that is too much."""
        sats, unvalued = await self._records.worth_since_cleared()
        self._metrics.worth.set(sats)
        if unvalued:
            await self._pause(
                f"{unvalued} differences can't be valued in BTC: no pair of their assets has traded"
            )
        elif sats > self._most():
            await self._pause(
                f"Redis and the ledger differ by {sats} of BTC's ledger units, {self._most()} may"
            )

    async def watch(self) -> None:
        """Follow the flag for ever: when somebody removes it, what was found until then is known to them."""
        index = 0
        while True:
            try:
                found = await self._consul.watch(PAUSED, after=index, wait_seconds=self._wait)
            except UnavailableError as error:
                log.warning("the flag of withdrawals can't be read", extra={"why": error.message})
                await asyncio.sleep(1)
                continue
            index = found.index if found.index >= index else 0
            await self._seen(paused=PAUSED in found.keys)

    async def _seen(self, *, paused: bool) -> None:
        if self._paused is None:
            self._paused = await self._records.paused()
        if self._paused and not paused:
            await self._records.cleared()
            log.warning("withdrawals were cleared: what was found until now counts no more")
        elif paused and not self._paused:
            await self._records.note_paused()
        self._paused = paused
        self._metrics.paused.set(paused)

    async def _pause(self, reason: str) -> None:
        """Until Consul has it: an exchange that can't pause must not look as if it had."""
        since = datetime.fromtimestamp(self._clock() / _SECOND, tz=UTC).isoformat(timespec="seconds")
        flag = json.dumps({"reason": reason, "by": self._name, "since": since}).encode()
        while True:
            try:
                if await self._consul.put(PAUSED, flag, if_index=0):
                    log.error("withdrawals paused", extra={"why": reason})
                await self._seen(paused=True)
            except UnavailableError as error:
                log.exception("withdrawals can't be paused", extra={"why": error.message})
                await asyncio.sleep(1)
            else:
                return
