"""Orders become durable together, each once, numbered without gaps."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from outcry_services.common.ids import OrderId, database_of
from outcry_services.order.entries import Entry, encode
from outcry_services.order.errors import ClientOrderIdConflictError, OrderInvalidError, OrderRefusedError
from outcry_services.order.model import Cancel, Status
from outcry_services.order.shard_store import ShardStore

from services.tests.order.desk import StillClock, desk, limit, make_pair, opened, whole_map

pytestmark = pytest.mark.integration


@pytest.fixture
def one_server(shard_server):
    return whole_map({"a": shard_server})


async def test_concurrent_orders_share_commits_and_are_numbered_without_gaps(
    shard_server, one_server, shards_of_test
):
    users = [shard + 1024 * number for shard in shards_of_test for number in range(50)]
    async with desk(one_server) as at:
        rows = await asyncio.gather(*(at.intake.create(user, limit()) for user in users))
        commits = at.registry.get_sample_value("outcry_order_commit_entries_count")
        together = at.registry.get_sample_value("outcry_order_commit_entries_sum")
    assert (together, commits <= 20) == (200, True)
    by_shard = {}
    for user, row in zip(users, rows, strict=True):
        order_id = OrderId.of(row.order_id)
        assert (order_id.shard, row.draft.user_id, row.status) == (user % 1024, user, Status.PENDING_NEW)
        by_shard.setdefault(order_id.shard, []).append(order_id.number)
    assert {shard: sorted(numbers) for shard, numbers in by_shard.items()} == {
        shard: list(range(1, 51)) for shard in shards_of_test
    }
    for shard in shards_of_test:
        database = database_of(shard)
        assert shard_server.execute(f"SELECT last FROM {database}.counter") == [(50,)]
        outbox = shard_server.execute(f"SELECT number FROM {database}.outbox ORDER BY number")
        assert outbox == [(number,) for number in range(1, 51)]


async def test_two_replicas_number_one_shard_without_gaps_or_doubles(one_server, shards_of_test):
    shard = shards_of_test[0]
    async with desk(one_server) as one, desk(one_server) as other:
        rows = []
        for _ in range(5):
            rows += await asyncio.gather(
                *(at.intake.create(shard + 1024, limit()) for at in (one, other) for _ in range(10))
            )
    assert sorted(OrderId.of(row.order_id).number for row in rows) == list(range(1, 101))


async def test_the_same_client_order_id_gives_the_same_answer_for_ever(one_server, shards_of_test):
    user = shards_of_test[0]
    async with desk(one_server) as at:
        first, *others = await asyncio.gather(
            *(at.intake.create(user, limit(client_order_id="mine")) for _ in range(20))
        )
        assert all(other == first for other in others)
        at.clock.time += 1
        # In other words, but with the same content.
        assert await at.intake.create(user, limit(client_order_id="mine", price="20000.00")) == first
        # Whatever pair and risk say now.
        at.pairs.found = {"BTC-USDT": make_pair(tradingStatus="HALT")}
        assert await at.intake.create(user, limit(client_order_id="mine")) == first
        at.pairs.found = {}
        assert await at.intake.create(user, limit(client_order_id="mine")) == first
        found = await at.shards.on(user, lambda store: store.order_by_client_id(user, "mine"))
    assert found.order_id == first.order_id
    assert found.draft.terms == first.draft.terms


async def test_the_same_client_order_id_with_other_content_is_a_conflict(one_server, shards_of_test):
    user, other = shards_of_test[0], shards_of_test[0] + 1024
    async with desk(one_server) as at:
        first = await at.intake.create(user, limit(client_order_id="mine"))
        for changed in ({"price": "20001"}, {"side": "SELL"}, {"quantity": "0.6"}, {"iceberg_qty": "0.1"}):
            with pytest.raises(ClientOrderIdConflictError, match=str(first.order_id)):
                await at.intake.create(user, limit(client_order_id="mine", **changed))
        # In one commit: one of the two wins, and the other one is told.
        results = await asyncio.gather(
            *(
                at.intake.create(user, limit(client_order_id="both", price=price))
                for price in ("1500", "1600")
            ),
            return_exceptions=True,
        )
        assert [type(result).__name__ for result in results] == ["OrderRow", "ClientOrderIdConflictError"]
        # Another user's name is another name.
        assert (await at.intake.create(other, limit(client_order_id="mine"))).order_id != first.order_id


async def test_what_is_refused_is_not_there(shard_server, one_server, shards_of_test):
    user = shards_of_test[0]
    async with desk(one_server) as at:
        with pytest.raises(OrderRefusedError) as refused:
            await at.intake.create(user, limit(price="999.99", client_order_id="low"))
        assert (refused.value.name, refused.value.field) == ("PRICE_OUT_OF_BAND", "price")
        with pytest.raises(OrderInvalidError) as invalid:
            await at.intake.create(user, limit(type="MARKET"))
        assert invalid.value.name == "INVALID_TIME_IN_FORCE"
        at.risk.error = RefusedError("too many", name="OPEN_ORDERS_LIMIT")
        with pytest.raises(RefusedError, match="too many"):
            await at.intake.create(user, limit())
        at.risk.error = UnavailableError("away", name="RISK_UNAVAILABLE")
        with pytest.raises(UnavailableError, match="away"):
            await at.intake.create(user, limit())
        at.pairs.found = {"BTC-USDT": make_pair(tradingStatus="HALT")}
        with pytest.raises(OrderRefusedError) as halted:
            await at.intake.create(user, limit())
        assert halted.value.name == "MARKET_HALTED"
        # Nothing of it was accepted, and so the name is still free.
        at.pairs.found, at.risk.error = {"BTC-USDT": make_pair()}, None
        row = await at.intake.create(user, limit(price="1000", client_order_id="low"))
    assert OrderId.of(row.order_id).number == 1
    assert shard_server.execute(f"SELECT COUNT(*) FROM {database_of(user)}.orders") == [(1,)]


async def test_risk_is_asked_in_the_units_of_the_pair(one_server, shards_of_test):
    async with desk(one_server) as at:
        await at.intake.create(shards_of_test[0], limit())
        (check,) = at.risk.checks
    assert (check.user_id, check.order.symbol) == (shards_of_test[0], "BTC-USDT")
    assert (check.order.price, check.order.quantity) == (2_000_000, 50_000)
    assert check.order.notional == 2_000_000 * 50_000


async def test_a_cancel_is_for_ones_own_open_order(shard_server, one_server, shards_of_test):
    user, other = shards_of_test[0], shards_of_test[0] + 1024
    async with desk(one_server) as at:
        row = await at.intake.create(user, limit())
        with pytest.raises(NotFoundError) as foreign:
            await at.intake.cancel(other, row.order_id)
        with pytest.raises(NotFoundError) as unknown:
            await at.intake.cancel(user, row.order_id + 1024)
        assert foreign.value.name == unknown.value.name == "ORDER_NOT_FOUND"
        await at.intake.cancel(user, row.order_id)
        await at.intake.cancel_all(user, "BTC-USDT", "SELL")
        database = database_of(shards_of_test[0])
        assert shard_server.execute(f"SELECT last FROM {database}.counter") == [(3,)]
        shard_server.execute(f"UPDATE {database}.orders SET status = 'FILLED', ended = 1")
        with pytest.raises(ConflictError) as ended:
            await at.intake.cancel(user, row.order_id)
        assert ended.value.name == "ORDER_ENDED"


async def test_a_commit_that_is_still_on_its_way_is_waited_for(shard_server, shards_of_test):
    database = database_of(shards_of_test[0])
    cancel = Entry(Cancel(user_id=shards_of_test[0], symbol="BTC-USDT", order_id=1024 + shards_of_test[0]))
    payload = encode(cancel, incarnation=1, number=1, now=0)
    async with opened(shard_server) as mysql:
        store = ShardStore(mysql, clock=StillClock())
        async with mysql.transaction() as session:
            await session.execute(f"UPDATE {database}.counter SET last = 1")
            await session.execute(f"INSERT INTO {database}.outbox VALUES (1, %s)", [payload])
            reading = asyncio.create_task(store.outbox(shards_of_test[0], after=0, most=10))
            # It holds a connection and waits there for the lock.
            await until_waiting(shard_server, database)
            assert not reading.done()
        assert (await reading).rows == [(1, payload)]


async def until_waiting(server, database):
    query = "SELECT info FROM information_schema.processlist WHERE info LIKE %s AND info LIKE %s"
    while not await asyncio.to_thread(server.execute, query, [f"%{database}%", "%SHARE MODE"]):  # noqa: ASYNC110 - another process is asked
        await asyncio.sleep(0.01)
