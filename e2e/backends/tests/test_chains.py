"""Chain nodes make blocks on demand, keep them, stand still, and change their minds."""

from __future__ import annotations

import pytest

from e2e.backends import AnvilServer, BtcdServer, GethServer, wait_until
from e2e.backends.bitcoin_node import REGTEST_GENESIS
from e2e.backends.json_rpc import json_rpc

pytestmark = [pytest.mark.integration, pytest.mark.chains]

SOMEBODY = "0x" + "11" * 20
BITCOIN = [BtcdServer]
ETHEREUM = [GethServer, AnvilServer]


@pytest.mark.parametrize("kind", BITCOIN)
def test_a_bitcoin_node_mines(kind):
    with kind() as node:
        assert node.tip() == (0, REGTEST_GENESIS)
        mined = node.mine(3)
        assert node.tip() == (3, mined[-1])
    assert not node.process.running
    assert not node.directory.exists()


@pytest.mark.parametrize("kind", BITCOIN)
def test_a_bitcoin_node_reorganises(kind):
    with kind() as node:
        mined = node.mine(4)
        fresh = node.reorganise(2)
        assert node.tip() == (5, fresh[-1])
        assert node.rpc("getblockhash", 2) == mined[1]
        assert node.rpc("getblockhash", 3) == fresh[0] != mined[2]


def test_two_nodes_hold_one_chain():
    with BtcdServer() as here, BtcdServer() as there:
        here.connect(there)
        mined = there.mine(2)
        wait_until(lambda: here.tip() == (2, mined[-1]), seconds=30, what="blocks are passed on")


@pytest.mark.parametrize("kind", ETHEREUM)
def test_an_ethereum_node_pays_mines_and_keeps_its_blocks(kind):
    with kind() as node:
        assert int(node.rpc("eth_chainId"), 16) == node.chain_id
        node.send(SOMEBODY, 5)
        wait_until(lambda: node.tip()[0] >= 1, seconds=60, what="a block for a payment")
        node.mine(2)
        height, last = node.tip()
        assert height >= 3
        node.stop()
        node.start()
        assert node.tip()[0] >= height
        assert node.block_hash(height) == last
        assert int(node.rpc("eth_getBalance", SOMEBODY, "latest"), 16) == 5


@pytest.mark.parametrize("kind", ETHEREUM)
def test_an_ethereum_node_reorganises(kind):
    with kind() as node:
        node.mine(4)
        height, _ = node.tip()
        blocks = {at: node.block_hash(at) for at in range(1, height + 1)}
        first = node.reorganise(2)
        assert node.tip()[0] >= height >= 4
        assert node.block_hash(first - 1) == blocks[first - 1]
        assert node.block_hash(first) != blocks[first]


def test_a_paused_node_answers_when_it_is_resumed():
    with AnvilServer() as node:
        node.pause()
        with pytest.raises(OSError, match="timed out"):
            json_rpc(node.url, "eth_blockNumber", seconds=0.5)
        node.resume()
        assert node.tip()[0] == 0
