"""What ends or lessens open orders: cancels of every kind, amendments, time and timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.auction import show_indicative
from e2e.oracle.entering import new_order
from e2e.oracle.events import (
    AmendRejected,
    CancelRejected,
    DisconnectTimerFired,
    DisconnectTimerRejected,
    DisconnectTimerSet,
    MassCancelled,
    MassCancelRejected,
    OrderAmended,
    OrderCancelled,
    OrderRejected,
)

if TYPE_CHECKING:
    from e2e.oracle.commands import (
        AmendOrder,
        CancelOrder,
        CancelReplace,
        MassCancel,
        PairSettings,
        SetDisconnectTimer,
        Tick,
    )
    from e2e.oracle.market import Market, Order


def cancel_order(market: Market, cancel: CancelOrder) -> None:
    """End an order, and with it the other leg of its OCO."""
    _try_cancel(market, cancel.order_id, cancel.user_id)


def cancel_replace(market: Market, replace: CancelReplace) -> None:
    """End an order, then enter another; `mode` says whether the second needs the first."""
    order = replace.order
    refused = _why_no_replace(market, replace)
    if refused:
        market.emit(CancelRejected(replace.cancel_order_id, order.user_id, refused))
        market.emit(OrderRejected(order.order_id, order.user_id, refused))
        return
    cancelled = _try_cancel(market, replace.cancel_order_id, order.user_id)
    if cancelled or replace.mode == words.ALLOW_FAILURE:
        new_order(market, order)
    else:
        market.emit(OrderRejected(order.order_id, order.user_id, words.NOT_ATTEMPTED))


def _why_no_replace(market: Market, replace: CancelReplace) -> int:
    if market.settings is None:
        return words.NO_SETTINGS
    if market.rules == 1:
        return words.UNSUPPORTED
    return 0 if replace.mode in {words.STOP_ON_FAILURE, words.ALLOW_FAILURE} else words.INVALID_MODE


def _try_cancel(market: Market, order_id: int, user_id: int) -> bool:
    """Cancel an order or say why not; whether it was cancelled."""
    reason = _why_no_cancel(market, order_id, user_id)
    if reason:
        market.emit(CancelRejected(order_id, user_id, reason))
        return False
    _cancel(market, market.open[order_id])
    return True


def _why_no_cancel(market: Market, order_id: int, user_id: int) -> int:
    if market.settings is None:
        return words.NO_SETTINGS
    if market.status == words.HALT:
        return words.MARKET_HALTED
    return _why_not_his(market, order_id, user_id)


def _why_not_his(market: Market, order_id: int, user_id: int) -> int:
    if order_id == 0:
        return words.INVALID_ORDER_ID
    if user_id == 0:
        return words.INVALID_USER_ID
    if order_id not in market.open:
        return words.UNKNOWN_ORDER
    return 0 if market.open[order_id].user_id == user_id else words.NOT_OWNER


def _cancel(market: Market, order: Order) -> int:
    """End an order and its other leg by their owner's will; how many ended."""
    other = market.take_other_leg(order)
    market.remove(order)
    ended = [order] if other is None else [order, other]
    for each in ended:
        market.emit(OrderCancelled(each.order_id, each.user_id, each.remaining))
    return len(ended)


def amend_order(market: Market, amend: AmendOrder) -> None:
    """Lower an order's quantity; what is hidden goes first."""
    reason = _why_no_amendment(market, amend)
    if reason:
        market.emit(AmendRejected(amend.order_id, amend.user_id, reason))
        return
    order = market.open[amend.order_id]
    order.remaining -= order.quantity - amend.quantity
    order.quantity = amend.quantity
    order.displayed = min(order.displayed, order.remaining)
    market.emit(OrderAmended(order.order_id, order.user_id, order.quantity, order.remaining))


def _why_no_amendment(market: Market, amend: AmendOrder) -> int:
    settings = market.settings
    if settings is None:
        return words.NO_SETTINGS
    if market.rules == 1:
        return words.UNSUPPORTED
    if market.status in {words.HALT, words.CANCEL_ONLY}:
        return words.MARKET_HALTED if market.status == words.HALT else words.MARKET_CANCEL_ONLY
    return _why_not_his(market, amend.order_id, amend.user_id) or _why_not_less(market, settings, amend)


