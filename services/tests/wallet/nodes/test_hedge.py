"""A slow node costs a little, a failing one nothing, and nobody is left running."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.wallet.nodes.hedge import hedged


class RefusedError(Exception):
    """A failure that another node may not have."""


class Attempts:
    """Attempts that answer when they are told to, and what became of them."""

    def __init__(self):
        self.begun = []
        self.cancelled = []
        self.both = asyncio.Event()

    def make(self, name, *, gate=None, error=None):
        async def attempt():
            self.begun.append(name)
            if len(self.begun) == 2:
                self.both.set()
            try:
                if gate is not None:
                    await gate.wait()
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise
            if error is not None:
                raise error
            return name

        return attempt


async def test_the_first_answers_and_nobody_else_is_asked():
    attempts = Attempts()
    made = [attempts.make("a"), attempts.make("b")]
    assert await hedged(made, after=60, unless=RefusedError) == "a"
    assert attempts.begun == ["a"]


async def test_a_silent_one_is_overtaken_and_cancelled():
    attempts = Attempts()
    made = [attempts.make("a", gate=asyncio.Event()), attempts.make("b")]
    assert await hedged(made, after=0.001, unless=RefusedError) == "b"
    assert attempts.cancelled == ["a"]


async def test_a_slow_one_that_answers_first_after_all_counts():
    attempts, gate = Attempts(), asyncio.Event()

    async def second():
        gate.set()
        await asyncio.Event().wait()
        raise AssertionError("never reached")

    assert await hedged([attempts.make("a", gate=gate), second], after=0.001, unless=RefusedError) == "a"


async def test_a_failure_moves_on_at_once():
    attempts = Attempts()
    made = [attempts.make("a", error=RefusedError("no")), attempts.make("b")]
    async with asyncio.timeout(60):
        assert await hedged(made, after=3600, unless=RefusedError) == "b"


async def test_when_all_fail_the_last_failure_is_told():
    attempts = Attempts()
    made = [attempts.make("a", error=RefusedError("first")), attempts.make("b", error=RefusedError("second"))]
    with pytest.raises(RefusedError, match="second"):
        await hedged(made, after=3600, unless=RefusedError)


async def test_another_exception_is_an_answer():
    attempts = Attempts()
    made = [attempts.make("a", error=KeyError("bug")), attempts.make("b")]
    with pytest.raises(KeyError):
        await hedged(made, after=3600, unless=RefusedError)
    assert attempts.begun == ["a"]


async def test_whoever_gives_up_leaves_nobody_running():
    attempts = Attempts()
    made = [attempts.make(name, gate=asyncio.Event()) for name in "ab"]
    task = asyncio.create_task(hedged(made, after=0.001, unless=RefusedError))
    await attempts.both.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(attempts.cancelled) == ["a", "b"]


async def test_nobody_to_ask_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="nobody"):
        await hedged([], after=1, unless=RefusedError)
