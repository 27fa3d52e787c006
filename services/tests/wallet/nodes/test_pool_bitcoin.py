"""A pool of real Bitcoin nodes that stop, hang, are cut off, lag, fork and lie.

Rounds are made by hand, and time that back-offs wait for is the test's own.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager

import pytest
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.nodes.errors import NoMajorityError, NoNodeError
from outcry_services.wallet.nodes.model import Place, Tip
from prometheus_client import CollectorRegistry

from e2e.backends import BtcdServer, wait_until
from services.tests.wallet.nodes.making import (
    Line,
    altered,
    metrics_of,
    payment,
    pool_of,
    rounds_until,
    standing,
)

pytestmark = [pytest.mark.integration, pytest.mark.chains]

KINDS = (BtcdServer, BtcdServer, BtcdServer)
MATURE = 101
READY = "ready/none"


def in_step(*nodes):
    wait_until(lambda: len({node.tip() for node in nodes}) == 1, seconds=60, what="one chain")


class Trio:
    """Three connected nodes whose first blocks are worth spending."""

    def __init__(self, nodes):
        self.a, self.b, self.c = self.all = nodes
        self.named = dict(zip("abc", nodes, strict=True))
        for node in self.all[1:]:
            node.connect(self.a)
        self.c.connect(self.b)
        self.a.mine(MATURE)
        in_step(*self.all)
        self._spent = 0

    def mine(self, blocks=1):
        """Blocks of b, known to all."""
        mined = self.b.mine(blocks)
        in_step(*self.all)
        return mined

    def payment(self, *, fee=10_000):
        """A transaction of a coin that no other has spent: (raw, txid)."""
        self._spent += 1
        self.mine(1)
        return payment(self.a.rpc("getblock", self.a.rpc("getblockhash", self._spent), 1), fee=fee)


@pytest.fixture(scope="module")
def trio():
    """Nobody may stop or fork these."""
    with ExitStack() as stack:
        yield Trio([stack.enter_context(kind()) for kind in KINDS])


@asynccontextmanager
async def pool_with_one_altered(trio, tmp_path, alter, **options):
    """All three, and between the pool and c somebody who alters c's answers."""
    async with altered(trio.c, alter) as place:
        nodes = {"a": trio.a, "b": trio.b, "c": place}
        async with pool_of(nodes, directory=tmp_path, **options) as pool:
            yield pool


async def test_all_are_ready_after_a_round_and_agree_on_the_chain(trio, tmp_path):
    async with pool_of(trio.named, directory=tmp_path) as pool:
        with pytest.raises(NoNodeError, match="a is new"):
            await pool.read(lambda node: node.block_hash(0))
        await pool.round()
        assert standing(pool) == dict.fromkeys("abc", READY)
        assert pool.problem() is None
        height, block = trio.a.tip()
        assert await pool.tip() == Tip(height=height, hash=block)
        assert await pool.read(lambda node: node.block_hash(height)) == block
        with pytest.raises(NoMajorityError, match=f"does not reach {height + 1}"):
            await pool.block_hash(height + 1)


async def test_a_payment_is_broadcast_seen_mined_and_gains_confirmations(trio, tmp_path):
    raw, txid = trio.payment()
    async with pool_of(trio.named, directory=tmp_path) as pool:
        await pool.round()
        assert (await pool.sighting(txid)).place is Place.UNKNOWN
        sent = await broadcast(pool, raw, txid=txid, seconds=60)
        assert sent.done
        assert len(sent.seen_by) >= 2
        again = await broadcast(pool, raw, txid=txid, seconds=60)
        assert again.done
        assert (await pool.sighting(txid)).place is Place.PENDING
        wait_until(lambda: txid in trio.b.rpc("getrawmempool"), seconds=60, what="b has it")
        (block,) = trio.mine(1)
        said = await pool.sighting(txid)
        assert (said.place, said.block.hash, said.confirmations) == (Place.MINED, block, 1)
        trio.mine(2)
        assert (await pool.sighting(txid)).confirmations == 3
        assert (await broadcast(pool, raw, txid=txid, seconds=60)).done


async def test_a_payment_that_no_node_takes_is_told_with_their_reasons(trio, tmp_path):
    raw, txid = trio.payment(fee=-1)
    async with pool_of(trio.named, directory=tmp_path) as pool:
        await pool.round()
        sent = await broadcast(pool, raw, txid=txid, seconds=60)
        assert not sent.done
        assert sent.seen_by == frozenset()
        assert sent.refused.keys() == set("abc")
        assert all(sent.refused.values())


