"""Whether a pair takes an order, by the engine's own names (`RejectReason`) and in the engine's order.

The table is docs/matching/rejects.md. What only the book knows stays the engine's: whether the order's id is
open, how many orders its account has, whether it would take or trigger. The engine checks everything again:
its pair may have changed while the order was on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import OrderType, Side, TimeInForce

from outcry_services.common.money import I64_MAX

if TYPE_CHECKING:
    from outcry_services.common.pairs import Filters, Pair
    from outcry_services.order.model import Terms

__all__ = ["STOPS", "WITHOUT_PRICE", "may_rest", "time_in_force", "why_not"]

LIMIT, MARKET = OrderType.ORDER_TYPE_LIMIT, OrderType.ORDER_TYPE_MARKET
LIMIT_MAKER = OrderType.ORDER_TYPE_LIMIT_MAKER
STOPS = frozenset(
    {
        OrderType.ORDER_TYPE_STOP_LOSS,
        OrderType.ORDER_TYPE_STOP_LOSS_LIMIT,
        OrderType.ORDER_TYPE_TAKE_PROFIT,
        OrderType.ORDER_TYPE_TAKE_PROFIT_LIMIT,
    }
)
WITHOUT_PRICE = frozenset({MARKET, OrderType.ORDER_TYPE_STOP_LOSS, OrderType.ORDER_TYPE_TAKE_PROFIT})
_RESTING = frozenset({TimeInForce.TIME_IN_FORCE_GTC, TimeInForce.TIME_IN_FORCE_GTD})
_AT_ONCE = frozenset({TimeInForce.TIME_IN_FORCE_IOC, TimeInForce.TIME_IN_FORCE_FOK})

MAX_ICEBERG_PARTS = 100
WHOLE = 10_000
"""Basis points."""


def why_not(terms: Terms, pair: Pair, *, last_price: int, now: int) -> str:
    """The name of the first check that an order fails, empty for none.

    `last_price`: of the pair's last trade in ticks, 0 when it isn't known. `now`: Unix nanoseconds; the
    engine's clock is its own, so that an expiry close to now may pass here and fail there.
    """
    return (
        _status(pair)
        or _words(terms, pair)
        or _status_by_type(terms, pair)
        or _price(terms)
        or _quantity(terms)
        or _display_quantity(terms)
        or _stop(terms)
        or _expire_time(terms, now)
        or _overflow(terms, pair)
        or _price_filters(terms, pair, last_price)
        or _size_filters(terms, pair, last_price)
    )


def time_in_force(terms: Terms) -> int:
    """The time in force that an order gets; 0 for one that its type can't have."""
    given = terms.time_in_force
    if terms.type in WITHOUT_PRICE:
        return TimeInForce.TIME_IN_FORCE_IOC if given in {0, TimeInForce.TIME_IN_FORCE_IOC} else 0
    if terms.type == LIMIT_MAKER:
        return given or TimeInForce.TIME_IN_FORCE_GTC if given in {0, *_RESTING} else 0
    return given


def may_rest(terms: Terms) -> bool:
    """Whether what is left of an order that trades at once stays in the book."""
    return terms.type in {LIMIT, LIMIT_MAKER} and time_in_force(terms) in _RESTING


def reference_price(pair: Pair, last_price: int) -> int:
    """The price that stands for the market, 0 for none. Ticks."""
    return last_price or pair.filters.reference_price


def _status(pair: Pair) -> str:
    return {"HALT": "MARKET_HALTED", "CANCEL_ONLY": "MARKET_CANCEL_ONLY"}.get(pair.trading_status, "")


def _words(terms: Terms, pair: Pair) -> str:
    """Rules version 1 refuses what it doesn't know: words first, then the time in force, then fields."""
    first = pair.rules_version == 1
    if first and (terms.type in STOPS or terms.time_in_force == TimeInForce.TIME_IN_FORCE_GTD):
        return "UNSUPPORTED"
    if not time_in_force(terms):
        return "INVALID_TIME_IN_FORCE"
    newer = (
        terms.quote_quantity,
        terms.display_quantity,
        terms.stop_price,
        terms.trailing_delta,
        terms.self_trade_prevention,
        terms.expire_time_unix_nanos,
    )
    return "UNSUPPORTED" if first and any(newer) else ""


