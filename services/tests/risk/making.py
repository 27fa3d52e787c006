"""Messages of the logs, made short."""

from __future__ import annotations

from itertools import count

from outcry.v1.command_pb2 import NewOrder
from outcry.v1.event_pb2 import (
    Event,
    EventBatch,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    TradeExecuted,
)
from outcry.v1.instruction_pb2 import CancelRequested, Instruction, InstructionBatch, OrderCreated
from outcry.v1.order_event_pb2 import FundsHeld, InstructionRefused, OrderEvent, OrderEventBatch
from outcry.v1.risk_api_pb2 import (
    LimitValues,
    OrderCheck,
    RiskCheck,
    RiskSetting,
    SetLimitsRequest,
    UserState,
)
from outcry.v1.types_pb2 import OrderType, Side

BUY, SELL = Side.SIDE_BUY, Side.SIDE_SELL
LIMIT, MARKET = OrderType.ORDER_TYPE_LIMIT, OrderType.ORDER_TYPE_MARKET

DAY = 86_400 * 10**9
NOON = 20_000 * DAY + DAY // 2
"""Some day's noon, in Unix nanoseconds."""

SYMBOL = "BTC-USDT"


class Shard:
    """The order service's side of one user's shard: numbers its instructions."""

    def __init__(self, user_id, *, symbol=SYMBOL):
        self.user_id = user_id
        self.shard = user_id % 1024
        self.symbol = symbol
        self.numbers = count(1)
        self.number = 0

    def order_id(self, number):
        return number << 10 | self.shard

    def instruction(self, *, time=NOON, **body):
        self.number = next(self.numbers)
        return Instruction(number=self.number, user_id=self.user_id, time_unix_nanos=time, **body)

    def order(self, *, price=100, quantity=5, side=BUY, kind=LIMIT, time=NOON, quote=0, hold=0, stop=0):
        number = self.number + 1
        new = NewOrder(
            order_id=self.order_id(number),
            user_id=self.user_id,
            side=side,
            type=kind,
            price=price,
            quantity=quantity,
            quote_quantity=quote,
            stop_price=stop,
        )
        created = OrderCreated(
            symbol=self.symbol, order=new, quote_units_per_tick_lot=10, base_units_per_lot=1, hold=hold
        )
        return self.instruction(time=time, order_created=created)

    def cancel(self, order_id):
        return self.instruction(cancel_requested=CancelRequested(symbol=self.symbol, order_id=order_id))

    def batch(self, *instructions):
        return InstructionBatch(
            version=1, shard=self.shard, count=len(instructions), instructions=instructions
        )

    def answers(self, *events):
        return OrderEventBatch(version=1, shard=self.shard, count=len(events), events=events)

    def held(self, number):
        return OrderEvent(number=number, user_id=self.user_id, funds_held=FundsHeld(id=self.order_id(number)))

    def refused(self, number):
        refused = InstructionRefused(id=self.order_id(number), reason=1)
        return OrderEvent(number=number, user_id=self.user_id, refused=refused)


class Market:
    """The engine's side of one pair: numbers its events."""

    def __init__(self, *, symbol=SYMBOL):
        self.symbol = symbol
        self.seqs = count(1)

    def event(self, *, time=NOON, **body):
        return Event(seq=next(self.seqs), time_unix_nanos=time, **body)

    def trade(self, maker, taker, *, price=100, quantity=5, left=(0, 0), taker_side=SELL, time=NOON):
        """`maker` and `taker` are (user, order id)."""
        body = TradeExecuted(
            trade_id=1,
            price=price,
            quantity=quantity,
            maker_user_id=maker[0],
            maker_order_id=maker[1],
            taker_user_id=taker[0],
            taker_order_id=taker[1],
            taker_side=taker_side,
            maker_remaining=left[0],
            taker_remaining=left[1],
        )
        return self.event(time=time, trade_executed=body)

    def cancelled(self, user_id, order_id):
        return self.event(order_cancelled=OrderCancelled(order_id=order_id, user_id=user_id, remaining=5))

    def expired(self, user_id, order_id):
        return self.event(order_expired=OrderExpired(order_id=order_id, user_id=user_id, remaining=5))

    def rejected(self, user_id, order_id):
        return self.event(order_rejected=OrderRejected(order_id=order_id, user_id=user_id))

    def batch(self, *events):
        return EventBatch(symbol=self.symbol, events=events)


_times = count(1)


def limits(*, user_id=0, symbol="", **values):
    """A setting that replaces what a scope says, later than all that were made before."""
    request = SetLimitsRequest(user_id=user_id, symbol=symbol, limits=LimitValues(**values), reason="test")
    return RiskSetting(limits=request, actor="user 1", time_unix_nanos=next(_times))


def mode(user_id, name):
    state = UserState(user_id=user_id, mode=name, reason="test")
    return RiskSetting(user=state, actor="user 1", time_unix_nanos=next(_times))


def check(user_id, *, price=100, quantity=5, side=BUY, kind=LIMIT, notional=None, symbol=SYMBOL, stop=0):
    order = OrderCheck(
        symbol=symbol,
        side=side,
        type=kind,
        price=price,
        quantity=quantity,
        notional=price * quantity if notional is None else notional,
        stop_price=stop,
    )
    return RiskCheck(user_id=user_id, order=order)