def _why_not_less(market: Market, settings: PairSettings, amend: AmendOrder) -> int:
    order = market.open[amend.order_id]
    if order.list_order_id != 0:
        return words.PART_OF_LIST
    gone = order.quantity - order.remaining
    if amend.quantity >= order.quantity or amend.quantity - gone < 1:
        return words.INVALID_QUANTITY
    if amend.quantity < settings.filters.min_quantity:
        return words.LOT_SIZE
    priced = order.type not in words.WITHOUT_PRICE
    too_small = priced and order.price * amend.quantity < settings.min_notional
    return words.NOTIONAL_TOO_SMALL if too_small else 0


def mass_cancel(market: Market, cancel: MassCancel) -> None:
    """End the open orders of a user or of all, on one side or both, by rising id."""
    reason = _why_no_mass_cancel(market, cancel)
    if reason:
        market.emit(MassCancelRejected(cancel.user_id, reason))
        return
    ended = 0
    for order in sorted(market.open.values(), key=lambda order: order.order_id):
        meant = cancel.user_id in {0, order.user_id} and cancel.side in {0, order.side}
        if meant and order.order_id in market.open:
            ended += _cancel(market, order)
    market.emit(MassCancelled(cancel.user_id, cancel.side, ended))


def _why_no_mass_cancel(market: Market, cancel: MassCancel) -> int:
    if market.settings is None:
        return words.NO_SETTINGS
    if market.rules == 1:
        return words.UNSUPPORTED
    if market.status == words.HALT:
        return words.MARKET_HALTED
    by_operator = market.command is not None and market.command.source == words.OPERATOR
    if cancel.user_id == 0 and not by_operator:
        return words.INVALID_USER_ID
    return 0 if cancel.side in {0, words.BUY, words.SELL} else words.INVALID_SIDE


def set_disconnect_timer(market: Market, timer: SetDisconnectTimer) -> None:
    """Move a user's deadline, or take it away."""
    reason = _why_no_timer(market, timer)
    if reason:
        market.emit(DisconnectTimerRejected(timer.user_id, reason))
        return
    deadline = 0
    if timer.timeout_millis == 0:
        market.timers.pop(timer.user_id, None)
    else:
        deadline = min(market.clock + timer.timeout_millis * 1_000_000, words.I64_MAX)
        market.timers[timer.user_id] = deadline
    market.emit(DisconnectTimerSet(timer.user_id, deadline))


def _why_no_timer(market: Market, timer: SetDisconnectTimer) -> int:
    if market.settings is None:
        return words.NO_SETTINGS
    if market.rules == 1:
        return words.UNSUPPORTED
    if timer.user_id == 0:
        return words.INVALID_USER_ID
    return words.INVALID_TIMEOUT if timer.timeout_millis > words.DAY_MILLIS else 0


def tick(market: Market, tick: Tick) -> None:
    """Move the clock and do what had to be done by then."""
    if tick.time_unix_nanos <= market.clock:
        return
    market.clock = tick.time_unix_nanos
    if market.rules == 1:
        return
    _expire_by_date(market)
    _fire_timers(market)
    show_indicative(market)


def _expire_by_date(market: Market) -> None:
    due = [
        order
        for order in market.open.values()
        if order.time_in_force == words.GTD and order.expire_time_unix_nanos <= market.clock
    ]
    for order in sorted(due, key=lambda order: (order.expire_time_unix_nanos, order.order_id)):
        market.remove(order)
        market.expire(order, words.GOOD_TILL_DATE)


def _fire_timers(market: Market) -> None:
    due = sorted((deadline, user) for user, deadline in market.timers.items() if deadline <= market.clock)
    for _, user in due:
        del market.timers[user]
        ended = 0
        for order in sorted(market.open.values(), key=lambda order: order.order_id):
            if order.user_id == user and order.order_id in market.open:
                ended += _disconnect(market, order)
        market.emit(DisconnectTimerFired(user, ended))


def _disconnect(market: Market, order: Order) -> int:
    """End an order and its other leg because their owner is gone; how many ended."""
    other = market.take_other_leg(order)
    market.remove(order)
    ended = [order] if other is None else [order, other]
    for each in ended:
        market.expire(each, words.DISCONNECTED)
    return len(ended)
