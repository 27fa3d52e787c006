"""Deposits on a real chain: made while nobody looked, taken back by a reorganisation, mined again."""

from __future__ import annotations

import pytest
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.bitcoin import Scanned, advance, deposits_in
from outcry_services.wallet.scan.book import Book, State
from outcry_services.wallet.scan.follow import Place, TakeBack, Wait

from e2e.backends import BtcdServer
from e2e.backends.bitcoin_node import REGTEST_GENESIS
from services.tests.wallet.nodes.making import P2WSH_OP_TRUE, altered, payment, pool_of

pytestmark = [pytest.mark.integration, pytest.mark.chains]

ALICE = 1001
NEEDED = {"BTC": 2}


class Follower:
    """What a service would store."""

    def __init__(self, pool):
        self.pool = pool
        self.place = Place((Tip(height=0, hash=REGTEST_GENESIS),))
        self.book = Book()
        self.paid = []

    async def catch_up(self):
        while not isinstance(step := await advance(self.pool, self.place), Wait):
            if isinstance(step, TakeBack):
                self.place = self.place.taken_back()
                self.book = self.book.taken_back(step.block)
            elif isinstance(step, Scanned):
                self.place = self.place.scanned(step.block, remembered=100)
                found = deposits_in(step.outputs, {P2WSH_OP_TRUE: ALICE})
                self.book = self.book.scanned(step.block, found)
        assert step.on_chain
        for entry in self.book.due(height=self.place.last.height, confirmations=NEEDED):
            self.book = self.book.credited(entry.deposit.id)
            self.paid.append((entry.deposit.user_id, entry.deposit.amount))

    def states(self):
        return [entry.state for entry in self.book.entries.values()]


async def test_a_deposit_made_while_nobody_looked_appears_and_a_replaced_one_is_taken_back(tmp_path):
    with BtcdServer() as node:
        node.mine(101)
        raw, _ = payment(node.rpc("getblock", node.rpc("getblockhash", 1), 1))
        async with pool_of({"a": node}, directory=tmp_path) as pool:
            await pool.round()
            follower = Follower(pool)
            await follower.catch_up()
            assert follower.place.last.height == 101
            assert follower.states() == []  # the coins of the blocks themselves are no deposits
            node.rpc("sendrawtransaction", raw)
            node.mine(1)
            await follower.catch_up()
            assert (follower.states(), follower.paid) == ([State.SEEN], [])
            stale = node.tip()
            node.rpc("invalidateblock", stale[1])
            node.mine(3)
            await follower.catch_up()
            (entry,) = follower.book.entries.values()
            assert entry.block.hash != stale[1]
            if entry.state is State.GONE:  # btcd doesn't always take it back into its mempool
                node.rpc("sendrawtransaction", raw)
                node.mine(2)
                await follower.catch_up()
            assert follower.states() == [State.CREDITED]
            assert follower.paid == [(ALICE, 50 * 10**8 - 10_000)]


async def test_a_block_whose_payments_are_altered_is_refused_and_read_from_another_node(tmp_path):
    with BtcdServer() as node:
        node.mine(2)

        def alter(method, _params, said):
            if method == "getblock":
                said["result"] = said["result"].replace("00f2052a01000000", "00f2052a02000000")

        async with altered(node, alter) as place:
            nodes = {"a-liar": place, "b": node, "c": node}
            async with pool_of(nodes, directory=tmp_path) as pool:
                await pool.round()
                for name in ("b", "c"):  # so that the liar is asked first
                    pool.members[name].weight = 0.001
                step = await advance(pool, Place((Tip(height=0, hash=REGTEST_GENESIS),)))
                assert [output.satoshi for output in step.outputs if output.satoshi] == [50 * 10**8]
                assert pool.members["a-liar"].vitals.error_rate > 0
