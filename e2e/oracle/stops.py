"""Stops: what a trade does to those that wait, and how the queue of triggered ones is worked off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.events import OrderTriggered

if TYPE_CHECKING:
    from e2e.oracle.market import Market, Order


def condition_holds(kind: int, side: int, stop_price: int, price: int) -> bool:
    """Whether a price meets a stop price."""
    return price >= stop_price if rises_to_stop(kind, side) else price <= stop_price


def rises_to_stop(kind: int, side: int) -> bool:
    """Whether a stop's condition is a price at its stop price or above; else at it or below."""
    stop_loss = kind in {words.STOP_LOSS, words.STOP_LOSS_LIMIT}
    return stop_loss == (side == words.BUY)


def look_at_trade(market: Market, price: int) -> None:
    """Every waiting stop sees the price of a trade; those that it triggers join the queue."""
    # Many wait, and few of them for this price: the others are passed over without a call.
    concerned = [
        order
        for order in market.waiting
        if order.extreme
        or order.stop_price == 0
        or (price >= order.stop_price if order.rises else price <= order.stop_price)
    ]
    triggered = [order for order in concerned if _triggers(order, price)]
    for order in sorted(triggered, key=_turn):
        market.waiting.remove(order)
        order.state = "queued"
        market.queue.append(order)


def _triggers(order: Order, price: int) -> bool:
    """Whether a trade triggers a stop that tracks, or that it meets; moves what the stop tracks."""
    if order.trailing_delta == 0:
        order.trigger_price = order.stop_price
        return True
    if order.extreme == 0:
        order.extreme = price
        return False
    if order.side == words.SELL:
        order.extreme = max(order.extreme, price)
        scaled = order.extreme * (10_000 - order.trailing_delta)
        order.trigger_price = scaled // 10_000
        return price * 10_000 <= scaled
    order.extreme = min(order.extreme, price)
    scaled = order.extreme * (10_000 + order.trailing_delta)
    order.trigger_price = -(-scaled // 10_000)
    return price * 10_000 >= scaled


def _turn(order: Order) -> tuple[int, int, int]:
    """Rising ones from the lowest trigger price, then falling ones from the highest, then by age."""
    tracks = order.trailing_delta != 0
    rising = order.side == words.BUY if tracks else order.rises
    return (0, order.trigger_price, order.age) if rising else (1, -order.trigger_price, order.age)


def next_activation(market: Market) -> Order | None:
    """The stop whose turn it is, out of the queue and announced; nothing when none may go on.

    What made it a stop is forgotten with that; its type stays.
    """
    if not market.queue or market.budget == 0 or market.status != words.TRADING:
        return None
    market.budget -= 1
    order = market.queue[0]
    market.remove(order)
    market.expire_other_leg(order)
    market.emit(OrderTriggered(order.order_id, order.user_id, order.trigger_price))
    order.stop_price = order.trailing_delta = 0
    return order
