"""One replica's dealings with the lock, on a real Consul."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from outcry_engine.shell.consul_client import ConsulClient
from outcry_engine.shell.lock_keeper import LockKeeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.backends.consul_server import ConsulServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def client(consul: ConsulServer) -> AsyncIterator[ConsulClient]:
    client = ConsulClient(consul.url)
    yield client
    await client.close()


async def keeper_of(client: ConsulClient, symbol: str, number: int) -> LockKeeper:
    """A keeper whose check passes, and who is not watching."""
    replica = f"engine-{symbol.lower()}-{number}"
    check = {"CheckID": f"{replica}-alive", "Name": "alive", "TTL": "60s", "Status": "passing"}
    await client.register({"ID": replica, "Name": replica, "Check": check})
    return LockKeeper(
        consul=client,
        key=f"outcry/engines/{symbol}/lock",
        replica=replica,
        check_id=check["CheckID"],
        changed=lambda: None,
        check_doubted=lambda: None,
    )


async def test_a_lock_lost_unheard_is_not_believed_in_after_its_release(
    client: ConsulClient, symbol: str
) -> None:
    key = f"outcry/engines/{symbol}/lock"
    old, new = await keeper_of(client, symbol, 0), await keeper_of(client, symbol, 1)
    assert await old.acquire(cause="start", epoch=1)
    old.lock = await client.read_lock(key)
    assert old.lock.session == old.session
    assert old.session is not None
    await new.depose(old.session)
    assert await new.acquire(cause="takeover", epoch=2)
    assert not await old.release(cause="start", epoch=1)
    assert old.lock is None
    now = await client.read_lock(key)
    assert now.session == new.session


async def test_a_released_lock_is_remembered_by_its_term(client: ConsulClient, symbol: str) -> None:
    keeper = await keeper_of(client, symbol, 0)
    assert await keeper.acquire(cause="start", epoch=1)
    keeper.lock = await client.read_lock(f"outcry/engines/{symbol}/lock")
    assert await keeper.release(cause="start", epoch=1)
    assert keeper.released_term == keeper.lock.term
