"""The oracle itself: commands in, events out, and its whole state in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from e2e.oracle import commands, ending, entering, settings, words
from e2e.oracle.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.oracle.commands import Command
    from e2e.oracle.events import Event
    from e2e.oracle.market import Order


class Level(NamedTuple):
    """What the book shows at one price: displayed lots, orders."""

    price: int
    quantity: int
    orders: int


class OpenOrder(NamedTuple):
    """What is known of an open order. `state`: resting, waiting or queued."""

    order_id: int
    user_id: int
    side: int
    type: int
    time_in_force: int
    price: int
    quantity: int
    remaining: int
    displayed: int
    stop_price: int
    state: str
    list_order_id: int
    expire_time_unix_nanos: int


class Totals(NamedTuple):
    """Sums over the whole book: orders, lots in sight and hidden, accounts with a timer."""

    open_orders: int
    resting: int
    waiting: int
    queued: int
    bids_displayed: int
    bids_hidden: int
    asks_displayed: int
    asks_hidden: int
    timers: int


_BODIES: dict[type[Any], Callable[[Market, Any], None]] = {
    commands.NewOrder: entering.new_order,
    commands.NewOco: entering.new_oco,
    commands.CancelOrder: ending.cancel_order,
    commands.CancelReplace: ending.cancel_replace,
    commands.AmendOrder: ending.amend_order,
    commands.MassCancel: ending.mass_cancel,
    commands.SetDisconnectTimer: ending.set_disconnect_timer,
    commands.Tick: ending.tick,
    commands.PairSettings: settings.change_settings,
}


class Oracle:
    """The book of one pair."""

    def __init__(self) -> None:
        self.market = Market()

    def repeats(self, command: Command) -> bool:
        """Whether a command is not newer than what its source has sent already."""
        place = (command.incarnation, command.number)
        return command.number == 0 or place <= self.market.cursors.get(command.source, (0, 0))

    def apply(self, command: Command) -> list[Event]:
        """The events of a command; a repeated one has none."""
        market = self.market
        if self.repeats(command):
            return []
        market.cursors[command.source] = (command.incarnation, command.number)
        market.command = command
        market.events = []
        market.budget = words.MAX_ACTIVATIONS
        entering.activate(market)
        _BODIES[type(command.body)](market, command.body)
        entering.activate(market)
        return market.events

    def depth(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first."""
        return self._levels(words.BUY), self._levels(words.SELL)

    def totals(self) -> Totals:
        """Sums over the whole book."""
        market = self.market
        bids, asks = market.sides[words.BUY], market.sides[words.SELL]
        return Totals(
            open_orders=len(market.open),
            resting=len(bids) + len(asks),
            waiting=len(market.waiting),
            queued=len(market.queue),
            bids_displayed=sum(order.displayed for order in bids),
            bids_hidden=sum(order.remaining - order.displayed for order in bids),
            asks_displayed=sum(order.displayed for order in asks),
            asks_hidden=sum(order.remaining - order.displayed for order in asks),
            timers=len(market.timers),
        )

    def open_orders(self) -> list[OpenOrder]:
        """Every open order by rising id."""
        return [_told(order) for _, order in sorted(self.market.open.items())]

    def queue_order(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Order ids of bids and asks in the order of execution, of stops by age, and of triggered ones."""
        market = self.market
        lists = (market.sides[words.BUY], market.sides[words.SELL], market.waiting, market.queue)
        bids, asks, waiting, queue = ([order.order_id for order in orders] for orders in lists)
        return bids, asks, waiting, queue

    def _levels(self, side: int) -> list[Level]:
        levels: list[Level] = []
        for order in self.market.sides[side]:
            if levels and levels[-1].price == order.price:
                last = levels.pop()
                levels.append(Level(order.price, last.quantity + order.displayed, last.orders + 1))
            else:
                levels.append(Level(order.price, order.displayed, 1))
        return levels


def _told(order: Order) -> OpenOrder:
    return OpenOrder(
        *(order.order_id, order.user_id, order.side, order.type, order.time_in_force),
        *(order.price, order.quantity, order.remaining, order.displayed, order.stop_price),
        *(order.state, order.list_order_id, order.expire_time_unix_nanos),
    )
