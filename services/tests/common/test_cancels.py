"""A cancel that `asyncio.wait_for` forgets is heeded behind it; one from before stays where it was."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.cancels import cancels, heed


async def driver():
    """Done in the step in which it begins, under a limit."""

    async def work():
        return 7

    return await asyncio.wait_for(work(), 10)


async def cancelled_in_the_moment(work):
    """Run `work`, and cancel it once what it waits for is done, and before it knows."""
    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    return await task


async def test_a_cancel_that_came_meanwhile_is_raised():
    async def work():
        asked = cancels()
        reply = await driver()
        heed(asked)
        return reply

    with pytest.raises(asyncio.CancelledError):
        await cancelled_in_the_moment(work)


async def test_a_cancel_from_before_is_not_raised_again():
    """Whoever cleans up after a cancel may use a driver."""

    async def work():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            asked = cancels()
            reply = await driver()
            heed(asked)
            return reply

    assert await cancelled_in_the_moment(work) == 7
