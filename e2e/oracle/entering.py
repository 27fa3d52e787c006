"""New orders: alone, as the two legs of an OCO, and as stops that become active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import checks, words
from e2e.oracle.commands import NewOrder
from e2e.oracle.events import OrderAccepted, OrderRejected
from e2e.oracle.market import Order
from e2e.oracle.matching import execute
from e2e.oracle.stops import next_activation, rises_to_stop

if TYPE_CHECKING:
    from e2e.oracle.commands import NewOco
    from e2e.oracle.market import Market


def new_order(market: Market, order: NewOrder) -> None:
    """Reject an order, or accept it and let it trade, rest, wait or expire."""
    reason = checks.why_not(market, order)
    if reason:
        market.emit(OrderRejected(order.order_id, order.user_id, reason))
        return
    accepted = _accept(market, order, list_order_id=0)
    if accepted.type in words.STOPS:
        market.wait(accepted)
    elif market.status == words.AUCTION:
        market.rest(accepted)
    else:
        execute(market, accepted)


def new_oco(market: Market, oco: NewOco) -> None:
    """Reject both legs, or let the limit leg rest and the stop leg wait."""
    limit, stop = legs(oco)
    reason = _why_no_oco(market, limit, stop)
    if reason:
        market.emit(OrderRejected(limit.order_id, limit.user_id, reason))
        market.emit(OrderRejected(stop.order_id, stop.user_id, reason))
        return
    resting = _accept(market, limit, list_order_id=stop.order_id)
    waiting = _accept(market, stop, list_order_id=limit.order_id)
    market.rest(resting)
    market.wait(waiting)


# A leg never ends by time: GTD is as wrong for it as a word that does not exist.
_NO_WORD = -1


def legs(oco: NewOco) -> tuple[NewOrder, NewOrder]:
    """The limit leg and the stop leg as orders of their own."""
    limit = NewOrder(
        order_id=oco.limit_order_id,
        user_id=oco.user_id,
        side=oco.side,
        type=words.LIMIT_MAKER,
        time_in_force=words.GTC,
        price=oco.price,
        quantity=oco.quantity,
        display_quantity=oco.display_quantity,
        self_trade_prevention=oco.self_trade_prevention,
        trade_group=oco.trade_group,
    )
    priced = oco.stop_limit_price != 0
    given = oco.stop_time_in_force if oco.stop_time_in_force != words.GTD else _NO_WORD
    stop = NewOrder(
        order_id=oco.stop_order_id,
        user_id=oco.user_id,
        side=oco.side,
        type=words.STOP_LOSS_LIMIT if priced else words.STOP_LOSS,
        time_in_force=words.GTC if priced and given == 0 else given,
        price=oco.stop_limit_price,
        quantity=oco.quantity,
        stop_price=oco.stop_price,
        trailing_delta=oco.trailing_delta,
        self_trade_prevention=oco.self_trade_prevention,
        trade_group=oco.trade_group,
    )
    return limit, stop


def _why_no_oco(market: Market, limit: NewOrder, stop: NewOrder) -> int:
    if market.settings is None:
        return words.NO_SETTINGS
    if market.rules == 1:
        return words.UNSUPPORTED
    return (
        checks.rows_1_to_20(market, limit, room=1)
        or _stop_leg(market, limit, stop)
        or _prices(limit, stop)
        or checks.row_22(market, limit)
        or checks.row_23(market, limit)
    )


def _stop_leg(market: Market, limit: NewOrder, stop: NewOrder) -> int:
    """Rows 1 to 21 of the stop leg, with the limit leg counted as open already."""
    reason = checks.rows_1_to_20(market, stop, room=2)
    if reason in {0, words.TOO_MANY_OPEN_ORDERS} and stop.order_id == limit.order_id:
        return words.DUPLICATE_ORDER_ID
    return reason or checks.row_21(market, stop)


def _prices(limit: NewOrder, stop: NewOrder) -> int:
    apart = limit.price > stop.stop_price if limit.side == words.SELL else limit.price < stop.stop_price
    return words.INVALID_LIST if stop.stop_price != 0 and not apart else 0


def _accept(market: Market, order: NewOrder, *, list_order_id: int) -> Order:
    shown = order.display_quantity
    accepted = Order(
        asked=order,
        order_id=order.order_id,
        user_id=order.user_id,
        side=order.side,
        type=order.type,
        time_in_force=checks.time_in_force(order),
        price=order.price,
        quantity=order.quantity,
        display_quantity=0 if shown == order.quantity else shown,
        stop_price=order.stop_price,
        trailing_delta=order.trailing_delta,
        self_trade_prevention=_mode(market, order),
        trade_group=order.trade_group,
        expire_time_unix_nanos=order.expire_time_unix_nanos,
        list_order_id=list_order_id,
        remaining=order.quote_quantity or order.quantity,
        rises=rises_to_stop(order.type, order.side),
    )
    market.emit(
        OrderAccepted(
            *(accepted.order_id, accepted.user_id, accepted.side, accepted.type, accepted.time_in_force),
            *(accepted.price, accepted.quantity, order.quote_quantity, accepted.display_quantity),
            *(accepted.stop_price, accepted.trailing_delta, accepted.expire_time_unix_nanos),
            accepted.self_trade_prevention if market.rules == 2 else 0,
            list_order_id,
        )
    )
    accepted.age = market.seq
    if accepted.trailing_delta and accepted.stop_price == 0:
        accepted.extreme = market.last
    return accepted


def _mode(market: Market, order: NewOrder) -> int:
    """The self-trade prevention in force: the order's own, else the pair's, else none."""
    pairs = market.settings.filters.self_trade_prevention if market.settings else 0
    return order.self_trade_prevention or pairs or words.NONE


def activate(market: Market) -> None:
    """Let triggered stops become active, one after the other, as far as this command may."""
    while (order := next_activation(market)) is not None:
        _become_active(market, order)


def _become_active(market: Market, order: Order) -> None:
    settings = market.settings
    if settings is not None and order.type not in words.WITHOUT_PRICE:
        if not settings.price_band_lower <= order.price <= settings.price_band_upper:
            market.expire(order, words.PRICE_BAND)
            return
        may_rest = order.time_in_force in {words.GTC, words.GTD}
        total = market.level_total(order.side, order.price) + order.remaining
        if may_rest and total > words.I64_MAX:
            market.expire(order, words.EXPIRED_OVERFLOW)
            return
    execute(market, order)
