"""A price-time order book as plain as it gets: two sorted lists and a dictionary.

Feed it commands; it says what events must come out. It shares no code with the engine, decides
nothing by speed, and is read next to `docs/matching.md`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.checker import words

if TYPE_CHECKING:
    from e2e.checker.schema import Command

__all__ = ["Expected", "PlainBook"]

I64_MAX = (1 << 63) - 1
Expected = tuple[str, tuple[int, ...]]


@dataclass
class Resting:
    """An order in the book."""

    order_id: int
    user_id: int
    side: int
    price: int
    remaining: int
    key: tuple[int, int]


class PlainBook:
    """The state of one pair."""

    def __init__(self) -> None:
        self.settings: tuple[int, ...] | None = None
        self.cursors: dict[int, tuple[int, int]] = {}
        self.orders: dict[int, Resting] = {}
        # Best first: (price, arrival) of asks, (-price, arrival) of bids, then the order's id.
        self.sides: dict[int, list[tuple[tuple[int, int], int]]] = {words.BUY: [], words.SELL: []}
        self.arrivals = 0
        self.trades = 0
        self.repeated = 0

    def apply(self, command: Command) -> list[Expected] | None:
        """The events of a command; `None` when it repeats what its source sent before."""
        place = (command.incarnation, command.number)
        if command.number == 0 or place <= self.cursors.get(command.source, (0, 0)):
            self.repeated += 1
            return None
        self.cursors[command.source] = place
        if command.kind == "new_order":
            return self._new_order(command.body)
        if command.kind == "cancel_order":
            return self._cancel_order(*command.body)
        if command.kind == "pair_settings":
            return self._change_settings(command.body)
        return []

    def _new_order(self, body: tuple[int, ...]) -> list[Expected]:
        order_id, user_id, side, kind, time_in_force, price, quantity = body
        time_in_force = _time_in_force_in_force(kind, time_in_force)
        reason = self._why_not(body, time_in_force)
        if reason:
            return [("order_rejected", (order_id, user_id, reason))]
        accepted = (order_id, user_id, side, kind, time_in_force, price, quantity)
        events: list[Expected] = [("order_accepted", accepted)]
        limit = self._limit(side, kind, price)
        if time_in_force == words.FOK and self._available(side, limit) < quantity:
            return [*events, ("order_expired", (order_id, user_id, quantity, words.EXPIRED_FOK))]
        remaining = self._trade(order_id, user_id, side, limit, quantity, events)
        if remaining and time_in_force == words.GTC:
            self._rest(order_id, user_id, side, price, remaining)
        elif remaining:
            events.append(("order_expired", (order_id, user_id, remaining, words.EXPIRED_IOC)))
        return events

    def _why_not(self, body: tuple[int, ...], time_in_force: int) -> int:
        """The reject reason of a new order, or 0."""
        order_id, user_id, side, kind, given, price, quantity = body
        if self.settings is None:
            return words.NO_SETTINGS
        status, _, lower, upper, min_notional, *_ = self.settings
        market = kind == words.MARKET
        notional = (upper if market else price) * quantity
        checks = (
            (status == words.HALT, words.MARKET_HALTED),
            (status == words.CANCEL_ONLY, words.MARKET_CANCEL_ONLY),
            (order_id == 0, words.INVALID_ORDER_ID),
            (user_id == 0, words.INVALID_USER_ID),
            (side not in {words.BUY, words.SELL}, words.INVALID_SIDE),
            (not words.LIMIT <= kind <= words.LAST_TYPE, words.INVALID_ORDER_TYPE),
            (kind not in {words.LIMIT, words.MARKET, words.LIMIT_MAKER}, words.UNSUPPORTED),
            (given == words.GTD, words.UNSUPPORTED),
            (time_in_force == 0, words.INVALID_TIME_IN_FORCE),
            ((price != 0) if market else (price < 1), words.INVALID_PRICE),
            (quantity < 1, words.INVALID_QUANTITY),
            (notional > I64_MAX, words.OVERFLOW),
            (not market and not lower <= price <= upper, words.PRICE_OUT_OF_BAND),
            (not market and notional < min_notional, words.NOTIONAL_TOO_SMALL),
            (order_id in self.orders, words.DUPLICATE_ORDER_ID),
        )
        for wrong, reason in checks:
            if wrong:
                return reason
        if kind == words.LIMIT_MAKER and self._available(side, price) > 0:
            return words.WOULD_TAKE
        if time_in_force == words.GTC and self._level(side, price) + quantity > I64_MAX:
            return words.OVERFLOW
        return 0

    def _limit(self, side: int, kind: int, price: int) -> int:
        """The worst price that an order may trade at."""
        if kind != words.MARKET or self.settings is None:
            return price
        return self.settings[3] if side == words.BUY else self.settings[2]

    def _makers(self, side: int, limit: int) -> list[int]:
        """Ids of the resting orders that an order of this side and limit may trade with, best first."""
        makers = self.sides[words.SELL if side == words.BUY else words.BUY]
        worst = limit if side == words.BUY else -limit
        return [order_id for _, order_id in makers[: bisect_left(makers, ((worst + 1, 0), 0))]]

    def _available(self, side: int, limit: int) -> int:
        return sum(self.orders[order_id].remaining for order_id in self._makers(side, limit))

    def _level(self, side: int, price: int) -> int:
        """The quantity that rests at one price."""
        sign = -price if side == words.BUY else price
        level = self.sides[side]
        ends = bisect_left(level, ((sign, 0), 0)), bisect_left(level, ((sign + 1, 0), 0))
        return sum(self.orders[order_id].remaining for _, order_id in level[slice(*ends)])

    def _trade(  # noqa: PLR0917 - a taker, spelled out
        self, order_id: int, user_id: int, side: int, limit: int, quantity: int, events: list[Expected]
    ) -> int:
        """Trade until nothing crosses; what is left of the quantity."""
        if self.settings is None:
            return quantity
        fees = self.settings[5:7]
        makers = self.sides[words.SELL if side == words.BUY else words.BUY]
        worst = limit if side == words.BUY else -limit
        while quantity and makers and makers[0][0][0] <= worst:
            maker = self.orders[makers[0][1]]
            traded = min(quantity, maker.remaining)
            quantity -= traded
            maker.remaining -= traded
            if not maker.remaining:
                self._remove(maker)
            self.trades += 1
            parties = (maker.order_id, order_id, maker.user_id, user_id)
            left = (maker.remaining, quantity)
            trade = (self.trades, maker.price, traded, *parties, side, *left, *fees)
            events.append(("trade_executed", trade))
        return quantity

    def _rest(self, order_id: int, user_id: int, side: int, price: int, remaining: int) -> None:
        self.arrivals += 1
        key = (-price if side == words.BUY else price, self.arrivals)
        self.orders[order_id] = Resting(order_id, user_id, side, price, remaining, key)
        insort(self.sides[side], (key, order_id))

    def _remove(self, order: Resting) -> None:
        del self.orders[order.order_id]
        level = self.sides[order.side]
        del level[bisect_left(level, (order.key, order.order_id))]

    def _cancel_order(self, order_id: int, user_id: int) -> list[Expected]:
        order = self.orders.get(order_id)
        checks = (
            (self.settings is None, words.NO_SETTINGS),
            (self.settings is not None and self.settings[0] == words.HALT, words.MARKET_HALTED),
            (order_id == 0, words.INVALID_ORDER_ID),
            (user_id == 0, words.INVALID_USER_ID),
            (order is None, words.UNKNOWN_ORDER),
            (order is not None and order.user_id != user_id, words.NOT_OWNER),
        )
        for wrong, reason in checks:
            if wrong:
                return [("cancel_rejected", (order_id, user_id, reason))]
        if order is not None:
            self._remove(order)
            return [("order_cancelled", (order_id, user_id, order.remaining))]
        return []

    def _change_settings(self, body: tuple[int, ...]) -> list[Expected]:
        reason = _why_no_settings(body)
        if reason:
            return [("settings_rejected", (reason,))]
        self.settings = body
        events: list[Expected] = [("settings_changed", body)]
        outside = [order for _, order in self.sides[words.BUY] if self.orders[order].price > body[3]]
        outside += [order for _, order in self.sides[words.SELL] if self.orders[order].price < body[2]]
        for order_id in outside:
            order = self.orders[order_id]
            self._remove(order)
            expired = (order_id, order.user_id, order.remaining, words.EXPIRED_BAND)
            events.append(("order_expired", expired))
        return events


def _time_in_force_in_force(kind: int, given: int) -> int:
    """What an order without a word gets; 0 for a word that does not fit the type."""
    only = {words.MARKET: words.IOC, words.LIMIT_MAKER: words.GTC}.get(kind)
    if only is not None:
        return only if given in {0, only} else 0
    return given if given in {words.GTC, words.IOC, words.FOK} else 0


def _why_no_settings(body: tuple[int, ...]) -> int:
    status, rules, lower, upper, min_notional, maker_fee, taker_fee, quote_units, base_units = body
    if rules != 1:
        return words.UNSUPPORTED
    if status in {words.POST_ONLY, words.LIMIT_ONLY, words.AUCTION}:
        return words.UNSUPPORTED
    sensible = (
        status in {words.TRADING, words.HALT, words.CANCEL_ONLY}
        and 1 <= lower <= upper
        and min_notional >= 0
        and -1_000_000 <= maker_fee <= 1_000_000
        and 0 <= taker_fee <= 1_000_000
        and quote_units >= 1
        and base_units >= 1
    )
    return 0 if sensible else words.INVALID_SETTINGS
