"""What an amount of any asset is worth in BTC by the last trades. Exact fractions; pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BTC", "Quoted", "in_btc", "rates_to_btc"]

BTC = "BTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoted:
    """A pair's last price: quote ledger units for one base ledger unit."""

    base: str
    quote: str
    rate: Fraction


def rates_to_btc(quoted: Iterable[Quoted]) -> dict[str, Fraction]:
    """BTC ledger units for a unit of each asset, over the fewest pairs in between; others are missing."""
    steps: dict[str, list[tuple[str, Fraction]]] = {}
    for one in sorted(quoted, key=lambda pair: (pair.base, pair.quote)):
        if one.rate > 0:
            steps.setdefault(one.quote, []).append((one.base, one.rate))
            steps.setdefault(one.base, []).append((one.quote, 1 / one.rate))
    rates = {BTC: Fraction(1)}
    queue = deque([BTC])
    while queue:
        known = queue.popleft()
        # `factor`: units of the known asset for one of the other's.
        for asset, factor in steps.get(known, ()):
            if asset not in rates:
                rates[asset] = rates[known] * factor
                queue.append(asset)
    return rates


def in_btc(amounts: Mapping[str, int], rates: Mapping[str, Fraction]) -> int | None:
    """The worth of all amounts together in BTC ledger units, rounded up; None if one can't be valued."""
    total = Fraction(0)
    for asset, amount in amounts.items():
        if amount == 0:
            continue
        if asset not in rates:
            return None
        total += abs(amount) * rates[asset]
    return -(-total.numerator // total.denominator)
