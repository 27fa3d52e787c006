"""The process killed at every call to anything outside of it, before or after the call had its effect.

Each call of a payout is one place to die: the next process finds what is durable, and goes on. Whatever
happens, the coin moves exactly once.
"""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager

import pytest

from services.tests.wallet.withdraw.house import BTC, PAYEE, received
from services.tests.wallet.withdraw.test_payouts import hot

pytestmark = [pytest.mark.integration, pytest.mark.chains]


class KilledError(BaseException):
    """As a SIGKILL: nothing in the process catches it."""


class Deaths:
    """Counts the calls of one life, and ends it at one of them."""

    def __init__(self):
        self.arm(0)

    def arm(self, at):
        """Die at call number `at` (from 1; 0: never); odd lives before its effect, even ones after."""
        self.left, self.before = (at + 1) // 2, at % 2 == 1
        self.calls = []

    def wrap(self, name, port):
        return _Mortal(name, port, self)

    def _dies(self, called):
        self.calls.append(called)
        return self.left == len(self.calls)


class _Mortal:
    def __init__(self, name, port, deaths):
        self._name, self._port, self._deaths = name, port, deaths

    def __getattr__(self, name):
        found = getattr(self._port, name)
        called = f"{self._name}.{name}"
        if called == "store.change":
            return lambda: self._change(found)
        if not inspect.iscoroutinefunction(found) or called == "rail.look":
            return found

        async def call(*arguments, **named):
            dies = self._deaths._dies(called)
            if dies and self._deaths.before:
                raise KilledError(called)
            answer = await found(*arguments, **named)
            if dies:
                raise KilledError(called)
            return answer

        return call

    @asynccontextmanager
    async def _change(self, change):
        """Dying in it is a transaction that is rolled back, after it one that is durable."""
        dies = self._deaths._dies("store.change")
        async with change() as tables:
            yield tables
            if dies and self._deaths.before:
                raise KilledError("store.change")
        if dies:
            raise KilledError("store.change")


async def test_a_process_that_dies_at_any_call_pays_once(wallet, faucet):
    deaths = Deaths()
    wallet.wrap = deaths.wrap
    async with wallet.process():
        faucet.pay(*[(hot(wallet), BTC)] * 12)
        await wallet.turn(mine=1)
    at, paid, died = 0, [], set()
    while True:
        at += 1
        id_, dead = await one_story(wallet, deaths, at)
        paid.append(id_)
        if dead is None:
            break
        died.add(dead)
    deaths.arm(0)
    # Each port was one to die at, and no call was left out.
    assert {"desk.lead", "desk.send", "desk.complete", "reviewer.review", "signers.sign"} <= died
    assert {"store.change", "rail.broadcast", "rail.sighting"} <= died
    seen = [await wallet.books.seen(id_) for id_ in paid]
    assert {one.status for one in seen} == {"COMPLETED"}
    for number, one in enumerate(seen):
        assert received(wallet.node, one.transaction_id) == [100_000 + number]
    async with wallet.process(), wallet.world.store.look() as tables:
        for id_, one in zip(paid, seen, strict=True):
            kept = await tables.withdrawals.get(id_)
            assert (kept.state, kept.address) == ("PAID", PAYEE)
            assert one.transaction_id
    assert len({one.transaction_id for one in seen}) == len(paid)


async def one_story(wallet, deaths, at):
    """A withdrawal during which the process dies once; its id, and the call at which it did."""
    amount = 100_000 + at - 1
    id_ = await wallet.books.ask(f"0.{amount:08d}")
    dead = None
    deaths.arm(at)
    try:
        await to_the_end(wallet, id_)
    except KilledError as killed:
        dead = str(killed)
        deaths.arm(0)
        await to_the_end(wallet, id_)
    return id_, dead


async def to_the_end(wallet, id_):
    async with wallet.process():
        for _ in range(8):
            await wallet.turn()
            wallet.node.mine()
            if await wallet.statuses([id_]) == ["COMPLETED"]:
                return
    raise AssertionError(await wallet.statuses([id_]))
