"""Sits beside risk's desk: holds every verdict to what the logs said at that moment.

Its view may be a little older than the logs, and no older than that. From what its reader was given, and what
it allowed itself, follow the orders that it must have counted for a user in a pair, by arithmetic of its own.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.order_event_pb2 import OrderEventBatch

from e2e.simulation.risk_rules import RESERVATION_SECONDS, SETTLE_SECONDS, STALE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outcry.v1.risk_api_pb2 import CheckRequest, CheckResponse, RiskCheck, Verdict

    from e2e.simulation.kafka_log import FakeKafka
    from e2e.simulation.risk_side import Risk

__all__ = ["Rules", "Witness"]

NOT_READY = "RISK_NOT_READY"
INSTANT = 0.002
"""Records carry milliseconds."""
Account = tuple[int, str]
Shape = tuple[int, int, int, int, int]
"""Side, type, price, quantity, and what an order by quote is worth."""


@dataclass
class Rules:
    """What administrators have set, and what they are about to: each of these may be in force."""

    open_orders: dict[Account, list[int | None]] = field(default_factory=dict)
    """By user (0: everybody) and pair (empty: every one); None: no limit."""
    modes: dict[int, list[str]] = field(default_factory=dict)

    def most_open(self, account: Account) -> list[int | None]:
        """What may be in force for a user in a pair: the narrowest scope that says something."""
        user, symbol = account
        found: list[int | None] = [None]
        for scope in ((0, ""), (0, symbol), (user, ""), (user, symbol)):
            said = self.open_orders.get(scope, [None])
            found = [*(one for one in said if one is not None), *(found if None in said else ())]
        return found

    def modes_of(self, user: int) -> list[str]:
        """What may be in force for a user."""
        return self.modes.get(user, ["ACTIVE"])


class _Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class _Order(NamedTuple):
    account: Account
    shape: Shape
    place: _Place
    """Of its instruction in the log."""


class _Allowed(NamedTuple):
    life: float
    time: float
    shape: Shape
    arrived: int
    """Instructions of that shape that this life had been given by then."""


class Witness:
    """Reads the logs as they grow; tells `fault` what is wrong."""

    def __init__(self, kafka: FakeKafka, *, fault: Callable[[str], None]) -> None:
        self.rules = Rules()
        self.checks = 0
        self._kafka = kafka
        self._fault = fault
        self._read: dict[tuple[str, int], int] = {}
        self._orders: dict[int, _Order] = {}
        self._ends: dict[int, _Place] = {}
        self._allowed: dict[Account, list[_Allowed]] = {}

    async def check(self, risk: Risk, request: CheckRequest) -> CheckResponse:
        """Let risk answer, and look at its answers."""
        response = await risk.check(request)
        self._follow()
        for check, verdict in zip(request.checks, response.verdicts, strict=True):
            self.checks += 1
            self._look(risk, check, verdict)
        return response

    def _look(self, risk: Risk, check: RiskCheck, verdict: Verdict) -> None:
        now = asyncio.get_running_loop().time()
        modes = self.rules.modes_of(check.user_id)
        if not check.HasField("order"):
            if not verdict.name and set(modes) == {"SUSPENDED"}:
                self._fault(f"a withdrawal of {check.user_id}, who is suspended, was allowed")
            return
        account = (check.user_id, check.order.symbol)
        if not verdict.name:
            self._allow(risk, account, check, now)
        elif verdict.name == "OPEN_ORDERS_LIMIT":
            self._refuse(risk, account, now)
        elif verdict.name.startswith("USER_") and set(modes) == {"ACTIVE"}:
            self._fault(f"an order of {account} was refused as {verdict.name}, who is active")

    def _allow(self, risk: Risk, account: Account, check: RiskCheck, now: float) -> None:
        for place in self._unread(risk, account[1], now):
            self._fault(f"an order of {account} was allowed, and {place} was not read for {STALE_SECONDS} s")
        if now - risk.begun < SETTLE_SECONDS:
            self._fault(f"an order of {account} was allowed by a process that had just begun")
        if "ACTIVE" not in self.rules.modes_of(account[0]):
            self._fault(f"an order of {account} was allowed, who may place none")
        limits = self.rules.most_open(account)
        fewest = self._open(risk, account) + self._reserved(risk, account, now).least
        if None not in limits and fewest >= max(limit for limit in limits if limit is not None):
            self._fault(f"an order of {account} was allowed beside {fewest}, of {limits}")
        shape = _shape_of(check)
        self._allowed.setdefault(account, []).append(
            _Allowed(risk.begun, now, shape, self._arrived(risk, account, shape))
        )

    def _refuse(self, risk: Risk, account: Account, now: float) -> None:
        limits = self.rules.most_open(account)
        most = self._open(risk, account) + self._reserved(risk, account, now).most
        if all(limit is None or most < limit for limit in limits):
            self._fault(f"an order of {account} was refused beside {most} open ones, of {limits}")

    def _open(self, risk: Risk, account: Account) -> int:
        """Orders of which this life was given the instruction and not the end."""
        return sum(
            order.account == account
            and _given(risk, order.place)
            and not (order_id in self._ends and _given(risk, self._ends[order_id]))
            for order_id, order in self._orders.items()
        )

    def _reserved(self, risk: Risk, account: Account, now: float) -> _Reserved:
        """What this life allowed and was not given the instruction of."""
        by_shape: dict[Shape, list[_Allowed]] = {}
        for one in self._allowed.get(account, ()):
            if one.life == risk.begun:
                by_shape.setdefault(one.shape, []).append(one)
        least = most = 0
        for shape, allowed in by_shape.items():
            left = _left(allowed, self._arrived(risk, account, shape))
            most += left
            # Which of several a bound ended depends on when risk looked.
            least += left if allowed[0].time > now - RESERVATION_SECONDS else 0
        return _Reserved(least, most)

    def _arrived(self, risk: Risk, account: Account, shape: Shape) -> int:
        return sum(
            order.account == account and order.shape == shape and _given(risk, order.place)
            for order in self._orders.values()
        )

    def _unread(self, risk: Risk, symbol: str, now: float) -> Iterator[str]:
        """Logs of which this life had not got what was in them when its view may have been made last."""
        for (topic, number), partition in self._kafka.partitions():
            if topic in ("orders", "order-events", "risk-settings", f"events.{symbol}"):
                moment = (now - STALE_SECONDS - INSTANT) * 1000
                end = partition.start + bisect_right(
                    partition.records, moment, key=lambda record: record.timestamp_ms
                )
                if risk.reader.position(topic, number) < end:
                    yield f"{topic}/{number}"

    def _follow(self) -> None:
        """Take in what the logs have by now."""
        for (topic, number), partition in self._kafka.partitions():
            at = self._read.get((topic, number), partition.start)
            if at >= partition.end or topic.partition(".")[0] not in ("orders", "order-events", "events"):
                continue
            for record in partition.since(at, partition.end - at):
                self._take(_Place(topic, number, record.offset), record.value)
            self._read[topic, number] = partition.end

    def _take(self, place: _Place, value: bytes) -> None:
        if place.topic == "orders":
            for it in InstructionBatch.FromString(value).instructions:
                if it.HasField("order_created"):
                    new = it.order_created.order
                    quote = 0 if new.quantity else new.quote_quantity
                    shape = (int(new.side), int(new.type), new.price, new.quantity, quote)
                    account = (it.user_id, it.order_created.symbol)
                    self._orders.setdefault(new.order_id, _Order(account, shape, place))
        elif place.topic == "order-events":
            answers = OrderEventBatch.FromString(value)
            for answer in answers.events:
                if answer.HasField("refused"):
                    self._ends.setdefault(answer.number << 10 | answers.shard, place)
        else:
            for event in EventBatch.FromString(value).events:
                body = getattr(event, event.WhichOneof("body") or "")
                for order_id in _ended_by(event.WhichOneof("body") or "", body):
                    self._ends.setdefault(order_id, place)


class _Reserved(NamedTuple):
    least: int
    most: int


def _given(risk: Risk, place: _Place) -> bool:
    return place.offset < risk.reader.position(place.topic, place.partition)


def _left(allowed: list[_Allowed], arrived: int) -> int:
    """Of what was allowed, each instruction ended the oldest that was there when it arrived."""
    left = before = 0
    for one in allowed:
        left = max(0, left - (one.arrived - before)) + 1
        before = one.arrived
    return max(0, left - (arrived - before))


def _ended_by(kind: str, body: object) -> Iterator[int]:
    if kind in ("order_cancelled", "order_expired", "order_rejected"):
        yield getattr(body, "order_id")  # noqa: B009 - one of many messages
    elif kind in ("trade_executed", "self_trade_prevented"):
        for side in ("maker", "taker"):
            if not getattr(body, f"{side}_remaining"):
                yield getattr(body, f"{side}_order_id")


def _shape_of(check: RiskCheck) -> Shape:
    order = check.order
    quote = 0 if order.quantity else order.notional
    return (int(order.side), int(order.type), order.price, order.quantity, quote)
