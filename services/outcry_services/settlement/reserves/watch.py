"""Compares books and chains for ever, for the metrics and the log."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.settlement.render import amount_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.wallets import WalletDirectory
    from outcry_services.settlement.reserves.metrics import SolvencyMetrics
    from outcry_services.settlement.reserves.reader import Solvency, SolvencyReader

__all__ = ["SolvencyWatch"]

log = logging.getLogger(__name__)


class SolvencyWatch:
    """`now` gives Unix seconds."""

    def __init__(
        self,
        reader: SolvencyReader,
        wallets: WalletDirectory,
        metrics: SolvencyMetrics,
        *,
        now: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._wallets = wallets
        self._metrics = metrics
        self._now = now
        self._said: object = None

    async def run(self, *, seconds: float) -> None:
        """Until cancelled. An exchange without wallets has nothing to compare."""
        while True:
            if self._wallets.wallets:
                await self._look()
            await asyncio.sleep(seconds)

    async def _look(self) -> None:
        try:
            found = await self._reader.check()
        except ServiceError as error:
            self._metrics.failed(error)
            if self._anew(error.name):
                log.warning(
                    "reserves can't be compared with what is owed",
                    extra={"error": error.name, "why": error.message},
                )
            return
        self._metrics.checked(found, at=self._now())
        self._tell(found)

    def _tell(self, found: Solvency) -> None:
        short = {
            it.asset: f"{it.status} {amount_text(it.difference, it.scale)}"
            for it in found.assets
            if not it.is_covered
        }
        if self._anew(short) and short:
            log.error("what is owed is not all there; run `outcry solvency`", extra={"assets": short})

    def _anew(self, what: object) -> bool:
        """The same is said once."""
        was, self._said = self._said, what
        return was != what
