"""Orders that were allowed and whose instruction was not seen yet.

Between the answer to a check and the moment at which the order's instruction is read from the log, the order
is in no log: without reservations a burst of checks would all see the same view, and pass a limit together. A
reservation counts like an open order. It ends when an instruction of the same user, pair and shape is seen,
whichever of several equal ones that is; or after a bound, because what was allowed need not be committed (a
repeated clientOrderId, a database that is away). The bound is above the deadline of the order service's
calls, in which it commits or gives up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reservations", "Shape"]


class Shape(NamedTuple):
    """What a check and the instruction that follows it have in common; `quote` for orders by quote alone."""

    side: int
    type: int
    price: int
    quantity: int
    quote: int


@dataclass(slots=True)
class _Reservation:
    account: tuple[int, str]
    shape: Shape
    notional: int
    ends: float
    over: bool = False


@dataclass(slots=True)
class _Held:
    """What one user has reserved in one pair: of each shape the oldest first."""

    count: int = 0
    notional: int = 0
    shapes: dict[Shape, deque[_Reservation]] = field(default_factory=dict)


NOTHING = _Held()


class Reservations:
    """What was promised; `clock` gives seconds that never go back, `seconds` is how long one lasts."""

    def __init__(self, *, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._by_age: deque[_Reservation] = deque()
        self._held: dict[tuple[int, str], _Held] = {}
        self._count = 0
        self.expired = 0
        """How many ended without an instruction."""

    def __len__(self) -> int:
        """Those that count."""
        return self._count

    def add(self, user_id: int, symbol: str, shape: Shape, *, notional: int) -> None:
        """An order was allowed."""
        made = _Reservation((user_id, symbol), shape, notional, self._clock() + self._seconds)
        self._by_age.append(made)
        held = self._held.setdefault(made.account, _Held())
        held.shapes.setdefault(shape, deque()).append(made)
        held.count += 1
        held.notional += notional
        self._count += 1

    def seen(self, user_id: int, symbol: str, shape: Shape) -> None:
        """An instruction arrived: the oldest reservation of its shape, if there is one, has done its work."""
        alike = self._held.get((user_id, symbol), NOTHING).shapes.get(shape)
        if alike:
            self._end(alike[0])

    def of(self, user_id: int, symbol: str) -> tuple[int, int]:
        """How many a user has in a pair, and what they may come to in tick-lots."""
        self.expire()
        held = self._held.get((user_id, symbol), NOTHING)
        return held.count, held.notional

    def expire(self) -> None:
        """End those whose time is over."""
        now = self._clock()
        while self._by_age and (self._by_age[0].over or self._by_age[0].ends <= now):
            first = self._by_age.popleft()
            if not first.over:
                self._end(first)
                self.expired += 1

    def _end(self, oldest: _Reservation) -> None:
        """End the oldest of its shape: whatever ends one, its time or an instruction, ends that first."""
        oldest.over = True
        held = self._held[oldest.account]
        alike = held.shapes[oldest.shape]
        alike.popleft()
        if not alike:
            del held.shapes[oldest.shape]
        held.count -= 1
        held.notional -= oldest.notional
        self._count -= 1
        if not held.count:
            del self._held[oldest.account]
