"""What the holds of open orders know, kept at hand: a trade then needs one exchange with Redis, not two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_services.position.facts import Facts

__all__ = ["FactsCache"]


class FactsCache:
    """Never the truth: what it lacks is in Redis. Facts don't change while an order lives."""

    def __init__(self, *, most: int = 1 << 20) -> None:
        self._most = most
        self._facts: dict[int, Facts] = {}

    def get(self, order_id: int) -> Facts | None:
        """Of one order, if they are here."""
        return self._facts.get(order_id)

    def put(self, order_id: int, facts: Facts) -> None:
        """Keep them; the oldest make room."""
        if len(self._facts) >= self._most:
            del self._facts[next(iter(self._facts))]
        self._facts[order_id] = facts

    def drop(self, order_id: int) -> None:
        """The order has ended."""
        self._facts.pop(order_id, None)
