"""The election against a real Consul, with fake engines: what only Kafka could spoil is tested elsewhere."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.backends.consul_server import ConsulServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPEC = importlib.util.spec_from_file_location("shell_fakes", Path(__file__).with_name("fakes.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
fakes = importlib.util.module_from_spec(_SPEC)
sys.modules["shell_fakes"] = fakes
_SPEC.loader.exec_module(fakes)

pytestmark = pytest.mark.integration


@pytest.fixture
def consul() -> Iterator[ConsulServer]:
    with ConsulServer() as server:
        yield server


def lock_value(consul: ConsulServer) -> dict[str, object]:
    (entry,) = consul.get(f"kv/{fakes.KEY}")
    value: dict[str, object] = json.loads(base64.b64decode(entry["Value"]))
    return value


async def test_one_is_hot_one_is_warm_and_consul_says_so(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        assert len(pair.events.takeovers) == 1
        await fakes.until(lambda: lock_value(consul)["epoch"] == hot.engine.now.epoch)
        assert lock_value(consul)["replica"] == hot.name

        def tags() -> dict[str, list[str]]:
            entries = consul.get(f"health/service/{fakes.SERVICE}?passing")
            return {entry["Service"]["ID"]: entry["Service"]["Tags"] for entry in entries}

        await fakes.until(lambda: tags() == {hot.name: ["hot"], warm.name: ["warm"]})


async def test_a_dead_hot_one_is_replaced_within_a_second(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        began = time.monotonic()
        pair.lines[pair.replicas.index(hot)].break_off()
        await hot.die()
        await fakes.until(lambda: warm.role == "hot")
        assert time.monotonic() - began < 1.0
        assert warm.engine.now.epoch > hot.engine.now.epoch


async def test_a_cut_between_the_two_costs_at_most_one_takeover(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, _ = await pair.settled()
        for line in pair.lines:
            line.cut()
        await fakes.until(lambda: hot.keeper.lock.lock_index > 1 or hot.role == "warm", seconds=5)
        before = pair.events.takeovers.copy()
        await asyncio.sleep(4)
        assert len(pair.events.takeovers) <= 2
        assert pair.events.takeovers == before or len(before) < 2


async def test_a_deleted_registration_is_put_back_and_nobody_takes_over(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        for each in (hot, warm):
            consul.put(f"agent/service/deregister/{each.name}")
        await fakes.until(lambda: len(consul.get(f"health/service/{fakes.SERVICE}?passing")) == 2)
        await fakes.until(lambda: hot.keeper.lock.session == hot.keeper.session)
        assert {name for name, _ in pair.events.takeovers} == {hot.name}
        assert warm.role == "warm"


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_consul_restart_takes_the_market_from_nobody(consul: ConsulServer, *, forgets: bool) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        await asyncio.to_thread(consul.kill)
        if forgets:
            shutil.rmtree(consul.directory / "data")
        await asyncio.sleep(3)
        assert (hot.role, warm.role) == ("hot", "warm")
        await asyncio.to_thread(consul.start)
        await fakes.until(lambda: consul.get(f"health/service/{fakes.SERVICE}?passing") and lock_held(consul))
        await fakes.until(lambda: lock_value(consul)["epoch"] == hot.engine.now.epoch)
        assert (hot.role, warm.role) == ("hot", "warm")
        assert {name for name, _ in pair.events.takeovers} == {hot.name}
        assert hot.supervisor.demotions == 0


def lock_held(consul: ConsulServer) -> bool:
    try:
        (entry,) = consul.get(f"kv/{fakes.KEY}")
    except OSError:
        return False
    return "Session" in entry


async def test_a_stranger_with_the_lock_silences_the_hot_one(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        session = json.loads(consul.put("session/create", b'{"LockDelay": "0s"}'))["ID"]
        # Both must be unable to take it back in between.
        for each in (hot, warm):
            each.engine.set(caught_up=False)
        hot.supervisor._handing_over = True
        consul.put(f"session/destroy/{hot.keeper.session}")
        assert consul.put(f"kv/{fakes.KEY}?acquire={session}", b"by hand") == b"true"
        hot.supervisor._handing_over = False
        await fakes.until(lambda: hot.role == "warm")
        assert warm.role == "warm"
        for each in (hot, warm):
            each.engine.set(caught_up=True)
        consul.put(f"session/destroy/{session}")
        await pair.settled()


async def test_planned_switchover_and_back(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        began = time.monotonic()
        await hot.supervisor.switchover("test")
        await fakes.until(lambda: warm.role == "hot")
        assert time.monotonic() - began < 0.3
        assert lock_value(consul)["reason"] == "switchover"
        now_hot, now_warm = await pair.settled()
        assert (now_hot, now_warm) == (warm, hot)
        await now_hot.supervisor.switchover("and back")
        await fakes.until(lambda: hot.role == "hot")
        assert len(pair.events.takeovers) == 3


async def test_a_replica_that_comes_back_passes_the_check_that_expired(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        await hot.die()
        await warm.die()
        await fakes.until(lambda: check_status(consul, hot.name) == "critical")
        # Once is enough: whoever doubts the check meanwhile makes the registrar begin anew, again and again.
        again = fakes.Replica(hot.name, consul=consul.url, events=pair.events, peer_port=1)
        await again.registrar._pass_once()
        assert check_status(consul, hot.name) == "passing"
        await again.consul.close()


def check_status(consul: ConsulServer, replica: str) -> str:
    return str(consul.get("agent/checks")[f"{replica}-alive"]["Status"])


async def test_a_hot_one_that_must_go_waits_for_its_successor(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        warm.engine.set(caught_up=False)
        await fakes.until(lambda: not hot.monitor.state.eligible)
        waiting = asyncio.create_task(hot.supervisor.successor_ready(20))
        warm.engine.set(caught_up=True)
        assert await waiting
        await warm.die()
        pair.lines[0].break_off()
        pair.lines[1].break_off()
        await fakes.until(lambda: hot.monitor.state.gone)
        assert not await hot.supervisor.successor_ready(20)


async def test_a_fault_gives_the_lock_to_the_other(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        hot.engine.set(oldest_unacked_age=1.5)
        await fakes.until(lambda: warm.role == "hot")
        assert hot.role == "warm"


async def test_a_wrong_clock_hands_over_once_and_never_back(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, warm = await pair.settled()
        hot.engine.set(clock_offset=5.0)
        await fakes.until(lambda: warm.role == "hot")
        # Now both are wrong: the hot one stays.
        warm.engine.set(clock_offset=5.0)
        await asyncio.sleep(1)
        assert (hot.role, warm.role) == ("warm", "hot")
        assert len(pair.events.takeovers) == 2


async def test_a_replica_that_stood_still_demotes_before_it_asks(consul: ConsulServer) -> None:
    async with fakes.Pair(consul.url) as pair:
        hot, _ = await pair.settled()
        clock = hot.supervisor._clock
        assert clock.last is not None
        clock.last -= 5.0
        await fakes.until(lambda: hot.supervisor.demotions == 1)
        # The lock was still its own: it goes on, under a new epoch.
        now_hot, _ = await pair.settled()
        assert now_hot is hot
        assert hot.engine.now.epoch == 2
