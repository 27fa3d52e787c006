"""Our fills against the recorded ones, order by order, and why the rest differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from e2e.recorded.fills import ROUNDING, created, fill_rows, recorded_fill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.recorded.rows import Recording, Row

BEFORE = "rested before the recording began"
ROUNDED = "rounded by the exchange"
HIDDEN = "filled, but recorded as deleted with its volume left"
REPRICED = "market order that the exchange re-priced by the money left"
KNOCK_ON = "traded with an order that differs"
UNEXPLAINED = "unexplained"

# A deletion and the other side's fill that it hides are received within this many milliseconds.
_HIDDEN_MS = 10


@dataclass(frozen=True, kw_only=True)
class Trade:
    """One trade of ours, by recorded order ids."""

    maker: int
    taker: int
    quantity: int


@dataclass
class Agreement:
    """How many orders, and what volume of recorded fills, agree exactly; and the rest by cause."""

    orders: int = 0
    agreeing_orders: int = 0
    volume: int = 0
    agreeing_volume: int = 0
    causes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def by_orders(self) -> float:
        """Share of the orders whose filled quantity agrees exactly."""
        return self.agreeing_orders / self.orders

    @property
    def by_volume(self) -> float:
        """Share of the recorded filled volume that belongs to those orders."""
        return self.agreeing_volume / self.volume

    def table(self) -> str:
        """For people."""
        head = (
            f"{self.agreeing_orders} of {self.orders} recorded orders fill exactly ({self.by_orders:.2%}), "
            f"with {self.by_volume:.2%} of the filled volume; the rest:"
        )
        lines = [head]
        for cause, counts in sorted(self.causes.items()):
            share = counts["volume"] / self.volume
            lines.append(f"  {counts['orders']:>5} orders, {share:>6.2%} of the volume: {cause}")
        return "\n".join(lines)


def compare(recording: Recording, trades: Iterable[Trade]) -> Agreement:
    """Compare the fills of every order that the recording saw from its beginning."""
    filled = fill_rows(recording)
    ours: Counter[int] = Counter()
    partners: dict[int, set[int]] = defaultdict(set)
    for trade in trades:
        for one, other in ((trade.maker, trade.taker), (trade.taker, trade.maker)):
            ours[one] += trade.quantity
            partners[one].add(other)
    agreement = Agreement()
    differing: dict[int, int] = {}
    for order_id, rows in recording.orders.items():
        recorded = recorded_fill(rows, filled)
        agreement.orders += 1
        agreement.volume += recorded
        if ours[order_id] == recorded:
            agreement.agreeing_orders += 1
            agreement.agreeing_volume += recorded
        else:
            differing[order_id] = recorded
    for order_id, recorded in differing.items():
        known = _Differing(recording, filled, order_id, ours[order_id], recorded)
        cause = _cause(known, any(partner in differing for partner in partners[order_id]))
        agreement.causes[cause]["orders"] += 1
        agreement.causes[cause]["volume"] += recorded
    return agreement


@dataclass(frozen=True)
class _Differing:
    recording: Recording
    filled: dict[int, int]
    order_id: int
    ours: int
    recorded: int

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.recording.orders[self.order_id]


def _cause(known: _Differing, partner_differs: bool) -> str:
    if not created(known.rows):
        return BEFORE
    if abs(known.ours - known.recorded) <= ROUNDING:
        return ROUNDED
    if any(_hides_a_fill(known, row) for row in known.rows if row.cancels):
        return HIDDEN
    if len({row.price for row in known.rows}) > 1:
        return REPRICED
    return KNOCK_ON if partner_differs else UNEXPLAINED


def _hides_a_fill(known: _Differing, row: Row) -> bool:
    """Whether the other side was filled just as this order was deleted."""
    around = known.recording.rows[max(0, row.at - 2) : row.at + 3]
    return any(
        other.bid != row.bid
        and other.at in known.filled
        and abs(other.timestamp - row.timestamp) <= _HIDDEN_MS
        for other in around
    )
