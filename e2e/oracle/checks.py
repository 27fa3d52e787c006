"""The checks of a new order, row by row of the table in `docs/matching.md`.

Each function is a row or a few and gives the reject reason, or 0. The first that fails names the reject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.stops import condition_holds

if TYPE_CHECKING:
    from e2e.oracle.commands import NewOrder, PairSettings
    from e2e.oracle.market import Market


def why_not(market: Market, order: NewOrder) -> int:
    """The reject reason of a new order, or 0."""
    return (
        rows_1_to_20(market, order, room=1)
        or row_21(market, order)
        or row_22(market, order)
        or row_23(market, order)
    )


def rows_1_to_20(market: Market, order: NewOrder, *, room: int) -> int:
    """Everything but what the book's other side and level say; `room`: orders that must fit."""
    settings = market.settings
    if settings is None:
        return words.NO_SETTINGS
    return (
        _status(settings)
        or _identity(order)
        or (_new_words(order) if settings.rules_version == 1 else 0)
        or _time_in_force(order)
        or (_new_fields(order) if settings.rules_version == 1 else 0)
        or _mode(order)
        or _status_by_type(settings, order)
        or _price(order)
        or _quantity(order)
        or _display_quantity(order)
        or _stop(order)
        or _expire_time(market, order)
        or _overflow(settings, order)
        or _price_filters(market, settings, order)
        or _size_filters(market, settings, order)
        or _room(market, settings, order, room)
    )


def time_in_force(order: NewOrder) -> int:
    """The time in force that an order gets; 0 for a word that its type cannot have."""
    given = order.time_in_force
    if order.type in words.WITHOUT_PRICE:
        return words.IOC if given in {0, words.IOC} else 0
    if order.type == words.LIMIT_MAKER:
        return {0: words.GTC, words.GTC: words.GTC, words.GTD: words.GTD}.get(given, 0)
    return given if words.GTC <= given <= words.GTD else 0


def may_rest(order: NewOrder) -> bool:
    """Whether what is left of an order that trades at once stays in the book."""
    return order.type in {words.LIMIT, words.LIMIT_MAKER} and time_in_force(order) in {words.GTC, words.GTD}


def crosses(side: int, limit: int, price: int) -> bool:
    """Whether an order of this side and limit may trade at a price."""
    return price <= limit if side == words.BUY else price >= limit


def _status(settings: PairSettings) -> int:
    if settings.trading_status == words.HALT:
        return words.MARKET_HALTED
    return words.MARKET_CANCEL_ONLY if settings.trading_status == words.CANCEL_ONLY else 0


def _identity(order: NewOrder) -> int:
    if order.order_id == 0:
        return words.INVALID_ORDER_ID
    if order.user_id == 0:
        return words.INVALID_USER_ID
    if order.side not in {words.BUY, words.SELL}:
        return words.INVALID_SIDE
    return 0 if words.LIMIT <= order.type <= words.TAKE_PROFIT_LIMIT else words.INVALID_ORDER_TYPE


def _new_words(order: NewOrder) -> int:
    """Rules version 1 refuses the words that it does not know."""
    return words.UNSUPPORTED if order.type in words.STOPS or order.time_in_force == words.GTD else 0


def _time_in_force(order: NewOrder) -> int:
    return 0 if time_in_force(order) else words.INVALID_TIME_IN_FORCE


def _new_fields(order: NewOrder) -> int:
    """Rules version 1 refuses the fields that it does not know: all behind the quantity."""
    return words.UNSUPPORTED if any(order[7:]) else 0


def _mode(order: NewOrder) -> int:
    return 0 if 0 <= order.self_trade_prevention <= words.DECREMENT else words.INVALID_STP_MODE


def _status_by_type(settings: PairSettings, order: NewOrder) -> int:
    status = settings.trading_status
    if status == words.POST_ONLY and order.type != words.LIMIT_MAKER:
        return words.MARKET_POST_ONLY
    if status == words.LIMIT_ONLY and order.type in words.WITHOUT_PRICE:
        return words.MARKET_LIMIT_ONLY
    rests = order.type == words.LIMIT and may_rest(order)
    if status == words.AUCTION and not rests and order.type not in words.STOPS:
        return words.MARKET_AUCTION
    return 0


def _price(order: NewOrder) -> int:
    wrong = order.price != 0 if order.type in words.WITHOUT_PRICE else order.price < 1
    return words.INVALID_PRICE if wrong else 0


def _quantity(order: NewOrder) -> int:
    if order.type == words.MARKET:
        by_quantity = order.quantity >= 1 and order.quote_quantity == 0
        by_quote = order.quote_quantity >= 1 and order.quantity == 0
        return 0 if by_quantity or by_quote else words.INVALID_QUANTITY
    return 0 if order.quantity >= 1 and order.quote_quantity == 0 else words.INVALID_QUANTITY


