"""Killed processes and killed servers: what was acknowledged is there, once, and published without a gap."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager

import pytest
from outcry.v1 import order_api_pb2
from outcry_services.common.errors import UnavailableError
from outcry_services.common.ids import OrderId, database_of
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.order.migrate import migrate

from e2e.backends import MariaDbServer
from services.tests.order.desk import desk, limit, opened, publishing, whole_map
from services.tests.order.orders_log import published, without_repeats
from services.tests.order.test_service import Caller, listening_risk, make_topics, put_pair

pytestmark = pytest.mark.integration


@asynccontextmanager
async def process():
    """The service as a process of its own; gives it and the address of its gRPC port."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "outcry_services.order", stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    reading = None
    try:
        while True:
            line = (await started.stderr.readline()).decode()
            assert line, "it ended before it answered"
            if found := re.search(r'"order answers".*"port": (\d+)', line):
                break
        # Nobody may be held up by a full pipe.
        reading = asyncio.create_task(started.stderr.read())
        yield started, f"127.0.0.1:{found[1]}"
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()
        if reading is not None:
            await reading


async def enter(caller, user, name, symbol):
    """Enter an order until it is acknowledged or the process is gone; its id, or none."""
    request = limit(symbol=symbol, client_order_id=name)
    try:
        return (await caller.call("CreateOrder", request, user=user)).order_id
    except UnavailableError:
        return None


async def test_a_killed_process_loses_nothing_that_it_acknowledged(kafka, consul, migrated, symbol):
    users = [1024 * number + 900 + number % 4 for number in range(1, 41)]
    make_topics(kafka, symbol)
    put_pair(consul, symbol)
    acknowledged = {}
    async with listening_risk(migrated):
        for life in range(3):
            async with process() as (started, address), RpcChannel(address) as channel:
                caller = Caller(channel.channel)

                async def client(user, caller=caller, life=life, started=started):
                    for count in range(50):
                        name = f"{symbol[:6]}-{life}-{count}"
                        order_id = await enter(caller, user, name, symbol)
                        if order_id is None:
                            return
                        acknowledged[user, name] = order_id
                        if len(acknowledged) % 150 == 0 and started.returncode is None:
                            started.send_signal(signal.SIGKILL)

                await asyncio.gather(*map(client, users))
        async with process() as (_, address), RpcChannel(address, deadline_seconds=10) as channel:
            caller = Caller(channel.channel)
            for (user, name), order_id in acknowledged.items():
                found = await caller.call(
                    "GetOrder", order_api_pb2.GetOrderRequest(client_order_id=name), user=user
                )
                assert found.order_id == order_id
            # Whatever was committed is published, also what nobody was told of: then this comes behind it.
            last = {user % 1024: await enter(caller, user, "last", symbol) for user in users[-4:]}
            for shard, order_id in last.items():
                await _until_published(kafka, shard, OrderId.of(int(order_id)).number)
    assert len(acknowledged) > 150
    for shard in last:
        there = {each.order_created.order.order_id for each in without_repeats(published(kafka, shard))}
        assert {
            int(order_id) for (user, _), order_id in acknowledged.items() if user % 1024 == shard
        } <= there
    consul.delete(f"kv/outcry/pairs/{symbol}")


async def _until_published(kafka, shard, number):
    while True:
        found = await asyncio.to_thread(published, kafka, shard)
        if found and found[-1].number >= number:
            return


async def test_a_database_that_dies_at_commits_doubles_nothing(kafka, orders_topic):
    shards = [920, 921]
    with MariaDbServer(settings={"innodb-file-per-table": "0"}) as server:
        async with opened(server) as mysql:
            await migrate(mysql, shards, made=lambda _: None)
        async with publishing(kafka, "dying") as log, desk(whole_map({"a": server}), log=log) as at:
            at.dispatcher.learn(await at.shards._servers["a"].store.unpublished(shards))
            away = asyncio.Event()

            async def client(user):
                ids = []
                for count in range(60):
                    request = limit(client_order_id=f"c{count}")
                    while True:
                        try:
                            ids.append((await at.intake.create(user, request)).order_id)
                        except UnavailableError:
                            # Nobody knows what became of it: the same request says.
                            away.set()
                            await asyncio.sleep(0.05)
                        else:
                            break
                return ids

            users = [shard + 1024 * number for shard in shards for number in range(5)]
            clients = [asyncio.create_task(client(user)) for user in users]
            for _ in range(2):
                await asyncio.sleep(0)
                server.kill()
                away.clear()
                await away.wait()
                await asyncio.to_thread(server.start)
            entered = await asyncio.gather(*clients)
            await at.dispatcher.settled()
        for shard in shards:
            rows = server.execute(f"SELECT order_id FROM {database_of(shard)}.orders ORDER BY order_id")
            mine = sorted(each for ids in entered for each in ids if each % 1024 == shard)
            assert [row[0] for row in rows] == mine
            assert [OrderId.of(each).number for each in mine] == list(range(1, 301))
            numbers = [each.number for each in without_repeats(published(kafka, shard))]
            assert numbers == list(range(1, 301))
