"""Work that outlives the beginning of the drain ends when it is told to, and alone."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.health import Health
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.order.servers import supervised


async def test_a_server_that_leaves_the_map_takes_nobody_with_it():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)
    run = asyncio.create_task(lifecycle.run())
    commits = supervised(lifecycle, "commits a", asyncio.Event().wait())
    await asyncio.sleep(0)
    await commits.end()
    assert commits.task.cancelled()
    assert not lifecycle.draining
    lifecycle.stop()
    await run


async def test_what_is_supervised_works_on_while_the_process_drains():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)
    commits = supervised(lifecycle, "commits a", asyncio.Event().wait())
    ended = []

    async def end():
        ended.append(commits.task.done())
        await commits.end()

    lifecycle.at_end("shards", end)
    await asyncio.sleep(0)
    lifecycle.stop()
    await lifecycle.run()
    assert ended == [False]
    assert commits.task.cancelled()


async def test_a_supervised_failure_ends_the_process():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)

    async def work():
        raise ValueError("broken")

    supervised(lifecycle, "commits a", work())
    with pytest.raises(ValueError, match="broken"):
        await lifecycle.run()
