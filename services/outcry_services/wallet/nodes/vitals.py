"""How fast a node answers and how often it doesn't: running averages, from every call made. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_services.wallet.nodes.policy import Policy

__all__ = ["Vitals", "by_cost", "cost"]

# Below it, latencies say nothing of nodes, and weights alone decide.
LEAST_LATENCY = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """Of one node."""

    latency: float = 0.0
    """Seconds. It rises at once to a slower answer and falls by and by, so that a node that has become slow
    is felt at its first slow answer."""
    error_rate: float = 0.0
    """0 to 1."""
    failures: int = 0
    """In a row."""

    def answered(self, seconds: float, policy: Policy) -> Vitals:
        """After an answer that took so long; a refusal is an answer."""
        return Vitals(
            latency=self._latency(seconds, policy),
            error_rate=self.error_rate * (1 - policy.smoothing),
        )

    def failed(self, seconds: float, policy: Policy) -> Vitals:
        """After a call that brought nothing in so long."""
        return Vitals(
            latency=self._latency(max(seconds, self.latency), policy),
            error_rate=self.error_rate + (1 - self.error_rate) * policy.smoothing,
            failures=self.failures + 1,
        )

    def abandoned(self, seconds: float, policy: Policy) -> Vitals:
        """After a call that was given up, another node being quicker: it would have taken longer yet."""
        return replace(self, latency=self._latency(max(seconds, self.latency), policy))

    def ailing(self, policy: Policy) -> bool:
        """Whether it fails too often to be asked."""
        return self.failures >= policy.eject_failures or self.error_rate > policy.eject_error_rate

    def _latency(self, seconds: float, policy: Policy) -> float:
        if seconds >= self.latency:
            return seconds
        return self.latency + (seconds - self.latency) * policy.smoothing


def cost(vitals: Vitals, *, weight: float, in_flight: int) -> float:
    """What one more read costs at a node: its latency, times what it has in hand, over what it is worth."""
    waiting = max(vitals.latency, LEAST_LATENCY) * (1 + in_flight)
    return waiting / (weight * max(1 - vitals.error_rate, 0.01))


def by_cost(costs: Mapping[str, float], *, among: Iterable[str]) -> list[str]:
    """The nodes `among`, the cheapest first; equal ones by name, so that the order is repeatable."""
    return sorted(among, key=lambda name: (costs[name], name))
