"""Whole sequences of steps on the scripts, with repeats and crashes, beside plain integers."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from outcry_services.common import fees

from e2e.simulation.redis_server import FakeRedis, FakeRedisServer
from services.tests.position.making import (
    BUY,
    SELL,
    World,
    cancelled,
    deposit,
    new_user,
    order,
    trade,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), st.integers(0, 2), st.integers(1, 500)),
        st.tuples(
            st.just("order"),
            st.integers(0, 2),
            st.sampled_from([BUY, SELL]),
            st.integers(1, 20),
            st.integers(1, 9),
        ),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("repeat")),
        st.tuples(st.just("crash")),
    ),
    max_size=40,
)


class Play:
    """Carries out steps on the scripts and on plain integers beside them."""

    def __init__(self):
        self.users = [new_user() for _ in range(3)]
        self.world = World(FakeRedis(FakeRedisServer()))
        self.number = self.seq = 0
        self.log, self.events = [], []
        self.open = []
        self.deposited = self.fees = 0

    async def play(self, steps):
        for name, *arguments in steps:
            await getattr(self, name)(*arguments)
        for one in list(self.open):
            await self._end(one)
        totals = await self._totals()
        assert totals["held"] == 0

    async def _totals(self):
        found = {"held": 0, "USDT": 0, "BTC": 0}
        for user in self.users:
            holds = await self.world.holds(user)
            sums = 0
            for asset in ("USDT", "BTC"):
                available, held = await self.world.balance(user, asset)
                assert min(available, held) >= 0
                found[asset] += available + held
                sums += held
            assert sum(holds.values()) == sums
            found["held"] += sums
        assert found["USDT"] + self.fees == self.deposited
        return found

    async def _say(self, make, *arguments, **named):
        self.number += 1
        self.log.append(make(*arguments[:1], self.number, *arguments[1:], **named))
        await self.world.order(*self.log[-1:])
        return self.world.log.answers[-1]

    async def deposit(self, who, amount):
        await self._say(deposit, self.users[who], "USDT", amount)
        await self._say(deposit, self.users[who], "BTC", amount)
        self.deposited += amount

    async def order(self, who, side, price, quantity):
        user = self.users[who]
        answer = await self._say(order, user, side, price=price, quantity=quantity)
        if answer.WhichOneof("body") == "funds_held":
            self.open.append([user, self.number, side, price, quantity])
        await self._totals()

    async def fill(self, first, second, quantity):
        buys = [one for one in self.open if one[2] == BUY]
        sells = [one for one in self.open if one[2] == SELL]
        if not buys or not sells:
            return
        buy, sell = buys[first % len(buys)], sells[second % len(sells)]
        quantity = min(quantity, buy[4], sell[4])
        if buy[3] < sell[3]:
            return
        for one in (buy, sell):
            one[4] -= quantity
        event = trade(
            self.seq + 1,
            maker=tuple(sell[:2]),
            taker=tuple(buy[:2]),
            price=sell[3],
            quantity=quantity,
            taker_side=BUY,
            left=(sell[4], buy[4]),
            fees=(1000, 2500),
        )
        self.fees += fees.fee_of(sell[3] * quantity, 1000)
        await self._happen(event)
        self.open = [one for one in self.open if one[4]]

    async def cancel(self, which):
        if self.open:
            await self._end(self.open[which % len(self.open)])

    async def _end(self, one):
        self.open.remove(one)
        await self._happen(cancelled(self.seq + 1, one[0], one[1], remaining=one[4]))

    async def _happen(self, event):
        self.seq += 1
        self.events.append(event)
        await self.world.event(event)
        await self._totals()

    async def repeat(self):
        """Everything comes once more."""
        if self.log:
            await self.world.order(*self.log)
        if self.events:
            await self.world.event(*self.events)

    async def crash(self):
        """A new process that knows nothing carries out everything once more."""
        told = len(self.world.log.answers)
        self.world.begin()
        await self.repeat()
        assert len(self.world.log.answers) == told
        await self._totals()


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_sequence_of_steps_makes_or_loses_a_unit(steps):
    asyncio.run(Play().play(steps))
