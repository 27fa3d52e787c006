"""The state of one pair: what the rules read and change, with nothing decided here."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.events import KINDS, Event, OrderExpired

if TYPE_CHECKING:
    from e2e.oracle.commands import Command, NewOrder, PairSettings
    from e2e.oracle.events import AuctionPrice, Body

_PLACE = attrgetter("place")


@dataclass(eq=False, slots=True)
class Order:
    """An order that was accepted. Until it is placed somewhere it is the taker."""

    asked: NewOrder
    order_id: int
    user_id: int
    side: int
    type: int
    time_in_force: int
    price: int
    quantity: int
    display_quantity: int
    stop_price: int
    trailing_delta: int
    self_trade_prevention: int
    trade_group: int
    expire_time_unix_nanos: int
    # The other leg of its OCO while both are open; 0: none.
    list_order_id: int
    # All that is left: lots, or tick-lots of an order by quote.
    remaining: int
    # What the book shows of it.
    displayed: int = 0
    # resting, waiting or queued.
    state: str = ""
    # seq of its OrderAccepted.
    age: int = 0
    # Sorts its side of the book: price from the best, then arrival.
    place: tuple[int, int] = (0, 0)
    # The best price since tracking began; 0: it tracks nothing.
    extreme: int = 0
    trigger_price: int = 0
    # Whether its stop price is reached from below.
    rises: bool = False


@dataclass(slots=True)
class Market:
    """Everything that the next command's events depend on, and the events of this one."""

    settings: PairSettings | None = None
    cursors: dict[int, tuple[int, int]] = field(default_factory=dict)
    clock: int = 0
    seq: int = 0
    trades: int = 0
    # Price of the last trade; 0: none yet.
    last: int = 0
    # Every open order by its id: resting, waiting and queued ones.
    open: dict[int, Order] = field(default_factory=dict)
    # Resting orders, best first, in queue order at a price.
    sides: dict[int, list[Order]] = field(default_factory=lambda: {words.BUY: [], words.SELL: []})
    # Stops by age.
    waiting: list[Order] = field(default_factory=list)
    # Stops that were triggered, next first.
    queue: list[Order] = field(default_factory=list)
    # Deadlines by user.
    timers: dict[int, int] = field(default_factory=dict)
    call_open: bool = False
    # The indicative price shown last in this call.
    shown: AuctionPrice | None = None
    arrivals: int = 0
    # Activations that this command may still make.
    budget: int = 0
    command: Command | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The trading status; 0 before the first settings."""
        return self.settings.trading_status if self.settings else 0

    @property
    def rules(self) -> int:
        """The rules version in force; 1 before the first settings."""
        return self.settings.rules_version if self.settings else 1

    @property
    def reference(self) -> int:
        """The last price, or the settings' own before the first trade; 0: none."""
        return self.last or (self.settings.filters.reference_price if self.settings else 0)

    def emit(self, body: Body) -> None:
        """Say one event of the command being applied."""
        if self.command is None:
            raise RuntimeError("events come out of commands only")
        self.seq += 1
        source, incarnation, number, time, _ = self.command
        self.events.append(Event(self.seq, source, incarnation, number, time, KINDS[type(body)], body))

    def rest(self, order: Order) -> None:
        """Put an order at the back of its price, with as much in sight as it shows at a time."""
        order.displayed = min(order.display_quantity or order.remaining, order.remaining)
        order.state = "resting"
        self.arrivals += 1
        order.place = (-order.price if order.side == words.BUY else order.price, self.arrivals)
        insort(self.sides[order.side], order, key=_PLACE)
        self.open[order.order_id] = order

    def wait(self, order: Order) -> None:
        """Let a stop wait for its price."""
        order.state = "waiting"
        self.waiting.append(order)
        self.open[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an open order from wherever it is."""
        del self.open[order.order_id]
        if order.state == "resting":
            side = self.sides[order.side]
            del side[bisect_left(side, order.place, key=_PLACE)]
        elif order.state == "waiting":
            self.waiting.remove(order)
        else:
            self.queue.remove(order)

    def expire(self, order: Order, reason: int) -> None:
        """End an order that is not open any more, or never was."""
        self.emit(OrderExpired(order.order_id, order.user_id, order.remaining, reason))

    def expire_other_leg(self, leg: Order) -> None:
        """What happened to one leg of an OCO ends the other."""
        other = self.take_other_leg(leg)
        if other is not None:
            self.expire(other, words.ONE_CANCELS_OTHER)

    def take_other_leg(self, leg: Order) -> Order | None:
        """Remove the other leg of an OCO, and say which it was."""
        if leg.list_order_id == 0:
            return None
        other = self.open[leg.list_order_id]
        self.remove(other)
        leg.list_order_id = 0
        other.list_order_id = 0
        return other

    def level_total(self, side: int, price: int) -> int:
        """Lots that rest at one price, hidden ones too."""
        orders, from_best = self.sides[side], -price if side == words.BUY else price
        first = bisect_left(orders, (from_best, 0), key=_PLACE)
        end = bisect_left(orders, (from_best + 1, 0), key=_PLACE)
        return sum(order.remaining for order in orders[first:end])
