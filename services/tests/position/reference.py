"""A ledger of the test's own: folded from the logs each time that it is asked."""

from __future__ import annotations

from contextlib import asynccontextmanager

from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.order_event_pb2 import OrderEventBatch
from outcry_services.common import fees
from outcry_services.common.ids import SHARDS
from outcry_services.common.legs import legs_of
from outcry_services.position.facts import Facts, parse_hold
from outcry_services.position.rebuild import Cut, Owned

from services.tests.position.exchange import PARTITIONS, SYMBOL


class Reference:
    """Implements `rebuild.Ledger` and `proof.LedgerAt`; `asked` counts answers."""

    def __init__(self, kafka):
        self._kafka = kafka
        self.asked = 0

    @asynccontextmanager
    async def snapshot(self):
        self.asked += 1
        yield _Snapshot(self._logs())

    async def at(self, cuts):
        logs = self._logs()
        for user, cut in cuts.items():
            if any((user % SHARDS, number) not in logs.answers for number in range(1, cut["i"] + 1)):
                return None
        self.asked += 1
        return {user: logs.owned(user, cut["i"], cut.get(SYMBOL, 0)).balances for user, cut in cuts.items()}

    def _logs(self):
        return _Logs(self._kafka)


class _Logs:
    def __init__(self, kafka):
        def read(topic, partitions, kind):
            for partition in range(partitions):
                for record in kafka.read_all(topic, partition):
                    yield kind.FromString(record.value)

        self.instructions = {
            (batch.shard, it.number): it
            for batch in read("orders", PARTITIONS, InstructionBatch)
            for it in batch.instructions
        }
        self.answers = {}
        for batch in read("order-events", PARTITIONS, OrderEventBatch):
            for answer in batch.events:
                self.answers.setdefault((batch.shard, answer.number), answer)
        self.ends = {}
        for part in range(PARTITIONS):
            self.ends["order-events", part] = len(kafka.read_all("order-events", part))
            self.ends["orders", part] = self._whole(kafka.read_all("orders", part))
        events = {
            event.seq: event for batch in read(f"events.{SYMBOL}", 1, EventBatch) for event in batch.events
        }
        self.legs = [leg for seq in sorted(events) for leg in legs_of(events[seq])]

    def _whole(self, records):
        """The offset of the first record that is not answered whole."""
        for offset, record in enumerate(records):
            batch = InstructionBatch.FromString(record.value)
            if any((batch.shard, it.number) not in self.answers for it in batch.instructions):
                return offset
        return len(records)

    def owned(self, user, number, mark):
        """What a user has after this instruction and this leg."""
        one = Owned(user=user)
        for (shard, at), answer in sorted(self.answers.items()):
            if answer.user_id == user and at <= number:
                self._answered(one, self.instructions[shard, at], answer)
        for leg in self.legs:
            if leg.user_id == user and leg.mark <= mark and leg.order_id in one.holds:
                _stepped(one, leg)
        return one

    def _answered(self, one, it, answer):
        kind = answer.WhichOneof("body")
        if kind == "funds_credited":
            _move(one, answer.funds_credited.asset, answer.funds_credited.amount, 0)
        elif kind == "funds_held":
            held, facts = answer.funds_held, Facts.of(it.order_created)
            _move(one, held.asset, -held.amount, held.amount)
            one.holds[held.id] = f"{held.amount} {held.asset}{facts.tail()}"


def _stepped(one, leg):
    left, asset, facts = parse_hold(one.holds.pop(leg.order_id))
    paid = 0
    if leg.fill is not None:
        trade = fees.proceeds(
            facts.side,
            price=leg.fill.price,
            quantity=leg.fill.quantity,
            quote_units_per_tick_lot=facts.tick_lot,
            base_units_per_lot=facts.lot,
            fee_ppm=leg.fill.fee_ppm,
        )
        paid = trade.paid
        _move(one, facts.received, trade.received, 0)
    step = fees.hold_step(left=left, per_unit=facts.per_unit, remaining=leg.remaining, paid=paid)
    _move(one, asset, step.released, -step.from_hold - step.released)
    if leg.remaining:
        one.holds[leg.order_id] = f"{step.left} {asset}{facts.tail()}"


def _move(one, asset, available, held):
    before = one.balances.get(asset, (0, 0))
    one.balances[asset] = (before[0] + available, before[1] + held)


class _Snapshot:
    def __init__(self, logs):
        self._logs = logs
        shards = {}
        for shard, number in sorted(logs.answers):
            # Up to the first that has no answer yet.
            if number == shards.get(shard, (1, 0))[1] + 1:
                shards[shard] = (1, number)
        last = logs.legs[-1].seq if logs.legs else 0
        # Of events the first is read again: what is not above the cut is dropped.
        self.cut = Cut(
            shards=shards,
            legs={SYMBOL: last * 2 + 1},
            offsets=logs.ends | {(f"events.{SYMBOL}", 0): 0},
        )

    async def users(self):
        owned = [self._logs.owned(user, self._number(user), self.cut.legs[SYMBOL]) for user in self._users()]
        yield [one for one in owned if one.balances]

    async def totals(self):
        found = {}
        async for page in self.users():
            for one in page:
                for asset, (available, held) in one.balances.items():
                    before = found.get(asset, (0, 0))
                    found[asset] = (before[0] + available, before[1] + held)
        return found

    def _users(self):
        return sorted({it.user_id for it in self._logs.instructions.values()})

    def _number(self, user):
        return self.cut.shards.get(user % SHARDS, (1, 0))[1]
