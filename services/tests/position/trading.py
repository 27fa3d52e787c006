"""Random trading of a seed, and what the money must add up to."""

from __future__ import annotations

import random
from collections import Counter

from services.tests.position.making import BUY, SELL, cancel, deposit, order

USERS = range(1, 13)


async def balances(redis):
    """Available, held and the sum of holds of every user and asset."""
    found = {}
    for user in USERS:
        holds = await redis.command("HGETALL", f"holds:{{{user}}}")
        for asset in ("BTC", "USDT"):
            values = [await redis.command("GET", f"{kind}:{{{user}}}:{asset}") for kind in ("pos", "held")]
            left = [text.decode().split(" ")[:2] for text in holds.values()]
            found[user, asset] = (
                *(int(value or 0) for value in values),
                sum(int(amount) for amount, of in left if of == asset),
            )
    return found


def check(found, *, deposited, fees):
    """Nothing is negative, held is what the holds say, and every unit is somewhere."""
    sums = Counter()
    for (_, asset), (available, held, holds) in found.items():
        assert available >= 0
        assert held == holds >= 0
        sums[asset] += available + held
    assert {asset: sums[asset] + fees[asset] for asset in deposited} == deposited


def fees_of(events):
    """What the house took, computed anew: rounded up, buyers in base and sellers in quote."""
    fees = Counter()
    for event in events:
        if event.WhichOneof("body") != "trade_executed":
            continue
        it = event.trade_executed
        base, quote = it.quantity * 10, it.price * it.quantity
        taker_buys = it.taker_side == BUY
        for ppm, buys in ((it.maker_fee_ppm, not taker_buys), (it.taker_fee_ppm, taker_buys)):
            fees["BTC" if buys else "USDT"] += -(-(base if buys else quote) * ppm // 1_000_000)
    return fees


class Trading:
    """Random orders and cancels of a seed, and what the money must add up to."""

    def __init__(self, exchange, seed):
        self.exchange = exchange
        self.chance = random.Random(seed)
        self.placed = []
        self.events = []
        applied = exchange.engine.apply

        def apply(command):
            events = applied(command)
            self.events += events
            return events

        exchange.engine.apply = apply

    async def fund(self):
        await self.exchange.say(
            *((user, lambda u, n: deposit(u, n, "USDT", 100_000)) for user in USERS),
            *((user, lambda u, n: deposit(u, n, "BTC", 10_000)) for user in USERS),
        )

    async def trade(self, count):
        for _ in range(count):
            user = self.chance.choice(USERS)
            if self.placed and self.chance.random() < 0.2:
                owner, number = self.chance.choice(self.placed)
                await self.exchange.say((owner, lambda u, n, of=number: cancel(u, n, of)))
                continue
            side = self.chance.choice((BUY, SELL))
            price, quantity = self.chance.randint(90, 110), self.chance.randint(1, 20)
            numbers = await self.exchange.say(
                (user, lambda u, n, s=side, p=price, q=quantity: order(u, n, s, price=p, quantity=q))
            )
            self.placed.append((user, numbers[user]))

    async def end(self):
        """Cancel everything; afterwards nothing is held."""
        for user, number in self.placed:
            await self.exchange.say((user, lambda u, n, of=number: cancel(u, n, of)))

    def check(self, found):
        funded = len(USERS)
        check(
            found,
            deposited={"USDT": 100_000 * funded, "BTC": 10_000 * funded},
            fees=fees_of(self.events),
        )