def _display_quantity(order: NewOrder) -> int:
    display = order.display_quantity
    if display == 0:
        return 0
    at_once = order.type in words.WITHOUT_PRICE or time_in_force(order) in {words.IOC, words.FOK}
    parts_fit = display <= order.quantity <= display * words.MAX_ICEBERG_PARTS
    return words.INVALID_DISPLAY_QUANTITY if at_once or not parts_fit else 0


def _stop(order: NewOrder) -> int:
    if order.type not in words.STOPS:
        if order.stop_price != 0:
            return words.INVALID_STOP_PRICE
        return words.INVALID_TRAILING_DELTA if order.trailing_delta != 0 else 0
    if order.stop_price < 0 or (order.stop_price == 0 and order.trailing_delta == 0):
        return words.INVALID_STOP_PRICE
    return 0 if 0 <= order.trailing_delta <= 9999 else words.INVALID_TRAILING_DELTA


def _expire_time(market: Market, order: NewOrder) -> int:
    expires = order.expire_time_unix_nanos
    wrong = expires <= market.clock if order.time_in_force == words.GTD else expires != 0
    return words.INVALID_EXPIRE_TIME if wrong else 0


def _overflow(settings: PairSettings, order: NewOrder) -> int:
    price = settings.price_band_upper if order.type in words.WITHOUT_PRICE else order.price
    return words.OVERFLOW if price * order.quantity > words.I64_MAX else 0


def _price_filters(market: Market, settings: PairSettings, order: NewOrder) -> int:
    if order.type in words.WITHOUT_PRICE:
        return 0
    price, filters = order.price, settings.filters
    if not settings.price_band_lower <= price <= settings.price_band_upper:
        return words.PRICE_OUT_OF_BAND
    if price < filters.min_price or (filters.max_price and price > filters.max_price):
        return words.PRICE_FILTER
    if order.side == words.BUY:
        up, down = filters.bid_multiplier_up_bps, filters.bid_multiplier_down_bps
    else:
        up, down = filters.ask_multiplier_up_bps, filters.ask_multiplier_down_bps
    reference = market.reference
    too_high = up != 0 and price * 10_000 > reference * up
    too_low = down != 0 and price * 10_000 < reference * down
    return words.PERCENT_PRICE if reference and (too_high or too_low) else 0


def _size_filters(market: Market, settings: PairSettings, order: NewOrder) -> int:
    filters = settings.filters
    by_quote = order.quote_quantity != 0
    too_small = order.quantity < filters.min_quantity
    too_large = filters.max_quantity != 0 and order.quantity > filters.max_quantity
    if not by_quote and (too_small or too_large):
        return words.LOT_SIZE
    if order.type in words.WITHOUT_PRICE:
        if not filters.notional_applies_to_market or not (by_quote or market.reference):
            return 0
        notional = order.quote_quantity if by_quote else market.reference * order.quantity
    else:
        notional = order.price * order.quantity
    if notional < settings.min_notional:
        return words.NOTIONAL_TOO_SMALL
    return words.NOTIONAL_TOO_LARGE if filters.max_notional and notional > filters.max_notional else 0


def _room(market: Market, settings: PairSettings, order: NewOrder, room: int) -> int:
    if order.order_id in market.open:
        return words.DUPLICATE_ORDER_ID
    most = settings.filters.max_open_orders
    if most == 0 or not (may_rest(order) or order.type in words.STOPS):
        return 0
    has = sum(each.user_id == order.user_id for each in market.open.values())
    return words.TOO_MANY_OPEN_ORDERS if has + room > most else 0


def row_21(market: Market, order: NewOrder) -> int:
    """A stop whose condition holds already."""
    if order.type not in words.STOPS or market.last == 0 or order.stop_price == 0:
        return 0
    holds = condition_holds(order.type, order.side, order.stop_price, market.last)
    return words.WOULD_TRIGGER if holds else 0


def row_22(market: Market, order: NewOrder) -> int:
    """A LIMIT_MAKER that would trade."""
    if order.type != words.LIMIT_MAKER:
        return 0
    makers = market.sides[words.SELL if order.side == words.BUY else words.BUY]
    takes = bool(makers) and crosses(order.side, order.price, makers[0].price)
    return words.WOULD_TAKE if takes else 0


def row_23(market: Market, order: NewOrder) -> int:
    """A level whose total would leave its integer."""
    if not may_rest(order):
        return 0
    total = market.level_total(order.side, order.price) + order.quantity
    return words.OVERFLOW if total > words.I64_MAX else 0
