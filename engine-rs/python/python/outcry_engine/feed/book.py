"""The book that a client keeps: by order and by price, each from its own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from outcry_engine.feed import messages as m
from outcry_engine.feed.errors import BookError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_T = TypeVar("_T")


class Order(NamedTuple):
    """A resting order, as far as it is shown."""

    order_id: int
    side: int
    price: int
    quantity: int


class Level(NamedTuple):
    """A price level, as far as it is shown."""

    price: int
    quantity: int
    orders: int


class Book:
    """What the feed has shown, right after event `sequence`."""

    def __init__(self, begin: m.SnapshotBegin | None = None) -> None:
        self.sequence = begin.sequence if begin else 0
        self.status: m.TradingStatus | None = None
        self.last_trade: m.Trade | None = None
        self.indicative: m.AuctionIndicative | None = None
        self._orders: dict[int, Order] = {}
        # Prices of orders by id in the order of their queues: a dict keeps the order of insertion.
        self._queues: dict[int, dict[int, dict[int, None]]] = {m.BUY: {}, m.SELL: {}}
        self._levels: dict[int, dict[int, Level]] = {m.BUY: {}, m.SELL: {}}
        if begin:
            self._begin(begin)
        self._takers: dict[type, Callable[[Any], None]] = {
            m.OrderAdded: self._added,
            m.OrderRefilled: self._added,
            m.OrderExecuted: self._shows,
            m.OrderReduced: self._shows,
            m.OrderDeleted: self._deleted,
            m.LevelChanged: self._level,
            m.Trade: self._traded,
            m.TradingStatus: self._has_status,
            m.AuctionIndicative: self._indicated,
            m.AuctionUncrossed: self._uncrossed,
        }

    def _begin(self, begin: m.SnapshotBegin) -> None:
        if begin.status:
            self.status = m.TradingStatus(begin.band_lower, begin.band_upper, begin.status)
        if begin.trade_id:
            self.last_trade = m.Trade(begin.trade_id, begin.trade_price, begin.trade_quantity, 0)
        if begin.indicative_price or begin.indicative_surplus:
            self.indicative = m.AuctionIndicative(
                begin.indicative_price,
                begin.indicative_volume,
                begin.indicative_surplus,
                begin.indicative_surplus_side,
            )

    def add(self, added: m.OrderAdded) -> None:
        """Adds an order of a snapshot, in the order of its queue; raises `BookError`."""
        self._added(added)
        levels = self._levels[added.side]
        level = levels.get(added.price, Level(added.price, 0, 0))
        levels[added.price] = Level(level.price, level.quantity + added.quantity, level.orders + 1)

    def apply(self, sequence: int, block: bytes) -> tuple[m.Message, ...]:
        """Applies the event behind the last one; its messages. Raises `BookError`."""
        if sequence != self.sequence + 1:
            raise BookError(f"event {sequence} does not follow {self.sequence}")
        self.sequence = sequence
        try:
            said = tuple(m.decode(block))
        except MalformedError as error:
            raise BookError(f"event {sequence}: {error}") from error
        for message in said:
            take = self._takers.get(type(message))
            if take is not None:
                take(message)
        return said

    def _added(self, added: m.OrderAdded | m.OrderRefilled) -> None:
        if added.order_id in self._orders:
            raise BookError(f"event {self.sequence}: order {added.order_id} rests already")
        order = Order(added.order_id, added.side, added.price, added.quantity)
        queues = self._of_side(self._queues, order.side)
        self._orders[order.order_id] = order
        queues.setdefault(order.price, {})[order.order_id] = None

    def _shows(self, shown: m.OrderExecuted | m.OrderReduced) -> None:
        order = self._known(shown.order_id)
        if shown.quantity == 0:
            self._remove(order)
        else:
            self._orders[order.order_id] = order._replace(quantity=shown.quantity)

    def _deleted(self, deleted: m.OrderDeleted) -> None:
        self._remove(self._known(deleted.order_id))

    def _known(self, order_id: int) -> Order:
        order = self._orders.get(order_id)
        if order is None:
            raise BookError(f"event {self.sequence}: order {order_id} does not rest")
        return order

    def _of_side(self, sides: dict[int, _T], side: int) -> _T:
        if side not in sides:
            raise BookError(f"event {self.sequence}: side {side} is neither {m.BUY} nor {m.SELL}")
        return sides[side]

    def _remove(self, order: Order) -> None:
        del self._orders[order.order_id]
        queues = self._queues[order.side]
        del queues[order.price][order.order_id]
        if not queues[order.price]:
            del queues[order.price]

    def _level(self, changed: m.LevelChanged) -> None:
        levels = self._of_side(self._levels, changed.side)
        if changed.orders:
            levels[changed.price] = Level(changed.price, changed.quantity, changed.orders)
        else:
            levels.pop(changed.price, None)

    def _traded(self, trade: m.Trade) -> None:
        self.last_trade = trade

    def _has_status(self, status: m.TradingStatus) -> None:
        self.status = status

    def _indicated(self, indicative: m.AuctionIndicative) -> None:
        self.indicative = indicative

    def _uncrossed(self, _: m.AuctionUncrossed) -> None:
        self.indicative = None

    def __len__(self) -> int:
        return len(self._orders)

    def order(self, order_id: int) -> Order | None:
        """An order, if it rests."""
        return self._orders.get(order_id)

    def levels(self, side: int) -> list[Level]:
        """The levels of a side, best first."""
        levels = self._levels[side]
        return [levels[price] for price in sorted(levels, reverse=side == m.BUY)]

    def queue(self, side: int) -> list[Order]:
        """The orders of a side, best price first, each price in the order of its queue."""
        queues = self._queues[side]
        prices = sorted(queues, reverse=side == m.BUY)
        return [self._orders[order_id] for price in prices for order_id in queues[price]]

    def best(self) -> tuple[Level | None, Level | None]:
        """The best bid and the best ask."""
        bids, asks = self._levels[m.BUY], self._levels[m.SELL]
        return (bids[max(bids)] if bids else None, asks[min(asks)] if asks else None)

    def differs(self) -> bool:
        """Whether what is shown by order and by price differs: it must not."""
        return any(self._levels[side] != self._summed(side) for side in (m.BUY, m.SELL))

    def _summed(self, side: int) -> dict[int, Level]:
        return {
            price: Level(price, sum(self._orders[each].quantity for each in queue), len(queue))
            for price, queue in self._queues[side].items()
        }
