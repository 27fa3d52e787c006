"""Metrics of withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from outcry_services.wallet.withdraw.model import ENDED, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

__all__ = ["WithdrawMetrics"]


class WithdrawMetrics:
    """Of one wallet."""

    def __init__(self, registry: CollectorRegistry, *, assets: list[str]) -> None:
        self._assets = assets
        self._pending = Gauge(
            "outcry_wallet_pending", "Withdrawals that have not ended", ["asset", "state"], registry=registry
        )
        self._hot = Gauge(
            "outcry_wallet_hot_balance",
            "What the hot wallet has, in the chain's units: free, or bound to payments on their way",
            ["asset", "kind"],
            registry=registry,
        )
        self._ungathered = Gauge(
            "outcry_wallet_ungathered",
            "Credited deposits that lie at their users' addresses, in the chain's units",
            ["asset"],
            registry=registry,
        )
        self._held = Counter(
            "outcry_wallet_held_back",
            "Looks at a payment that ended with an error, by its name",
            ["error"],
            registry=registry,
        )
        self._refused = Counter(
            "outcry_wallet_signing_refused", "Refusals of signers, by code", ["code"], registry=registry
        )
        self._stuck = Gauge(
            "outcry_wallet_stuck",
            "1 while a transaction is stuck whose fee can't be raised",
            registry=registry,
        )
        self._raised = Counter("outcry_wallet_fee_raised", "Fees that were raised", registry=registry)
        self._paid = Counter("outcry_wallet_paid", "Withdrawals that arrived", registry=registry)
        self._fees = Counter(
            "outcry_wallet_fees", "What the chain took for them, in its units", registry=registry
        )

    def pending(self, counts: Mapping[tuple[str, State], int]) -> None:
        """How many stand where."""
        for asset in self._assets:
            for state in set(State) - ENDED:
                self._pending.labels(asset, str(state)).set(counts.get((asset, state), 0))

    def hot(self, asset: str, *, free: int, bound: int) -> None:
        """What there is."""
        self._hot.labels(asset, "free").set(free)
        self._hot.labels(asset, "bound").set(bound)

    def ungathered(self, units: Mapping[str, int]) -> None:
        """What lies at deposit addresses."""
        for asset in self._assets:
            self._ungathered.labels(asset).set(units.get(asset, 0))

    def held_back(self, error: str) -> None:
        """A payment did not come further."""
        self._held.labels(error).inc()

    def refused(self, code: str) -> None:
        """Signers won't."""
        self._refused.labels(code).inc()

    def stuck(self, *, why: str) -> None:
        """A transaction lies too long: its fee was raised, or can't be."""
        self._stuck.set(bool(why))
        if not why:
            self._raised.inc()

    def paid(self, withdrawals: int, fee: int) -> None:
        """A payment is confirmed."""
        self._stuck.set(0)
        self._paid.inc(withdrawals)
        self._fees.inc(fee)
