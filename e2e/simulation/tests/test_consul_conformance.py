"""The fake Consul and a real one give the same answers to `common.consul`'s users."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from outcry_services.common.consul import ConsulKv

from e2e.simulation.consul import FakeConsul, FakeConsulServer


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def consul(request):
    if request.param == "fake":
        yield FakeConsul(FakeConsulServer())
        return
    real = ConsulKv(request.getfixturevalue("consul").url)
    yield real
    await real.close()


@pytest.fixture
def key():
    return f"t/{uuid.uuid4().hex[:8]}/flag"


async def test_a_key_is_written_where_it_was_expected_to_be(consul, key):
    assert await consul.get(key) is None
    assert await consul.put(key, b"a", if_index=0)
    assert not await consul.put(key, b"b", if_index=0)
    first = await consul.get(key)
    assert first.value == b"a"
    assert await consul.put(key, b"c", if_index=first.modify_index)
    assert not await consul.put(key, b"d", if_index=first.modify_index)
    assert (await consul.get(key)).value == b"c"
    assert await consul.put(key, b"")
    assert (await consul.get(key)).value == b""


async def test_a_key_is_removed_where_it_was_expected_to_be(consul, key):
    assert await consul.delete(key)
    await consul.put(key, b"a")
    index = (await consul.get(key)).modify_index
    await consul.put(key, b"b")
    assert not await consul.delete(key, if_index=index)
    assert await consul.get(key) is not None
    assert await consul.delete(key)
    assert await consul.get(key) is None
    assert await consul.put(key, b"c", if_index=0)


async def test_a_watch_tells_of_every_change_under_its_prefix(consul, key):
    first = await consul.watch(key, after=0)
    assert first.keys == {}
    assert first.index > 0
    waiting = asyncio.ensure_future(consul.watch(key, after=first.index, wait_seconds=60))
    await consul.put(f"{key}/a", b"1")
    second = await waiting
    assert second.keys == {f"{key}/a": b"1"}
    assert second.index > first.index
    waiting = asyncio.ensure_future(consul.watch(key, after=second.index, wait_seconds=60))
    await consul.delete(f"{key}/a")
    third = await waiting
    assert third.keys == {}
    assert third.index > second.index


async def test_a_watch_without_news_ends_where_it_began(consul, key):
    await consul.put(key, b"a")
    first = await consul.watch(key, after=0)
    second = await consul.watch(key, after=first.index, wait_seconds=0.05)
    assert (second.index, second.keys) == (first.index, {key: b"a"})
