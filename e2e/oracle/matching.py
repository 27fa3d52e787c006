"""How a taker meets the other side of the book."""

from __future__ import annotations

from itertools import groupby, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.checks import crosses
from e2e.oracle.events import SelfTradePrevented, TradeExecuted
from e2e.oracle.stops import look_at_trade

if TYPE_CHECKING:
    from e2e.oracle.market import Market, Order


def execute(market: Market, taker: Order) -> None:
    """Trade what can be traded; what is left of the taker rests or expires."""
    limit = _limit(market, taker)
    if taker.time_in_force == words.FOK and not fills_whole(market, taker, limit):
        market.expire(taker, words.FILL_OR_KILL)
        return
    ended = match(market, taker, limit)
    if ended or taker.remaining == 0:
        return
    if taker.time_in_force in {words.GTC, words.GTD}:
        market.rest(taker)
    else:
        market.expire(taker, words.IMMEDIATE_OR_CANCEL)


def _limit(market: Market, taker: Order) -> int:
    """The worst price that a taker may trade at: its own, or the edge of the band."""
    if taker.type not in words.WITHOUT_PRICE or market.settings is None:
        return taker.price
    buys = taker.side == words.BUY
    return market.settings.price_band_upper if buys else market.settings.price_band_lower


def match(market: Market, taker: Order, limit: int) -> bool:
    """Trade until nothing crosses; whether self-trade prevention ended the taker."""
    makers = market.sides[words.SELL if taker.side == words.BUY else words.BUY]
    while taker.remaining and makers and crosses(taker.side, limit, makers[0].price):
        maker = makers[0]
        by_quote = taker.asked.quote_quantity != 0
        wanted = taker.remaining // maker.price if by_quote else taker.remaining
        if wanted == 0:
            return False
        quantity = min(wanted, maker.displayed)
        mode = taker.self_trade_prevention if is_own(taker, maker) else words.NONE
        if mode == words.NONE:
            _trade(market, taker, maker, quantity, by_quote=by_quote)
        elif mode == words.DECREMENT:
            _decrement(market, taker, maker, quantity, by_quote=by_quote)
        elif _expire_in_match(market, taker, maker, mode):
            return True
    return False


def is_own(taker: Order, maker: Order) -> bool:
    """Whether two orders are of one account or trade group."""
    same_group = taker.trade_group != 0 and taker.trade_group == maker.trade_group
    return taker.user_id == maker.user_id or same_group


def fills_whole(market: Market, taker: Order, limit: int) -> bool:
    """Whether matching would fill an FOK order to the last lot."""
    makers = market.sides[words.SELL if taker.side == words.BUY else words.BUY]
    within = takewhile(lambda maker: crosses(taker.side, limit, maker.price), makers)
    mode = taker.self_trade_prevention
    wanted = taker.remaining
    for _, level in groupby(within, key=attrgetter("price")):
        hidden = 0
        for maker in level:
            if mode != words.NONE and is_own(taker, maker):
                if mode == words.EXPIRE_MAKER:
                    continue
                return False
            wanted -= maker.displayed
            hidden += maker.remaining - maker.displayed
            if wanted <= 0:
                return True
        wanted -= hidden
        if wanted <= 0:
            return True
    return False


def _trade(market: Market, taker: Order, maker: Order, quantity: int, *, by_quote: bool) -> None:
    if market.settings is None:
        raise RuntimeError("nothing trades before the first settings")
    _take(taker, maker, quantity, by_quote=by_quote)
    fees = (market.settings.maker_fee_ppm, market.settings.taker_fee_ppm)
    say_trade(market, taker, maker, (maker.price, quantity), fees)
    settle(market, maker)
    market.expire_other_leg(maker)
    look_at_trade(market, maker.price)


def _decrement(market: Market, taker: Order, maker: Order, quantity: int, *, by_quote: bool) -> None:
    _take(taker, maker, quantity, by_quote=by_quote)
    parties = (maker.order_id, taker.order_id, maker.user_id, taker.user_id)
    left = (maker.remaining, taker.remaining)
    market.emit(SelfTradePrevented(maker.price, quantity, *parties, taker.side, *left))
    settle(market, maker)
    if maker.remaining == 0:
        market.expire_other_leg(maker)


def _expire_in_match(market: Market, taker: Order, maker: Order, mode: int) -> bool:
    """The modes that end orders; whether the taker is one of them."""
    if mode != words.EXPIRE_TAKER:
        market.remove(maker)
        market.expire(maker, words.SELF_TRADE)
        market.expire_other_leg(maker)
    if mode != words.EXPIRE_MAKER:
        market.expire(taker, words.SELF_TRADE)
    return mode != words.EXPIRE_MAKER


def _take(taker: Order, maker: Order, quantity: int, *, by_quote: bool) -> None:
    taker.remaining -= quantity * maker.price if by_quote else quantity
    maker.remaining -= quantity
    maker.displayed -= quantity


def say_trade(
    market: Market, taker: Order, maker: Order, traded: tuple[int, int], fees: tuple[int, int]
) -> None:
    """Count a trade and emit it. `traded`: price and lots; `fees`: the maker's and the taker's."""
    price, quantity = traded
    market.trades += 1
    market.last = price
    parties = (maker.order_id, taker.order_id, maker.user_id, taker.user_id)
    left = (maker.remaining, taker.remaining)
    market.emit(TradeExecuted(market.trades, price, quantity, *parties, taker.side, *left, *fees))


def settle(market: Market, order: Order) -> None:
    """Remove a resting order that is used up; refill one whose slice is, at the back of its queue."""
    if order.remaining == 0:
        market.remove(order)
    elif order.displayed == 0:
        market.remove(order)
        market.rest(order)
