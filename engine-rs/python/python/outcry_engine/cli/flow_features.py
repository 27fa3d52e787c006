"""The flow of `flow_model` with everything that rules version 2 adds, as endless and as seeded.

The market underneath stays the plain flow's. A second stream of random numbers makes some of its
orders icebergs, GTD, by quote or self-trade preventing, and puts stops, OCO pairs, amendments,
cancel-replaces, mass cancels and disconnect timers between them. Like the plain flow it never asks an
engine anything, so some of it is refused, as in life.

Pure: no clock, no I/O. Times are counted from the settings' start.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from outcry.v1 import command_pb2, types_pb2

from outcry_engine.cli.flow_model import GTC, LIMIT, MARKET, CancelOrder, FlowSettings, flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from outcry_engine.cli.flow_model import FlowCommand

# Ids of the orders between the plain flow's own, which count up from the same start.
_BETWEEN: Final = 1 << 31
_BUY: Final = types_pb2.SIDE_BUY
_SELL: Final = types_pb2.SIDE_SELL
_MODES: Final = types_pb2.SelfTradePrevention.values()[1:]
_STOPS: Final = (
    types_pb2.ORDER_TYPE_STOP_LOSS,
    types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT,
    types_pb2.ORDER_TYPE_TAKE_PROFIT,
    types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT,
)
_REPLACE_MODES: Final = types_pb2.CancelReplaceMode.values()[1:]
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """The market, and what time it is in it.

    start_unix_nanos: when the first command is sent. nanos_per_command: how far the others are
    apart. ticks: whether the flow moves the book's clock itself, as nobody else would without an
    engine around the book.
    """

    market: FlowSettings = field(default_factory=FlowSettings)
    start_unix_nanos: int = 0
    nanos_per_command: int = 500_000
    ticks: bool = False


def features(settings: FeatureSettings) -> Iterator[FlowCommand | Message]:
    """Yield commands for ever."""
    mix = _Mix(settings)
    for count, command in enumerate(flow(settings.market)):
        mix.now = settings.start_unix_nanos + count * settings.nanos_per_command
        if settings.ticks and count % 200 == 0:
            yield command_pb2.Tick(time_unix_nanos=mix.now)
        yield mix.dressed(command)
        if (more := mix.between()) is not None:
            yield more


class _Mix:
    def __init__(self, settings: FeatureSettings) -> None:
        self.now = settings.start_unix_nanos
        self._market = settings.market
        self._rng = random.Random(~settings.market.seed)  # noqa: S311 - a market, not a secret
        self._next_id = settings.market.first_order_id + _BETWEEN
        self._price = settings.market.mid
        # Orders that may be open: id, user, quantity.
        self._open: list[tuple[int, int, int]] = []

    def dressed(self, command: FlowCommand) -> FlowCommand | Message:
        """The plain flow's command, some of them as what rules version 2 makes of it."""
        if isinstance(command, CancelOrder):
            return command
        order = command_pb2.NewOrder(**command._asdict())
        draw = self._rng.random()
        if order.type == MARKET and draw < 0.3:
            order.quote_quantity = order.quantity * self._price
            order.quantity = 0
        elif order.type == LIMIT and order.time_in_force == GTC:
            self._price = command.price
            self._remember(command.order_id, command.user_id, command.quantity)
            if draw < 0.15:
                order.display_quantity = 1 + order.quantity // 10
            elif draw < 0.20:
                order.time_in_force = types_pb2.TIME_IN_FORCE_GTD
                order.expire_time_unix_nanos = self._later(60)
        self._prevent(order)
        return order

    def between(self) -> Message | None:
        """What comes between two commands of the plain flow, if anything."""
        draw = self._rng.random()
        if draw < 0.05:
            return self._stop()
        if draw < 0.07:
            return self._oco()
        if draw < 0.13 and self._open:
            return self._change(draw < 0.10)
        if draw < 0.135:
            user_id = self._user()
            return command_pb2.SetDisconnectTimer(
                user_id=user_id, timeout_millis=self._rng.choice((0, 10_000))
            )
        if draw < 0.1355:
            return command_pb2.MassCancel(
                user_id=self._user(), side=self._rng.choice((types_pb2.SIDE_UNSPECIFIED, _BUY, _SELL))
            )
        return None

    def _remember(self, order_id: int, user_id: int, quantity: int) -> None:
        if len(self._open) < self._market.resting:
            self._open.append((order_id, user_id, quantity))
        else:
            self._open[self._rng.randrange(len(self._open))] = (order_id, user_id, quantity)

    def _stop(self) -> command_pb2.NewOrder:
        side, kind = self._rng.choice((_BUY, _SELL)), self._rng.choice(_STOPS)
        loss = kind in _STOPS[:2]
        away = self._away() if (side == _BUY) == loss else -self._away()
        order = command_pb2.NewOrder(
            order_id=self._id(),
            user_id=self._user(),
            side=side,
            type=kind,
            quantity=self._rng.randint(self._market.smallest, 10 * self._market.smallest),
            stop_price=self._price + away,
        )
        if kind in {_STOPS[1], _STOPS[3]}:
            order.time_in_force = types_pb2.TIME_IN_FORCE_GTC
            order.price = self._price + away + (self._away() if side == _BUY else -self._away())
        if self._rng.random() < 0.25:
            order.trailing_delta = self._rng.randint(1, 100)
            if self._rng.random() < 0.5:
                order.stop_price = 0
        self._prevent(order)
        self._remember(order.order_id, order.user_id, order.quantity)
        return order

    def _oco(self) -> command_pb2.NewOco:
        side = self._rng.choice((_BUY, _SELL))
        sign = 1 if side == _SELL else -1
        oco = command_pb2.NewOco(
            user_id=self._user(),
            limit_order_id=self._id(),
            stop_order_id=self._id(),
            side=side,
            quantity=self._rng.randint(self._market.smallest, 10 * self._market.smallest),
            price=self._price + sign * self._away(),
            stop_price=self._price - sign * self._away(),
        )
        if self._rng.random() < 0.5:
            oco.stop_limit_price = oco.stop_price - sign * self._away()
        self._remember(oco.limit_order_id, oco.user_id, oco.quantity)
        return oco

    def _change(self, lower: bool) -> Message:
        at = self._rng.randrange(len(self._open))
        order_id, user_id, quantity = self._open[at]
        if lower:
            return command_pb2.AmendOrder(order_id=order_id, user_id=user_id, quantity=1 + quantity * 3 // 4)
        side = self._rng.choice((_BUY, _SELL))
        order = command_pb2.NewOrder(
            order_id=self._id(),
            user_id=user_id,
            side=side,
            type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=types_pb2.TIME_IN_FORCE_GTC,
            price=self._price + (self._away() if side == _SELL else -self._away()),
            quantity=quantity,
        )
        self._open[at] = (order.order_id, user_id, quantity)
        return command_pb2.CancelReplace(
            cancel_order_id=order_id, mode=self._rng.choice(_REPLACE_MODES), order=order
        )

    def _prevent(self, order: command_pb2.NewOrder) -> None:
        if self._rng.random() < 0.3:
            order.self_trade_prevention = self._rng.choice(_MODES)
        if self._rng.random() < 0.2:
            order.trade_group = 1 + order.user_id % 50

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _user(self) -> int:
        return self._rng.randint(1, self._market.users)

    def _away(self) -> int:
        return 1 + int(self._rng.expovariate(1 / self._market.distance))

    def _later(self, seconds: int) -> int:
        return self.now + self._rng.randint(1, seconds * _SECOND)