async def test_another_block_at_a_height_is_a_fork_and_counts_for_nothing(trio, tmp_path):
    lie = "00" * 32

    def alter(method, params, said):
        if method == "getblockhash" and params[0] > 0:
            said["result"] = lie

    registry = CollectorRegistry()
    async with pool_with_one_altered(trio, tmp_path, alter, registry=registry) as pool:
        await pool.round()
        assert standing(pool)["c"] == "quarantined/forked"
        shown = metrics_of(registry)
        assert shown("node_state", node="c", state="quarantined") == 1
        assert shown("node_state", node="c", state="ready") == 0
        assert shown("node_kept_away", node="c", reason="forked") == 1
        assert shown("node_state", node="a", state="ready") == 1
        assert shown("node_height", node="a") == shown("pool_height") == trio.a.tip()[0]
        assert shown("node_call_seconds_count", node="a", outcome="answered") >= 3
        assert (shown("pool_ready"), shown("pool_majority"), shown("pool_contested")) == (2, 2, 0)
        assert lie in pool.members["c"].condition.detail
        height, block = trio.a.tip()
        assert await pool.block_hash(height) == block


async def test_a_lie_about_one_old_block_is_found_when_it_is_drawn(trio, tmp_path):
    def alter(method, params, said):
        if method == "getblockhash" and params == [7]:
            said["result"] = "11" * 32

    async with pool_with_one_altered(trio, tmp_path, alter) as pool:
        await pool.round()
        assert standing(pool)["c"] == READY
        # Of the blocks below the settled one, each round draws one.
        pool._rounds._draw = lambda: 7.5 / trio.a.tip()[0]
        await pool.round()
        assert standing(pool)["c"] == "quarantined/forked"
        assert "block 7 " in pool.members["c"].condition.detail


async def test_another_chain_is_kept_away_until_a_person_vouches_for_it(trio, tmp_path):
    foreign = {"is": True}

    def alter(method, params, said):
        if foreign["is"] and method == "getblockhash" and params == [0]:
            said["result"] = "22" * 32

    async with pool_with_one_altered(trio, tmp_path, alter) as pool:
        await pool.round()
        assert standing(pool) == {"a": READY, "b": READY, "c": "quarantined/wrong_chain"}
        raw, txid = trio.payment()
        sent = await broadcast(pool, raw, txid=txid, seconds=60)
        assert sent.done
        assert "c" not in sent.seen_by | sent.silent | sent.refused.keys()
        foreign["is"] = False
        await pool.round()
        assert standing(pool)["c"] == "quarantined/wrong_chain"
        pool.release("c", by="kim", why="the address was another node's")
        await pool.round()
        assert standing(pool)["c"] == READY


@pytest.mark.parametrize("lie", ["more", "elsewhere", "denied"])
async def test_a_lie_about_a_settled_payment_counts_for_nothing_and_is_remembered(trio, tmp_path, lie):
    raw, txid = trio.payment()

    def alter(method, params, said):
        if lie == "more" and method == "getblockheader":
            said["result"]["confirmations"] += 100
        if lie == "elsewhere" and method == "getrawtransaction" and "blockhash" in (said["result"] or {}):
            said["result"]["blockhash"] = trio.a.rpc("getblockhash", 5)
        if lie == "denied" and method == "getrawtransaction":
            said.update(result=None, error={"code": -5, "message": "No such transaction"})

    async with pool_with_one_altered(trio, tmp_path, alter) as pool:
        await pool.round()
        assert (await broadcast(pool, raw, txid=txid, seconds=60)).done
        wait_until(lambda: txid in trio.b.rpc("getrawmempool"), seconds=60, what="b has it")
        first, *_ = trio.mine(3)
        said = await pool.sighting(txid)
        assert (said.block.hash, said.confirmations) == (first, 3)
        assert standing(pool)["c"] == "quarantined/lied"
        for _ in range(3):
            await pool.round()
        assert standing(pool)["c"] == "quarantined/lied"
        assert (await pool.sighting(txid)).confirmations == 3


async def test_a_node_that_says_garbage_is_ejected(trio, tmp_path):
    def alter(method, _params, said):
        if method == "getconnectioncount":
            said["result"] = {"peers": "many"}

    async with pool_with_one_altered(trio, tmp_path, alter) as pool:
        await rounds_until(pool, lambda: standing(pool)["c"] == "ejected/errors")
        assert standing(pool) == {"a": READY, "b": READY, "c": "ejected/errors"}
        assert "getconnectioncount should be a whole number" in pool.members["c"].condition.detail