def _status_by_type(terms: Terms, pair: Pair) -> str:
    status = pair.trading_status
    if status == "POST_ONLY" and terms.type != LIMIT_MAKER:
        return "MARKET_POST_ONLY"
    if status == "LIMIT_ONLY" and terms.type in WITHOUT_PRICE:
        return "MARKET_LIMIT_ONLY"
    rests = terms.type == LIMIT and may_rest(terms)
    if status == "AUCTION" and not rests and terms.type not in STOPS:
        return "MARKET_AUCTION"
    return ""


def _price(terms: Terms) -> str:
    wrong = terms.price != 0 if terms.type in WITHOUT_PRICE else terms.price < 1
    return "INVALID_PRICE" if wrong else ""


def _quantity(terms: Terms) -> str:
    if terms.type == MARKET:
        right = (terms.quantity >= 1) != (terms.quote_quantity >= 1)
    else:
        right = terms.quantity >= 1 and terms.quote_quantity == 0
    return "" if right else "INVALID_QUANTITY"


def _display_quantity(terms: Terms) -> str:
    display = terms.display_quantity
    if display == 0:
        return ""
    at_once = terms.type in WITHOUT_PRICE or time_in_force(terms) in _AT_ONCE
    parts_fit = display <= terms.quantity <= display * MAX_ICEBERG_PARTS
    return "INVALID_DISPLAY_QUANTITY" if at_once or not parts_fit else ""


def _stop(terms: Terms) -> str:
    if terms.type not in STOPS:
        if terms.stop_price != 0:
            return "INVALID_STOP_PRICE"
        return "INVALID_TRAILING_DELTA" if terms.trailing_delta != 0 else ""
    if terms.stop_price == 0 and terms.trailing_delta == 0:
        return "INVALID_STOP_PRICE"
    return "" if terms.trailing_delta < WHOLE else "INVALID_TRAILING_DELTA"


def _expire_time(terms: Terms, now: int) -> str:
    expires = terms.expire_time_unix_nanos
    by_date = terms.time_in_force == TimeInForce.TIME_IN_FORCE_GTD
    wrong = not now < expires <= I64_MAX if by_date else expires != 0
    return "INVALID_EXPIRE_TIME" if wrong else ""


def _overflow(terms: Terms, pair: Pair) -> str:
    price = pair.band_upper if terms.type in WITHOUT_PRICE else terms.price
    return "OVERFLOW" if price * terms.quantity > I64_MAX else ""


def _price_filters(terms: Terms, pair: Pair, last_price: int) -> str:
    if terms.type in WITHOUT_PRICE:
        return ""
    price, filters = terms.price, pair.filters
    if not pair.band_lower <= price <= pair.band_upper:
        return "PRICE_OUT_OF_BAND"
    if price < filters.min_price or 0 < filters.max_price < price:
        return "PRICE_FILTER"
    up, down = _multipliers(terms, filters)
    reference = reference_price(pair, last_price)
    too_high = up != 0 and price * WHOLE > reference * up
    too_low = down != 0 and price * WHOLE < reference * down
    return "PERCENT_PRICE" if reference and (too_high or too_low) else ""


def _multipliers(terms: Terms, filters: Filters) -> tuple[int, int]:
    if terms.side == Side.SIDE_BUY:
        return filters.bid_multiplier_up_bps, filters.bid_multiplier_down_bps
    return filters.ask_multiplier_up_bps, filters.ask_multiplier_down_bps


def _size_filters(terms: Terms, pair: Pair, last_price: int) -> str:
    filters, quantity = pair.filters, terms.quantity
    by_quote = terms.quote_quantity != 0
    if not by_quote and (quantity < filters.min_quantity or 0 < filters.max_quantity < quantity):
        return "LOT_SIZE"
    notional = terms.price * quantity
    if terms.type in WITHOUT_PRICE:
        reference = reference_price(pair, last_price)
        if not filters.notional_applies_to_market or not (by_quote or reference):
            return ""
        notional = terms.quote_quantity if by_quote else reference * quantity
    if notional < pair.min_notional:
        return "NOTIONAL_TOO_SMALL"
    return "NOTIONAL_TOO_LARGE" if 0 < filters.max_notional < notional else ""
