"""The view: open orders, volumes, last prices and settings, each changed by one message of a log.

An order is open from its *instruction*, before position and engine have seen it: a burst can't outrun a
limit on its way to the market. It ends by position's refusal or by the engine's events. The logs are read
side by side, so an end may be read before its beginning: what is left of an order whose instruction is still
to come is kept until that comes. Pure: no clock but the reservations', no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import Side

from outcry_services.common.ids import OrderId
from outcry_services.common.legs import Leg, legs_of
from outcry_services.risk.accounts import Account, OpenOrder, day_of
from outcry_services.risk.cursors import Cursors
from outcry_services.risk.limits import Limits, LimitTable, UserMode, key_of
from outcry_services.risk.reservations import Reservations, Shape
from outcry_services.risk.withdrawals import Withdrawals

if TYPE_CHECKING:
    from outcry.v1.event_pb2 import Event
    from outcry.v1.instruction_pb2 import Instruction, OrderCreated
    from outcry.v1.order_event_pb2 import OrderEvent
    from outcry.v1.risk_api_pb2 import RiskSetting

__all__ = ["RiskView"]


class RiskView:
    """Everything that a check looks at."""

    def __init__(self, reservations: Reservations) -> None:
        self.reservations = reservations
        self.limits = LimitTable()
        self.modes: dict[int, UserMode] = {}
        self.settings: dict[str, RiskSetting] = {}
        """What is in force, by key."""
        self.outlived: set[str] = set()
        """Keys whose last record in the log is not the one in force: compaction would keep the wrong one."""
        self.accounts: dict[tuple[int, str], Account] = {}
        self.open_orders: dict[int, OpenOrder] = {}
        self.early: dict[int, int] = {}
        """What is left of orders whose instruction was not read yet."""
        self.withdrawals = Withdrawals()
        self.last_prices: dict[str, int] = {}
        """Ticks of the last trade of each pair."""
        self.time_unix_nanos = 0
        """The latest time that a log carried."""
        self.instructions: Cursors[int] = Cursors()
        self.answers: Cursors[int] = Cursors()
        self.events: Cursors[str] = Cursors()

    def account(self, user_id: int, symbol: str) -> Account:
        """What a user has in a pair; an empty one is not kept."""
        return self.accounts.get((user_id, symbol)) or Account()

    def mode(self, user_id: int) -> UserMode:
        """What a user may do."""
        return self.modes.get(user_id, UserMode.ACTIVE)

    def gap(self, shard: int, symbol: str = "") -> str | None:
        """What is missing of a shard's numbers, or of those of a pair that is named, in words."""
        found = (
            ("orders", self.instructions.gaps.get(shard)),
            ("order-events", self.answers.gaps.get(shard)),
            (f"events of {symbol}", self.events.gaps.get(symbol)),
        )
        for name, gap in found:
            if gap is not None:
                return f"number {gap[0]} is missing in {name}, though {gap[1]} was read"
        return None

    def gaps(self) -> int:
        """Streams of which something is missing."""
        return sum(len(cursors.gaps) for cursors in (self.instructions, self.answers, self.events))

    def instruction(self, shard: int, it: Instruction) -> None:
        """A record of `orders`."""
        if not self.instructions.take(shard, it.number, incarnation=it.incarnation):
            return
        self.time_unix_nanos = it.time_unix_nanos
        left = self.early.pop(int(OrderId.make(shard=shard, number=it.number)), None)
        if it.WhichOneof("body") == "order_created":
            self._created(it.user_id, it.order_created, left=left)
        elif left != 0:
            self.withdrawals.instruction(it)

    def answer(self, shard: int, it: OrderEvent) -> None:
        """A record of `order-events`: of interest are what position refused, and withdrawals it holds for."""
        if not self.answers.take(shard, it.number, incarnation=it.incarnation):
            return
        cause = int(OrderId.make(shard=shard, number=it.number))
        if it.HasField("refused"):
            self.withdrawals.refused(cause)
            self._left(cause, 0)
        elif it.HasField("funds_held") and it.funds_held.withdrawal:
            self.withdrawals.held(cause, early=it.number > self.instructions.last(shard))

    def event(self, symbol: str, it: Event) -> None:
        """A record of `events.{symbol}`."""
        if not self.events.take(symbol, it.seq):
            return
        self.time_unix_nanos = it.time_unix_nanos or self.time_unix_nanos
        if it.HasField("trade_executed"):
            self.last_prices[symbol] = it.trade_executed.price
        day = day_of(it.time_unix_nanos)
        for leg in legs_of(it):
            if not leg.foreign:
                self._leg(symbol, leg, day)

    def setting(self, it: RiskSetting) -> None:
        """A record of `risk-settings`: of each key the one with the latest time counts.

        Not the last one: a record that its publisher gave up may reach the log behind its successor.
        """
        key = key_of(it)
        known = self.settings.get(key)
        if known is not None and known.time_unix_nanos >= it.time_unix_nanos:
            if known.time_unix_nanos > it.time_unix_nanos:
                self.outlived.add(key)
            return
        self.settings[key] = it
        self.outlived.discard(key)
        if it.HasField("limits"):
            self.limits.put(it.limits.user_id, it.limits.symbol, Limits.of(it.limits.limits))
        elif UserMode(it.user.mode) is UserMode.ACTIVE:
            self.modes.pop(it.user.user_id, None)
        else:
            self.modes[it.user.user_id] = UserMode(it.user.mode)

    def forget_pair(self, symbol: str) -> None:
        """The pair's log was made anew: nothing of the old one is open any more."""
        self.events.forget(symbol)
        self.last_prices.pop(symbol, None)
        self.open_orders = {key: order for key, order in self.open_orders.items() if order.symbol != symbol}
        self.accounts = {key: account for key, account in self.accounts.items() if key[1] != symbol}

    def _created(self, user_id: int, it: OrderCreated, *, left: int | None) -> None:
        new = it.order
        self.reservations.seen(user_id, it.symbol, _shape(it))
        whole = new.quantity or new.quote_quantity
        if left == 0 or not whole:
            return
        worth = self._worth(it)
        order = OpenOrder(user_id=user_id, symbol=it.symbol, worth=worth, whole=whole, left=left or whole)
        self.open_orders[new.order_id] = order
        self.accounts.setdefault((user_id, it.symbol), Account()).enter(order)

    def _worth(self, it: OrderCreated) -> int:
        """Tick-lots that an order may come to: exact with a price, else by its hold or the last trade."""
        new = it.order
        if new.quote_quantity:
            return new.quote_quantity
        if new.price:
            return new.price * new.quantity
        if new.side == Side.SIDE_BUY:
            return it.hold // it.quote_units_per_tick_lot
        return max(new.stop_price, self.last_prices.get(it.symbol, 0)) * new.quantity

    def _leg(self, symbol: str, leg: Leg, day: int) -> None:
        if leg.fill is not None:
            account = self.accounts.setdefault((leg.user_id, symbol), Account())
            account.trade(day, leg.fill.price * leg.fill.quantity)
        self._left(leg.order_id, leg.remaining)

    def _left(self, order_id: int, left: int) -> None:
        """What is left of an order now, wherever its instruction is."""
        order = self.open_orders.get(order_id)
        if order is None:
            of = OrderId.of(order_id)
            if of.number > self.instructions.last(of.shard):
                self.early[order_id] = left
            return
        key = order.user_id, order.symbol
        account = self.accounts[key]
        account.shrink(order, left)
        if not left:
            del self.open_orders[order_id]
            if account.blank:
                del self.accounts[key]


def _shape(it: OrderCreated) -> Shape:
    new = it.order
    return Shape(new.side, new.type, new.price, new.quantity, new.quote_quantity if not new.quantity else 0)
