"""The queue of pairs."""

from __future__ import annotations

import asyncio

import pytest
from outcry_operator.pair.names import Key
from outcry_operator.queue import MOST_SECONDS, WorkQueue

A, B = Key("n", "a"), Key("n", "b")


@pytest.fixture
async def queue():
    queue = WorkQueue()
    yield queue
    queue.close()


async def test_a_pair_waits_once(queue):
    for key in (A, B, A):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == [A, B]
    assert len(queue) == 0


async def test_no_two_runs_of_one_pair(queue):
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    assert len(queue) == 0, "it is being worked on"
    queue.done(A)
    assert await queue.get() == A, "what came in between isn't lost"


async def test_get_waits_for_work(queue):
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.add(B)
    assert await waiting == B


async def test_failures_come_back_later_each_time(queue):
    seconds = [queue.add_failed(A) for _ in range(9)]
    assert seconds[:3] == [1.0, 2.0, 4.0]
    assert seconds[-1] == MOST_SECONDS
    queue.succeeded(A)
    assert queue.add_failed(A) == 1.0


async def test_an_earlier_turn_makes_a_later_one_unnecessary(queue):
    queue.add_later(A, 1000)
    queue.add_later(A, 0)
    assert await queue.get() == A
    queue.done(A)
    queue.add_later(A, 1000)
    queue.add(A)
    assert await queue.get() == A
    assert not queue._timers


async def test_a_forgotten_pair_leaves_nothing(queue):
    queue.add_failed(A)
    queue.add(B)
    queue.forget(A)
    queue.forget(B)
    assert len(queue) == 0
    assert not queue._timers
    assert not queue._failures


async def test_idle_waits_for_the_runs_at_hand(queue):
    await queue.idle()
    queue.add(A)
    await queue.get()
    waiting = asyncio.create_task(queue.idle())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done(A)
    await waiting