async def test_a_majority_cut_off_leaves_reads_and_stops_credit_until_the_lines_are_mended(trio, tmp_path):
    async with Line(trio.b) as b, Line(trio.c) as c:
        nodes = {"a": trio.a, "b": b.place, "c": c.place}
        async with pool_of(nodes, directory=tmp_path, timeout=5) as pool:
            await pool.round()
            height, block = trio.a.tip()
            b.cut()
            c.cut()
            with pytest.raises(NoMajorityError):
                await pool.tip()
            assert await pool.read(lambda node: node.block_hash(height)) == block
            await rounds_until(pool, lambda: standing(pool)["b"] == standing(pool)["c"] == "ejected/errors")
            assert "1 of 3 nodes are ready, 2 are needed" in pool.problem()
            b.mend()
            c.mend()
            await rounds_until(pool, lambda: pool.problem() is None)
            assert await pool.tip() == Tip(height=height, hash=block)


async def test_a_hung_node_is_overtaken_loses_its_place_and_comes_back(trio, tmp_path):
    async with pool_of(trio.named, directory=tmp_path, timeout=5) as pool:
        await pool.round()
        height, block = trio.a.tip()
        # Whichever is asked first hangs.
        first = min(pool.members.values(), key=lambda member: (member.cost, member.name)).name
        trio.named[first].pause()
        try:
            assert await pool.read(lambda node: node.block_hash(height)) == block
            assert await pool.agreed(lambda node: node.block_hash(height), what="a block") == block
            assert min(pool.members.values(), key=lambda member: member.cost).name != first
            others = set("abc") - {first}
            apart = {first: "ejected/errors"} | dict.fromkeys(others, READY)
            await rounds_until(pool, lambda: standing(pool) == apart)
            assert (await pool.tip()).height == height
        finally:
            trio.named[first].resume()
        await rounds_until(pool, lambda: standing(pool)[first] == READY)


async def test_a_stopped_node_is_ejected_and_returns_when_it_has_caught_up(tmp_path):
    with ExitStack() as stack:
        trio = Trio([stack.enter_context(kind()) for kind in KINDS])
        async with pool_of(trio.named, directory=tmp_path) as pool:
            await pool.round()
            trio.c.kill()
            await rounds_until(pool, lambda: standing(pool)["c"] == "ejected/errors")
            trio.b.mine(4)
            in_step(trio.a, trio.b)
            assert (await pool.tip()).height == trio.a.tip()[0]
            trio.c.start()
            trio.c.connect(trio.a)
            await rounds_until(pool, lambda: standing(pool)["c"] == READY)
            assert trio.c.tip() == trio.a.tip()


async def test_two_chains_of_three_nodes_the_smaller_part_is_the_fork_and_returns_when_it_gives_in(tmp_path):
    with ExitStack() as stack:
        here, there, alone = (stack.enter_context(kind()) for kind in KINDS)
        there.connect(here)
        here.mine(3)
        in_step(here, there)
        mine = alone.mine(4)
        nodes = {"here": here, "there": there, "alone": alone}
        async with pool_of(nodes, directory=tmp_path) as pool:
            await pool.round()
            assert standing(pool) == {"here": READY, "there": READY, "alone": "quarantined/forked"}
            # A coin of the fork is nobody's.
            coin = alone.rpc("getblock", mine[0], 1)["tx"][0]
            assert (await pool.sighting(coin)).place is Place.UNKNOWN
            assert (await pool.tip()).hash == here.tip()[1]
            here.mine(3)
            alone.connect(here)
            in_step(here, there, alone)
            await rounds_until(pool, lambda: standing(pool)["alone"] == READY)
            assert (await pool.sighting(coin)).place is Place.UNKNOWN


async def test_a_pool_of_two_that_disagree_credits_nothing(tmp_path):
    with ExitStack() as stack:
        nodes = {name: stack.enter_context(BtcdServer()) for name in ("here", "there")}
        for node in nodes.values():
            node.mine(3)
        async with pool_of(nodes, directory=tmp_path) as pool:
            await pool.round()
            with pytest.raises(NoMajorityError, match="no 2 of 2 nodes say the same of the block at 3"):
                await pool.tip()
            assert "no majority holds one block" in pool.problem()
            assert set(standing(pool).values()) == {READY}


async def test_rounds_go_on_by_themselves(trio, tmp_path):
    async with pool_of(trio.named, directory=tmp_path, probe_seconds=0.05) as pool:
        running = asyncio.create_task(pool.run())
        try:
            await asyncio.to_thread(wait_until, lambda: len(pool.ready) == 3, seconds=60, what="all ready")
            height = trio.a.tip()[0] + 1
            await asyncio.to_thread(trio.mine)
            await asyncio.to_thread(
                wait_until,
                lambda: {member.status.tip.height for member in pool.members.values()} == {height},
                seconds=60,
                what="a later round",
            )
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
