"""What a user has open and has traded in a pair: counts and tick-lots."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Account", "OpenOrder", "day_of"]

DAY_NANOS = 86_400 * 10**9
DAYS_KEPT = 2


def day_of(time_unix_nanos: int) -> int:
    """The UTC day of a time, counted from 1970."""
    return time_unix_nanos // DAY_NANOS


@dataclass(slots=True)
class OpenOrder:
    """An order from its instruction to its end.

    `worth` is what it may come to when nothing of `whole` has traded, in tick-lots; `left` and `whole` are
    lots, or tick-lots of an order by quote.
    """

    user_id: int
    symbol: str
    worth: int
    whole: int
    left: int

    @property
    def exposure(self) -> int:
        """What is left of it may come to this many tick-lots: rounded up."""
        return -(-self.worth * self.left // self.whole)


@dataclass(slots=True)
class Account:
    """One user in one pair."""

    open_orders: int = 0
    exposure: int = 0
    """Tick-lots that the open orders may still trade."""
    volumes: dict[int, int] = field(default_factory=dict)
    """Tick-lots traded, by UTC day."""

    def enter(self, order: OpenOrder) -> None:
        """An order is open."""
        self.open_orders += 1
        self.exposure += order.exposure

    def shrink(self, order: OpenOrder, left: int) -> None:
        """What is left of an order changes; 0 ends it."""
        self.exposure -= order.exposure
        order.left = left
        if left:
            self.exposure += order.exposure
        else:
            self.open_orders -= 1

    def trade(self, day: int, notional: int) -> None:
        """So many tick-lots were traded on a day. Days before the last few are forgotten."""
        self.volumes[day] = self.volumes.get(day, 0) + notional
        if len(self.volumes) > DAYS_KEPT:
            del self.volumes[min(self.volumes)]

    def volume(self, day: int) -> int:
        """Tick-lots traded on a day."""
        return self.volumes.get(day, 0)

    def forget_before(self, day: int) -> None:
        """Forget what was traded before a day."""
        for old in [one for one in self.volumes if one < day]:
            del self.volumes[old]

    @property
    def blank(self) -> bool:
        """Whether forgetting it would lose nothing."""
        return not self.open_orders and not self.volumes
