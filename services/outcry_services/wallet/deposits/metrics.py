"""What deposits tell of themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

__all__ = ["DepositMetrics"]

_TICKER = re.compile("[A-Z0-9]{1,32}|bitcoin|ethereum|solana")
"""How the ledger names assets. No contract is written so: Ethereum's begin with 0x, Solana's are longer."""


class DepositMetrics:
    """Of one wallet."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.height = Gauge(
            "outcry_wallet_deposits_height", "The last block looked through for deposits", registry=registry
        )
        self.open = Gauge(
            "outcry_wallet_deposits_open", "Deposits seen and not credited yet", registry=registry
        )
        self.alarmed = Gauge(
            "outcry_wallet_deposits_alarmed",
            "Credited deposits that are not on the chain any more: money owed that isn't there",
            registry=registry,
        )
        self._credited = Counter(
            "outcry_wallet_deposits_credited", "Deposits credited, by asset", ["asset"], registry=registry
        )
        self._held_back = Counter(
            "outcry_wallet_deposits_held_back",
            "Times a deposit could not be credited, by the error's name",
            ["error"],
            registry=registry,
        )
        self._aside = Gauge(
            "outcry_wallet_kept_aside",
            "What arrived and is not credited, by asset and reason",
            ["asset", "reason"],
            registry=registry,
        )

    def credited(self, asset: str) -> None:
        """A deposit is in the books."""
        self._credited.labels(asset=asset).inc()

    def held_back(self, error: str) -> None:
        """The books didn't take one."""
        self._held_back.labels(error=error).inc()

    def aside(self, counts: Mapping[tuple[str, str], int]) -> None:
        """What lies aside now. Strangers' tokens are one asset, `other`: anybody can make any number."""
        summed: dict[tuple[str, str], int] = {}
        for (asset, reason), count in counts.items():
            name = asset if _TICKER.fullmatch(asset) else "other"
            summed[name, reason] = summed.get((name, reason), 0) + count
        self._aside.clear()
        for (asset, reason), count in summed.items():
            self._aside.labels(asset=asset, reason=reason).set(count)
