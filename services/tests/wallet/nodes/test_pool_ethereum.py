"""A pool of real Ethereum nodes: one chain held by three anvils, one of them forked, geth as another chain.

The development chains of geth and anvil know no peers. Anvils that begin at the same second and are told the
same things make the same blocks, so three of them are one chain on three nodes; geth is a pool of its own.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.nodes.errors import NoMajorityError
from outcry_services.wallet.nodes.model import Place

from e2e.backends import AnvilServer, GethServer, wait_until
from e2e.backends.json_rpc import RpcError
from services.tests.wallet.nodes.making import altered, pool_of, standing

pytestmark = [pytest.mark.integration, pytest.mark.chains]

READY = "ready/none"
SOMEBODY = "0x" + "11" * 20
REVERT = "0x60006000fd"
NAMES = "abc"


class Lockstep:
    """Anvils that are told the same things, and a fourth that signs what the others are given."""

    def __init__(self, stack):
        begin = ("--timestamp", "1700000000")
        made = [stack.enter_context(AnvilServer(arguments=begin)) for _ in range(4)]
        *self.nodes, self.signer = made
        self.tell("anvil_setBlockTimestampInterval", 1, also_signer=True)
        self.tell("evm_setAutomine", False)
        self.tell("anvil_mine", hex(5))
        self.genesis = self.nodes[0].rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        self.named = dict(zip(NAMES, self.nodes, strict=True))

    def tell(self, method, *params, also_signer=False):
        for node in [*self.nodes, self.signer] if also_signer else self.nodes:
            node.rpc(method, *params)

    def payment(self, wei=7):
        """A signed payment that none of the three has: (raw, hash)."""
        paid = self.signer.send(SOMEBODY, wei)
        return self.signer.rpc("eth_getRawTransactionByHash", paid), paid

    def settings(self, **more):
        return {"chain": "ethereum", "network": "dev", "chain_id": 31337, "genesis": self.genesis} | more


def has_receipt(node, txid):
    try:
        return node.rpc("eth_getTransactionReceipt", txid) is not None
    except RpcError:
        return False


@pytest.fixture
def anvils():
    with ExitStack() as stack:
        yield Lockstep(stack)


async def test_a_payment_is_broadcast_seen_mined_and_orphaned(anvils, tmp_path):
    raw, txid = anvils.payment()
    async with pool_of(anvils.named, directory=tmp_path, **anvils.settings()) as pool:
        await pool.round()
        assert standing(pool) == dict.fromkeys(NAMES, READY)
        assert (await pool.sighting(txid)).place is Place.UNKNOWN
        assert (await broadcast(pool, raw, txid=txid, seconds=60)).done
        assert (await pool.sighting(txid)).place is Place.PENDING
        anvils.tell("anvil_mine", hex(4))
        said = await pool.sighting(txid)
        assert (said.place, said.confirmations, said.succeeded) == (Place.MINED, 4, True)
        assert await pool.block_hash(said.block.height) == said.block.hash
        sent = await broadcast(pool, raw, txid=txid, seconds=60)
        assert sent.done
        height = said.block.height
        paid = await pool.agreed(lambda node: node.balance(SOMEBODY, height=height), what="a balance")
        nonce = await pool.agreed(
            lambda node: node.nonce(anvils.signer.account, height=height), what="a nonce"
        )
        assert (paid, nonce) == (7, 1)
        for node in anvils.nodes:
            node.reorganise(4)
        assert (await pool.sighting(txid)).place is not Place.MINED


async def test_one_node_that_reorganises_alone_is_the_fork(anvils, tmp_path):
    raw, txid = anvils.payment()
    async with pool_of(anvils.named, directory=tmp_path, **anvils.settings()) as pool:
        await pool.round()
        assert (await broadcast(pool, raw, txid=txid, seconds=60)).done
        anvils.tell("anvil_mine", hex(8))
        anvils.named["c"].reorganise(6)
        await pool.round()
        assert standing(pool)["c"] == "quarantined/forked"
        said = await pool.sighting(txid)
        assert (said.confirmations, said.seen_by) == (8, frozenset("ab"))


async def test_a_payment_that_the_chain_undid_is_mined_and_did_not_succeed(anvils, tmp_path):
    made = {"from": anvils.signer.account, "data": REVERT, "gas": hex(100_000)}
    for node in anvils.nodes:
        txid = node.rpc("eth_sendTransaction", made)
    anvils.tell("anvil_mine", hex(1))
    async with pool_of(anvils.named, directory=tmp_path, **anvils.settings()) as pool:
        await pool.round()
        said = await pool.sighting(txid)
        assert (said.place, said.succeeded) == (Place.MINED, False)


async def test_a_receipt_of_another_block_counts_for_nothing_and_is_remembered(anvils, tmp_path):
    def alter(method, _params, said):
        if method == "eth_getTransactionReceipt" and said["result"]:
            said["result"]["blockHash"] = "0x" + "33" * 32

    raw, txid = anvils.payment()
    async with altered(anvils.named["c"], alter) as place:
        nodes = anvils.named | {"c": place}
        async with pool_of(nodes, directory=tmp_path, **anvils.settings()) as pool:
            await pool.round()
            assert (await broadcast(pool, raw, txid=txid, seconds=60)).done
            anvils.tell("anvil_mine", hex(2))
            assert (await pool.sighting(txid)).confirmations == 2
            assert standing(pool)["c"] == READY  # two blocks are not settled on Ethereum
            anvils.tell("anvil_mine", hex(4))
            assert (await pool.sighting(txid)).confirmations == 6
            assert standing(pool)["c"] == "quarantined/lied"


async def test_geth_is_a_node_like_any_other_and_of_another_chain_than_anvil(anvils, tmp_path):
    with GethServer() as geth:
        genesis = geth.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        own = {"chain": "ethereum", "network": "dev", "chain_id": geth.chain_id, "genesis": genesis}
        paid = geth.send(SOMEBODY, 9)
        geth.mine(2)
        # Its index of transactions is made beside the chain, and until then it says that it can't know.
        wait_until(lambda: has_receipt(geth, paid), seconds=60, what="geth's index")
        async with pool_of({"geth": geth}, directory=tmp_path, **own) as pool:
            await pool.round()
            assert standing(pool) == {"geth": READY}
            said = await pool.sighting(paid)
            height = int(geth.rpc("eth_getTransactionReceipt", paid)["blockNumber"], 16)
            assert (said.place, said.confirmations) == (Place.MINED, geth.tip()[0] - height + 1)
            assert (await pool.sighting("0x" + "44" * 32)).place is Place.UNKNOWN
            assert (await pool.tip()).hash == geth.tip()[1]
            refused = await broadcast(pool, "0x02c0", txid=paid, seconds=60)
            assert refused.done  # seen, whatever the node says to these bytes
            assert refused.refused.keys() == {"geth"}
            with pytest.raises(NoMajorityError, match="does not reach 999"):
                await pool.block_hash(999)
        nodes = {"a": anvils.named["a"], "b": anvils.named["b"], "geth": geth}
        async with pool_of(nodes, directory=tmp_path, **anvils.settings()) as pool:
            await pool.round()
            assert standing(pool) == {"a": READY, "b": READY, "geth": "quarantined/wrong_chain"}
