"""A small exchange for tests: users, a position service in one dict, and the real book for each pair.

It makes what the logs would hold (`orders`, `order-events`, `events.{symbol}`), and keeps balances by rules
of its own, written apart from those of the product: what the ledger must come to.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from fractions import Fraction
from math import ceil

from outcry.v1.command_pb2 import Command, CommandBatch, Filters, NewOrder, PairSettings
from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch, RefusalReason
from outcry.v1.types_pb2 import OrderType, SelfTradePrevention, Side, TimeInForce, TradingStatus
from outcry_engine import Book

BUY, SELL = Side.SIDE_BUY, Side.SIDE_SELL
BAND_LOWER, BAND_UPPER = 20, 200
TICK_LOT, LOT = 7, 1000
"""Ledger units of one tick-lot of the quote, and of one lot of the base asset."""


class Exchange:
    """Everything is decided by the seed. `maker_ppm` may be negative."""

    def __init__(
        self, seed, *, symbols=("AAA-USD", "BBB-USD"), users=12, maker_ppm=-250, taker_ppm=1000, stp=False
    ):
        self.random = random.Random(seed)
        # Of their own, so that orders are the same whatever becomes of withdrawals.
        self.payouts = random.Random(f"{seed} payouts")
        self.symbols = symbols
        # Shards of several partitions; some users share one.
        self.users = [1 + number * 173 % 2100 for number in range(users)]
        self.fees = {"maker_fee_ppm": maker_ppm, "taker_fee_ppm": taker_ppm}
        self.instructions, self.answers = [], []
        self.events = {symbol: [] for symbol in symbols}
        self.available, self.held = defaultdict(int), defaultdict(int)
        self.holds = {}
        self.sent = {}
        self.paid_out, self.chain_fees = Counter(), 0
        self.fees_taken, self.brought = Counter(), Counter()
        self._numbers = Counter()
        self._books = {}
        for symbol in symbols:
            self._books[symbol] = Book.empty(symbol=symbol, source=2048)
            self._command(
                symbol, Command(source=1024, incarnation=1, number=1, pair_settings=self._settings(stp))
            )

    def _settings(self, stp):
        prevention = SelfTradePrevention.SELF_TRADE_PREVENTION_DECREMENT if stp else 0
        return PairSettings(
            trading_status=TradingStatus.TRADING_STATUS_TRADING,
            rules_version=2,
            price_band_lower=BAND_LOWER,
            price_band_upper=BAND_UPPER,
            min_notional=1,
            quote_units_per_tick_lot=TICK_LOT,
            base_units_per_lot=LOT,
            filters=Filters(self_trade_prevention=prevention),
            **self.fees,
        )

    # What users do.

    def deposit(self, user, asset, amount):
        instruction = self._instruction(user)
        made = instruction.deposit_made
        made.asset, made.amount, made.reference = asset, amount, f"chain:{instruction.number}"
        answer = self._answer(instruction)
        answer.funds_credited.asset, answer.funds_credited.amount = asset, amount
        self.available[user, asset] += amount
        self.brought[asset] += amount

    def adjust(self, user, asset, amount, reason="a correction"):
        instruction = self._instruction(user)
        made = instruction.adjustment_made
        made.asset, made.amount, made.reason, made.actor = asset, amount, reason, "admin"
        answer = self._answer(instruction)
        answer.funds_adjusted.asset, answer.funds_adjusted.amount = asset, amount
        self.available[user, asset] += amount
        self.brought[asset] += amount

    def withdraw(self, user, asset, amount):
        instruction = self._instruction(user)
        asked = instruction.withdrawal_requested
        asked.withdrawal_id = instruction.number << 10 | user % 1024
        asked.asset, asked.amount, asked.address = asset, amount, "bc1q"
        return self._hold(instruction, asked.withdrawal_id, asset, amount)

    def send(self, withdrawal):
        """What a withdrawal holds is on its way."""
        answer, user, asset, amount = self._step(withdrawal, "withdrawal_sent", "funds_sent")
        self.held[user, asset] -= amount
        self.sent[withdrawal] = self.holds.pop(withdrawal)
        return answer

    def release(self, withdrawal):
        """It will never be sent."""
        answer, user, asset, amount = self._step(withdrawal, "withdrawal_released", "funds_released")
        self.held[user, asset] -= amount
        self.available[user, asset] += amount
        del self.holds[withdrawal]
        return answer

    def complete(self, withdrawal, *, fee=0):
        """The chain paid it."""
        answer, _, asset, amount = self._step(withdrawal, "withdrawal_completed", "funds_paid_out", fee=fee)
        self.paid_out[asset] += amount
        del self.sent[withdrawal]
        return answer

    def come_back(self, withdrawal, *, fee=0):
        """The chain can't pay it any more."""
        answer, user, asset, amount = self._step(withdrawal, "withdrawal_returned", "funds_returned", fee=fee)
        self.available[user, asset] += amount
        del self.sent[withdrawal]
        return answer

    def _step(self, withdrawal, asked, said, *, fee=None):
        kept = self.holds.get(withdrawal) or self.sent[withdrawal]
        instruction = self._instruction(kept["user"])
        answer = self._answer(instruction)
        for body in (getattr(instruction, asked), getattr(answer, said)):
            body.asset, body.amount = kept["asset"], kept["left"]
        getattr(instruction, asked).withdrawal_id = getattr(answer, said).id = withdrawal
        if fee is not None:
            getattr(instruction, asked).fee_asset, getattr(instruction, asked).fee = "USD", fee
            self.chain_fees += fee
        return answer, kept["user"], kept["asset"], kept["left"]

    def order(self, user, symbol, side, *, price=0, lots=0, quote=0, stop=0):
        """A limit order with a price, a stop with `stop`, else a market order; None when funds lack."""
        instruction = self._instruction(user)
        base, quote_asset = symbol.split("-")
        created = instruction.order_created
        created.symbol, created.base_asset, created.quote_asset = symbol, base, quote_asset
        created.quote_units_per_tick_lot, created.base_units_per_lot = TICK_LOT, LOT
        created.order.MergeFrom(
            NewOrder(
                order_id=instruction.number << 10 | user % 1024,
                user_id=user,
                side=side,
                type=_type(price, stop),
                time_in_force=TimeInForce.TIME_IN_FORCE_GTC if price else 0,
                price=price,
                quantity=lots,
                quote_quantity=quote,
                stop_price=stop,
            )
        )
        if side == BUY:
            created.hold_asset = quote_asset
            created.hold_per_unit = TICK_LOT if quote else TICK_LOT * (price or BAND_UPPER)
            created.hold = created.hold_per_unit * (quote or lots)
        else:
            created.hold_asset = base
            created.hold_per_unit = 0 if quote else LOT
            created.hold = LOT * (-(-quote // BAND_LOWER) if quote else lots)
        order_id = created.order.order_id
        if not self._hold(instruction, order_id, created.hold_asset, created.hold):
            return None
        self.holds[order_id].update(symbol=symbol, per_unit=created.hold_per_unit)
        self._command(symbol, self._of(instruction, new_order=created.order))
        return order_id

    def cancel(self, order_id):
        user, symbol = self.holds[order_id]["user"], self.holds[order_id]["symbol"]
        instruction = self._instruction(user)
        instruction.cancel_requested.symbol, instruction.cancel_requested.order_id = symbol, order_id
        self._answer(instruction).cancel_forwarded.order_id = order_id
        command = self._of(instruction)
        command.cancel_order.order_id, command.cancel_order.user_id = order_id, user
        self._command(symbol, command)

    def mass_cancel(self, user, symbol):
        instruction = self._instruction(user)
        instruction.mass_cancel_requested.symbol = symbol
        self._answer(instruction).cancel_forwarded.SetInParent()
        command = self._of(instruction)
        command.mass_cancel.user_id = user
        self._command(symbol, command)

    def amend(self, order_id, lots):
        """By the operator: clients can't, and holds must follow all the same."""
        hold = self.holds[order_id]
        self._numbers["operator"] += 1
        command = Command(source=2048, incarnation=1, number=self._numbers["operator"])
        command.amend_order.order_id, command.amend_order.user_id = order_id, hold["user"]
        command.amend_order.quantity = lots
        self._command(hold["symbol"], command)

    def trade(self, steps):
        """Random deposits, orders of every kind and cancels."""
        dice = self.random
        for _ in range(steps):
            user, symbol = dice.choice(self.users), dice.choice(self.symbols)
            asset = dice.choice([symbol.split("-")[0], "USD"])
            open_orders = [key for key, hold in self.holds.items() if "symbol" in hold]
            what = dice.randrange(100)
            if what < 8:
                self.deposit(user, asset, dice.randint(1, 3_000_000))
            elif what < 80:
                self._any_order(user, symbol)
            elif what < 82:
                self.mass_cancel(user, symbol)
            elif what < 83:
                self.withdraw(user, asset, dice.randint(1, 1000))
                self._move_withdrawals()
            elif what < 86 and open_orders:
                self.amend(dice.choice(open_orders), dice.randint(1, 5))
            elif open_orders:
                self.cancel(dice.choice(open_orders))

    def _move_withdrawals(self):
        dice = self.payouts
        for withdrawal in list(self.sent):
            if dice.random() < 0.5:
                dice.choice((self.complete, self.come_back))(withdrawal, fee=dice.randint(0, 9))
        for withdrawal in [key for key, hold in self.holds.items() if "symbol" not in hold]:
            if dice.random() < 0.5:
                dice.choice((self.send, self.send, self.release))(withdrawal)

    def _any_order(self, user, symbol):
        dice = self.random
        side, lots, price = dice.choice((BUY, SELL)), dice.randint(1, 30), dice.randint(60, 140)
        kinds = [{"price": price, "lots": lots}] * 8 + [
            {"lots": lots},
            {"quote": dice.randint(100, 3000)},
            {"lots": lots, "stop": dice.randint(60, 140)},
        ]
        self.order(user, symbol, side, **dice.choice(kinds))

    def end_all(self):
        """Every order becomes terminal."""
        for user in self.users:
            for symbol in self.symbols:
                self.mass_cancel(user, symbol)

    # What the services would make of it.

    def _instruction(self, user):
        shard = user % 1024
        self._numbers[shard] += 1
        instruction = Instruction(
            incarnation=1,
            number=self._numbers[shard],
            user_id=user,
            time_unix_nanos=10**18 + len(self.instructions),
        )
        self.instructions.append(instruction)
        return instruction

    def _answer(self, instruction):
        answer = OrderEvent(
            incarnation=instruction.incarnation, number=instruction.number, user_id=instruction.user_id
        )
        self.answers.append(answer)
        return answer

    def _hold(self, instruction, key, asset, amount):
        user, answer = instruction.user_id, self._answer(instruction)
        if self.available[user, asset] < amount:
            answer.refused.id = key
            answer.refused.reason = RefusalReason.REFUSAL_REASON_INSUFFICIENT_FUNDS
            return False
        answer.funds_held.id, answer.funds_held.asset, answer.funds_held.amount = key, asset, amount
        self.available[user, asset] -= amount
        self.held[user, asset] += amount
        self.holds[key] = {"user": user, "asset": asset, "left": amount}
        return True

    @staticmethod
    def _of(instruction, **body):
        return Command(
            source=instruction.user_id % 1024,
            incarnation=instruction.incarnation,
            number=instruction.number,
            **body,
        )

    def _command(self, symbol, command):
        record = CommandBatch(version=1, symbol=symbol, count=1, commands=[command]).SerializeToString()
        for event in split(self._books[symbol].apply_record(record)):
            self.events[symbol].append(event)
            self._happened(symbol, event)

    # What it must come to.

    def _happened(self, symbol, event):
        kind = event.WhichOneof("body")
        it = getattr(event, kind)
        if kind == "trade_executed":
            maker_buys = it.taker_side == SELL
            self._fill(symbol, it, it.maker_order_id, maker_buys, it.maker_fee_ppm)
            self._fill(symbol, it, it.taker_order_id, not maker_buys, it.taker_fee_ppm)
        if kind in ("trade_executed", "self_trade_prevented"):
            self._shrink(it.maker_order_id, it.maker_remaining)
            self._shrink(it.taker_order_id, it.taker_remaining)
        if kind in ("order_cancelled", "order_expired", "order_rejected"):
            self._shrink(it.order_id, 0)
        if kind == "order_amended":
            self._shrink(it.order_id, it.remaining)

    def _fill(self, symbol, it, order_id, buys, ppm):
        base, quote = symbol.split("-")
        money, coins = it.price * it.quantity * TICK_LOT, it.quantity * LOT
        paid, gross, asset = (money, coins, base) if buys else (coins, money, quote)
        hold = self.holds[order_id]
        hold["left"] -= paid
        assert hold["left"] >= 0
        self.held[hold["user"], hold["asset"]] -= paid
        fee = ceil(Fraction(gross * ppm, 10**6))
        self.available[hold["user"], asset] += gross - fee
        self.fees_taken[asset] += fee

    def _shrink(self, order_id, remaining):
        hold = self.holds[order_id]
        needed = hold["left"]
        if remaining == 0:
            needed = 0
        elif hold["per_unit"]:
            needed = hold["per_unit"] * remaining
        self.held[hold["user"], hold["asset"]] -= hold["left"] - needed
        self.available[hold["user"], hold["asset"]] += hold["left"] - needed
        hold["left"] = needed
        if remaining == 0:
            del self.holds[order_id]

    def balances(self):
        """(user, asset) → (available, held), without those that have nothing."""
        keys = {key for key in [*self.available, *self.held] if self.available[key] or self.held[key]}
        return {key: (self.available[key], self.held[key]) for key in keys}

    # As records.

    def records(self, *, partitions=8, most=3):
        """(topic, partition) → the messages of its records, in order."""
        found = {}
        for number in range(partitions):
            found["orders", number] = [
                InstructionBatch(version=1, shard=shard, count=len(some), instructions=some)
                for shard, some in _grouped(self.instructions, number, partitions, most)
            ]
            found["order-events", number] = [
                OrderEventBatch(version=1, shard=shard, count=len(some), events=some)
                for shard, some in _grouped(self.answers, number, partitions, most)
            ]
        for symbol, events in self.events.items():
            found[f"events.{symbol}", 0] = [
                EventBatch(symbol=symbol, events=events[at : at + most]) for at in range(0, len(events), most)
            ]
        return found


def _type(price, stop):
    if stop:
        return OrderType.ORDER_TYPE_STOP_LOSS
    return OrderType.ORDER_TYPE_LIMIT if price else OrderType.ORDER_TYPE_MARKET


def _grouped(messages, partition, partitions, most):
    groups = []
    for message in messages:
        shard = message.user_id % 1024
        if shard % partitions != partition:
            continue
        if groups and groups[-1][0] == shard and len(groups[-1][1]) < most:
            groups[-1][1].append(message)
        else:
            groups.append((shard, [message]))
    return groups


def split(data):
    """The events in what `Book.apply_record` gives: each behind its length as a varint."""
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield Event.FromString(data[at : at + size])
        at += size
