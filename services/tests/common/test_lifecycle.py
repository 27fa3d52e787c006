"""Health pages say the truth while a process starts, works and drains."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback

import aiohttp
import pytest
from outcry_services.common.errors import InternalError
from outcry_services.common.health import Health
from outcry_services.common.lifecycle import Lifecycle
from prometheus_client import Counter


async def page(port, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/{path}") as answer:
        return answer.status, await answer.text()


async def test_the_pages_name_what_is_wrong():
    health = Health()
    problem = {"mysql": "not connected", "loop": None}
    health.ready_if("mysql", lambda: problem["mysql"])
    health.alive_if("loop", lambda: problem["loop"])
    Counter("outcry_things", "Things", registry=health.registry).inc(3)
    async with health.serve(0) as port:
        assert await page(port, "healthz") == (200, "ok\n")
        assert await page(port, "readyz") == (503, "mysql: not connected\n")
        problem |= {"mysql": None, "loop": "stuck"}
        assert await page(port, "healthz") == (503, "loop: stuck\n")
        assert await page(port, "readyz") == (503, "loop: stuck\n")
        status, text = await page(port, "metrics")
        assert (status, "outcry_things_total 3.0" in text) == (200, True)


async def test_sigterm_drains_the_parts_in_reverse_order_and_is_not_ready_meanwhile():
    health = Health()
    lifecycle = Lifecycle(health=health, drain_seconds=5)
    ended = []

    async def end(name):
        ended.append((name, health.unready()))

    lifecycle.at_end("publisher", lambda: end("publisher"))
    lifecycle.at_end("grpc", lambda: end("grpc"))
    run = asyncio.create_task(lifecycle.run())
    await asyncio.sleep(0)
    assert health.unready() == []
    os.kill(os.getpid(), signal.SIGTERM)
    await run
    assert ended == [("grpc", ["lifecycle: draining"]), ("publisher", ["lifecycle: draining"])]


async def test_background_work_is_cancelled_before_the_parts_end():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)
    order = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            order.append("work")

    async def end():
        order.append("part")

    lifecycle.at_end("part", end)
    lifecycle.background("reader", work())
    await asyncio.sleep(0)
    lifecycle.stop()
    await lifecycle.run()
    assert order == ["work", "part"]


async def test_a_background_task_that_dies_drains_and_ends_the_process():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)
    ended = asyncio.Event()

    async def work():
        raise ValueError("broken")

    async def end():
        ended.set()

    lifecycle.at_end("part", end)
    lifecycle.background("reader", work())
    with pytest.raises(ValueError, match="broken"):
        await lifecycle.run()
    assert ended.is_set()


async def test_a_background_task_must_not_end_by_itself():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)

    async def work():
        return

    lifecycle.background("reader", work())
    with pytest.raises(InternalError, match="reader ended by itself"):
        await lifecycle.run()


async def test_a_background_task_that_nobody_cancelled_must_not_end_as_cancelled():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)

    async def lost():
        raise asyncio.CancelledError

    lifecycle.background("reader", lost())
    with pytest.raises(InternalError, match="reader was cancelled, and nobody asked for that") as raised:
        await lifecycle.run()
    # The log shows where.
    assert [frame.name for frame in traceback.extract_tb(raised.value.__cause__.__traceback__)][-1] == "lost"


async def test_work_that_is_dismissed_ends_alone():
    lifecycle = Lifecycle(health=Health(), drain_seconds=5)
    run = asyncio.create_task(lifecycle.run())
    work = lifecycle.background("reader", asyncio.Event().wait())
    await asyncio.sleep(0)
    await lifecycle.dismiss(work)
    assert work.cancelled()
    assert not lifecycle.draining
    lifecycle.stop()
    await run


async def test_an_end_that_takes_too_long_is_named():
    lifecycle = Lifecycle(health=Health(), drain_seconds=0.05)
    lifecycle.at_end("stuck part", asyncio.Event().wait)
    lifecycle.stop()
    with pytest.raises(InternalError, match="stuck part did not end within"):
        await lifecycle.run()
