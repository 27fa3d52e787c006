"""What everybody must have in the end, computed from the logs alone, by arithmetic of its own.

`orders` and `order-events` say what was asked for and answered, `events.{symbol}` what became of it. From
these follow every balance, every hold, every status and every fee, whatever the services did on their way.
Nothing here is shared with them: a mistake in `common.fees` or `common.legs` shows as a difference.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch
from outcry.v1.types_pb2 import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e.simulation.kafka_log import FakeKafka

__all__ = ["ORDER_ENDS", "Logs", "OrderState", "Reference", "read_logs"]

MILLION = 1_000_000
SHARDS = 1024
ORDER_ENDS = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})


@dataclass(kw_only=True)
class Logs:
    """The logs without repeats, and what is wrong with them."""

    instructions: dict[tuple[int, int], Instruction] = field(default_factory=dict)
    answers: dict[tuple[int, int], OrderEvent] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_logs(kafka: FakeKafka, symbols: tuple[str, ...]) -> Logs:
    """Everything that is in Kafka, held to invariants 2 to 4: consecutive, and a repeat says the same."""
    logs = Logs()
    for number in range(kafka.topics()["orders"]):
        for record in kafka.read_all("orders", number):
            batch = InstructionBatch.FromString(record.value)
            _take(logs, logs.instructions, "orders", batch.shard, list(batch.instructions))
    for number in range(kafka.topics()["order-events"]):
        for record in kafka.read_all("order-events", number):
            answers = OrderEventBatch.FromString(record.value)
            _take(logs, logs.answers, "order-events", answers.shard, list(answers.events))
    for symbol in symbols:
        logs.events[symbol] = _events(kafka, symbol, logs.faults)
    return logs


def _take(logs: Logs, into: dict[tuple[int, int], Any], topic: str, shard: int, messages: list[Any]) -> None:
    for message in messages:
        key = (shard, message.number)
        if message.number > 1 and (shard, message.number - 1) not in into:
            logs.faults.append(f"{topic}: {shard}:{message.number} is behind a gap")
        if message.user_id % SHARDS != shard:
            logs.faults.append(f"{topic}: {shard}:{message.number} is of another shard's user")
        before = into.setdefault(key, message)
        if _content(before) != _content(message):
            logs.faults.append(f"{topic}: {shard}:{message.number} was {before} and is {message}")


def _content(message: Any) -> bytes:  # noqa: ANN401
    """What counts: a repeat may carry another trace and another time."""
    bare = type(message)()
    bare.CopyFrom(message)
    bare.traceparent, bare.time_unix_nanos = "", 0
    return bytes(bare.SerializeToString(deterministic=True))


def _events(kafka: FakeKafka, symbol: str, faults: list[str]) -> list[Event]:
    found: list[Event] = []
    for record in kafka.read_all(f"events.{symbol}"):
        for event in EventBatch.FromString(record.value).events:
            if event.seq == len(found) + 1:
                found.append(event)
            elif event.seq > len(found) + 1:
                faults.append(f"events.{symbol}: {event.seq} is behind a gap")
            elif event != found[event.seq - 1]:
                faults.append(f"events.{symbol}: {event.seq} was {found[event.seq - 1]} and is {event}")
    return found


@dataclass(kw_only=True)
class OrderState:
    """One order, as its logs tell."""

    user: int
    symbol: str
    side: int
    hold_asset: str
    left: int
    """Of the hold."""
    per_unit: int
    base: str
    quote: str
    tick_lot: int
    lot: int
    status: str = "PENDING_NEW"
    executed: int = 0
    quote_executed: int = 0
    fills: int = 0


class Reference:
    """Balances, orders and the house, after everything in the logs.

    `covers`: what the house paid for a user where Redis let somebody spend what he hadn't.
    """

    def __init__(self, logs: Logs, *, covers: Mapping[tuple[int, str], int] | None = None) -> None:
        self.faults = list(logs.faults)
        self.available: Counter[tuple[int, str]] = Counter()
        self.held: Counter[tuple[int, str]] = Counter()
        self.house: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By asset: fees, deposits, adjustments, in flight, and what the house added."""
        self.orders: dict[int, OrderState] = {}
        self.in_flight: dict[int, tuple[int, str, int]] = {}
        """Withdrawals that hold funds: user, asset, amount."""
        self.asked: dict[int, tuple[int, str, int]] = {}
        """The same of all that ever held funds."""
        self.withdrawals: dict[int, str] = {}
        """What became of each: HELD, SENT, COMPLETED, RELEASED, RETURNED; REFUSED."""
        for (user, asset), amount in (covers or {}).items():
            self._move("house", user, asset, amount)
        for key, instruction in sorted(logs.instructions.items()):
            if key in logs.answers:
                self._answered(key, instruction, logs.answers[key])
        for symbol, events in logs.events.items():
            for event in events:
                self._event(symbol, event)
        self._check()

    def _answered(self, key: tuple[int, int], asked: Instruction, said: OrderEvent) -> None:
        kind, answer = asked.WhichOneof("body"), said.WhichOneof("body")
        if said.user_id != asked.user_id:
            self.faults.append(f"{key}: asked by {asked.user_id}, answered to {said.user_id}")
        if kind == "order_created":
            self._order(key, asked, held=answer == "funds_held")
        elif kind in _STEPS:
            self._step(key, asked, answer or "")
        elif answer == "refused":
            if kind == "withdrawal_requested":
                self.withdrawals[asked.withdrawal_requested.withdrawal_id] = "REFUSED"
            return
        elif kind == "deposit_made":
            self._move("deposits", asked.user_id, asked.deposit_made.asset, asked.deposit_made.amount)
        elif kind == "adjustment_made":
            made = asked.adjustment_made
            self._move("adjustments", asked.user_id, made.asset, made.amount)
        elif kind == "withdrawal_requested":
            made_by, request = asked.user_id, asked.withdrawal_requested
            self.available[made_by, request.asset] -= request.amount
            self.held[made_by, request.asset] += request.amount
            self.in_flight[request.withdrawal_id] = (made_by, request.asset, request.amount)
            self.withdrawals[request.withdrawal_id] = "HELD"
            self.asked[request.withdrawal_id] = (made_by, request.asset, request.amount)

    def _step(self, key: tuple[int, int], asked: Instruction, said: str) -> None:
        """A withdrawal's step: each once, in its order, of what was asked for."""
        kind, user = asked.WhichOneof("body") or "", asked.user_id
        step: Any = getattr(asked, kind)
        before, after, expected = _STEPS[kind]
        number, asset, amount = step.withdrawal_id, step.asset, step.amount
        at = self.withdrawals.get(number, "NOTHING")
        if at != before or self.asked.get(number) != (user, asset, amount) or said != expected:
            self.faults.append(f"{key}: {after} of withdrawal {number}, which is {at}; the answer is {said}")
        self.withdrawals[number] = after
        house = self.house[asset]
        if before == "HELD":
            self.in_flight.pop(number, None)
            self.held[user, asset] -= amount
        else:
            house["withdrawals_in_flight"] -= amount
            self.house[step.fee_asset]["costs"] -= step.fee
            self.house[step.fee_asset]["chain_fees"] += step.fee
        if after in ("RELEASED", "RETURNED"):
            self.available[user, asset] += amount
        else:
            house["withdrawals_in_flight" if after == "SENT" else "withdrawals"] += amount

    def _move(self, account: str, user: int, asset: str, amount: int) -> None:
        self.available[user, asset] += amount
        self.house[asset][account] -= amount

    def _order(self, key: tuple[int, int], asked: Instruction, *, held: bool) -> None:
        created = asked.order_created
        order = OrderState(
            user=asked.user_id,
            symbol=created.symbol,
            side=created.order.side,
            hold_asset=created.hold_asset,
            left=created.hold if held else 0,
            per_unit=created.hold_per_unit,
            base=created.base_asset,
            quote=created.quote_asset,
            tick_lot=created.quote_units_per_tick_lot,
            lot=created.base_units_per_lot,
        )
        if created.order.order_id != key[1] << 10 | key[0]:
            self.faults.append(f"{key}: order id {created.order.order_id}")
        self.orders[created.order.order_id] = order
        if held:
            self.available[order.user, order.hold_asset] -= order.left
            self.held[order.user, order.hold_asset] += order.left
        else:
            order.status = "REJECTED"

    def _event(self, symbol: str, event: Event) -> None:
        kind = event.WhichOneof("body") or ""
        body = getattr(event, kind)
        if kind == "order_accepted":
            self._accept(symbol, event)
        elif kind == "trade_executed":
            maker_side = Side.SIDE_SELL if body.taker_side == Side.SIDE_BUY else Side.SIDE_BUY
            self._fill(body.maker_order_id, body, maker_side, body.maker_fee_ppm, body.maker_remaining)
            self._fill(body.taker_order_id, body, body.taker_side, body.taker_fee_ppm, body.taker_remaining)
        elif kind == "self_trade_prevented":
            self._lose(body.maker_order_id, body.maker_remaining)
            self._lose(body.taker_order_id, body.taker_remaining)
        elif kind == "order_amended":
            self._lose(body.order_id, body.remaining)
        elif kind in _ENDINGS:
            self._end(body.order_id, _ENDINGS[kind])
            if kind == "order_expired" and body.reason == _SELF_TRADE:
                self.orders[body.order_id].status = "EXPIRED_IN_MATCH"

    def _accept(self, symbol: str, event: Event) -> None:
        order = self.orders.get(event.order_accepted.order_id)
        if order is None or order.symbol != symbol or order.status != "PENDING_NEW":
            self.faults.append(f"{symbol} accepted {event.order_accepted.order_id}, which is {order}")
            return
        order.status = "NEW"

    def _fill(self, order_id: int, trade: Any, side: int, ppm: int, remaining: int) -> None:  # noqa: ANN401
        order = self._open(order_id)
        if order is None:
            return
        base, quote = trade.quantity * order.lot, trade.quantity * trade.price * order.tick_lot
        paid, gross, received = (
            (quote, base, order.base) if side == Side.SIDE_BUY else (base, quote, order.quote)
        )
        # Upwards for a fee, and towards zero for a rebate: both are towards the house.
        fee = -((-gross * ppm) // MILLION)
        own = min(order.left, paid)
        order.left -= own
        self.held[order.user, order.hold_asset] -= own
        self.house[order.hold_asset]["house"] -= paid - own
        # What this side pays the other one gets, when its own leg is booked.
        self.house[order.hold_asset]["clearing"] += paid
        self.house[received]["clearing"] -= gross
        self.available[order.user, received] += gross - fee
        self.house[received]["fees"] += fee
        order.executed += trade.quantity
        order.quote_executed += trade.quantity * trade.price
        order.fills += 1
        order.status = "PARTIALLY_FILLED" if remaining else "FILLED"
        self._keep(order, remaining)

    def _lose(self, order_id: int, remaining: int) -> None:
        order = self._open(order_id)
        if order is not None:
            self._keep(order, remaining)
            if remaining == 0:
                order.status = "EXPIRED_IN_MATCH"

    def _end(self, order_id: int, status: str) -> None:
        order = self._open(order_id)
        if order is not None:
            self._keep(order, 0)
            order.status = status

    def _keep(self, order: OrderState, remaining: int) -> None:
        need = 0
        if remaining:
            need = order.per_unit * remaining if order.per_unit else order.left
        freed = order.left - min(order.left, need)
        order.left -= freed
        self.held[order.user, order.hold_asset] -= freed
        self.available[order.user, order.hold_asset] += freed

    def _open(self, order_id: int) -> OrderState | None:
        order = self.orders.get(order_id)
        if order is None or order.status in ORDER_ENDS:
            self.faults.append(f"an event of order {order_id}, which is {order}")
            return None
        return order

    def _check(self) -> None:
        """Invariant 6: conservation, and nothing negative."""
        for where, amounts in (("available", self.available), ("held", self.held)):
            self.faults += [f"{where} of {key} is {amount}" for key, amount in amounts.items() if amount < 0]
        for asset, accounts in self.house.items():
            users = sum(
                amount
                for amounts in (self.available, self.held)
                for (_, of), amount in amounts.items()
                if of == asset
            )
            if users + sum(accounts.values()):
                self.faults.append(f"{asset} doesn't add up: users have {users}, the house {dict(accounts)}")
            if accounts["clearing"]:
                self.faults.append(f"{asset}: {accounts['clearing']} between the legs of trades")


_STEPS = {
    "withdrawal_sent": ("HELD", "SENT", "funds_sent"),
    "withdrawal_completed": ("SENT", "COMPLETED", "funds_paid_out"),
    "withdrawal_released": ("HELD", "RELEASED", "funds_released"),
    "withdrawal_returned": ("SENT", "RETURNED", "funds_returned"),
}
"""Where a withdrawal must be, where it is then, and what position says."""
_ENDINGS = {"order_cancelled": "CANCELED", "order_expired": "EXPIRED", "order_rejected": "REJECTED"}
_SELF_TRADE = 4
