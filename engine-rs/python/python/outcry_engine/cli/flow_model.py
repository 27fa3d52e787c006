"""A seeded, endless order flow that looks like a market: the same seed gives the same commands.

A mid price walks at random and is drawn back to its start. Limit orders rest at a geometric distance
from it, some cross, takers come as MARKET and IOC, and cancels keep the number of resting orders near
a target, so that the book stays populated however long the flow runs. The model never asks an engine
anything: it drops orders that its own mid has passed as probably filled, so a few of its cancels meet
filled orders, as in life.

Pure: no clock, no I/O. Numbers are the schema's (ticks, lots, enum values).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BUY: Final = 1
SELL: Final = 2
LIMIT: Final = 1
MARKET: Final = 2
LIMIT_MAKER: Final = 3
GTC: Final = 1
IOC: Final = 2
FOK: Final = 3


class NewOrder(NamedTuple):
    """A new order, with the fields of `outcry.v1.NewOrder`."""

    order_id: int
    user_id: int
    side: int
    type: int
    time_in_force: int
    price: int
    quantity: int


class CancelOrder(NamedTuple):
    """A cancel, with the fields of `outcry.v1.CancelOrder`."""

    order_id: int
    user_id: int


FlowCommand = NewOrder | CancelOrder


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """What the market looks like.

    mid: ticks, where the price starts and is drawn back to. distance: ticks, mean distance of a
    resting order from the mid. smallest, largest: lots of an order. resting: orders that the flow
    keeps in the book. users: how many accounts trade. first_order_id: id of the first order, the
    others count up from it.
    """

    seed: int = 1
    mid: int = 6_000_000
    distance: int = 150
    smallest: int = 20
    largest: int = 20_000
    resting: int = 2_000
    users: int = 1_000
    first_order_id: int = 1

    def __post_init__(self) -> None:
        """Refuse what would give no market."""
        if self.distance < 1 or self.mid <= 20 * self.distance:
            raise ValueError(
                f"mid {self.mid} must be above 20 x distance {self.distance}: raise --mid or lower it"
            )
        if not 1 <= self.smallest <= self.largest:
            raise ValueError(f"order sizes {self.smallest}..{self.largest} lots are no range from 1 up")
        if self.users < 1 or self.resting < 1 or self.first_order_id < 1:
            raise ValueError("users, resting and first_order_id must be at least 1")


def flow(settings: FlowSettings) -> Iterator[FlowCommand]:
    """Yield commands for ever."""
    rng = random.Random(settings.seed)  # noqa: S311 - a market, not a secret
    uniform, log = rng.random, math.log
    scale = -settings.distance
    pull = 1.0 / (20 * settings.distance)
    span = settings.largest - settings.smallest
    users, target = settings.users, settings.resting
    mid, order_id = settings.mid, settings.first_order_id
    open_orders: list[tuple[int, int, int, int]] = []
    while True:
        draw = uniform()
        if draw < 0.10:  # the mid moves, drawn back to its start
            upwards = 0.5 - (mid - settings.mid) * pull
            mid += 1 if uniform() < upwards else -1
        if uniform() < 0.45 * len(open_orders) / target:
            victim = _victim(open_orders, uniform(), mid)
            if victim is not None:
                yield victim
                continue
        chance = uniform()
        side = BUY if chance < 0.5 else SELL
        user_id = 1 + int(users * uniform())
        size = uniform()
        quantity = settings.smallest + int(span * size * size * size * size)
        away = int(log(1.0 - uniform()) * scale)
        kind = uniform()
        if kind < 0.06:
            yield NewOrder(order_id, user_id, side, MARKET, IOC, 0, quantity)
        elif kind < 0.12:
            price = mid + away if side == BUY else mid - away
            yield NewOrder(order_id, user_id, side, LIMIT, IOC if kind < 0.11 else FOK, price, quantity)
        else:
            # One in fourteen crosses the mid a little and takes.
            away = -1 - away // 16 if kind < 0.18 else away + 1
            price = mid - away if side == BUY else mid + away
            maker_only = kind > 0.97
            yield NewOrder(
                order_id, user_id, side, LIMIT_MAKER if maker_only else LIMIT, GTC, price, quantity
            )
            open_orders.append((order_id, user_id, side, price))
        order_id += 1


def _victim(open_orders: list[tuple[int, int, int, int]], draw: float, mid: int) -> CancelOrder | None:
    """Take out an order to cancel; None when the mid has passed it, so that it is probably filled."""
    at = int(draw * len(open_orders))
    order_id, user_id, side, price = open_orders[at]
    open_orders[at] = open_orders[-1]
    open_orders.pop()
    passed = price > mid if side == BUY else price < mid
    return None if passed else CancelOrder(order_id, user_id)
