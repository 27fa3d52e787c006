"""A block's outputs are those that its hash names; altered bytes are no block."""

from __future__ import annotations

import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.scan.bitcoin_block import read_block
from outcry_services.wallet.scan.errors import BlockError

from e2e.backends import BtcdServer
from services.tests.wallet.nodes.making import P2WSH_OP_TRUE, payment

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc8"
    "1bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000"
    "000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f7220"
    "6f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afd"
    "b0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c"
    "702b6bf11d5fac00000000"
)
BLOCK = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
PARENT = "00" * 32


def twice(data):
    return sha256(sha256(data).digest()).digest()


def test_the_first_block_of_regtest_pays_fifty_bitcoin():
    (output,) = read_block(GENESIS, block=BLOCK, parent=PARENT).outputs
    assert output.txid == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert (output.index, output.satoshi) == (0, 50 * 10**8)


@given(st.integers(0, len(GENESIS) - 1), st.integers(1, 255))
def test_a_changed_byte_is_another_block(at, change):
    raw = bytearray(GENESIS)
    raw[at] ^= change
    with pytest.raises(BlockError):
        read_block(bytes(raw), block=BLOCK, parent=PARENT)


@given(st.integers(0, len(GENESIS) - 1), st.binary(max_size=20))
def test_a_block_cut_short_or_with_more_behind_it_is_none(length, more):
    with pytest.raises(BlockError):
        read_block(GENESIS[:length], block=BLOCK, parent=PARENT)
    if more:
        with pytest.raises(BlockError):
            read_block(GENESIS + more, block=BLOCK, parent=PARENT)


@given(st.binary(max_size=200))
def test_any_bytes_behind_an_honest_header_are_refused_and_nothing_else(body):
    with pytest.raises(BlockError):
        read_block(GENESIS[:80] + body, block=BLOCK, parent=PARENT)


def test_another_parent_than_the_last_block_is_refused():
    with pytest.raises(BlockError, match="the parent of block"):
        read_block(GENESIS, block=BLOCK, parent="11" * 32)


def test_repeated_transactions_that_keep_the_root_are_refused():
    """Of three transactions, the third counted twice gives the root of four (CVE-2012-2459)."""
    coinbase = GENESIS[81:]
    others = [coinbase[:-4] + struct.pack("<I", number) for number in (1, 2)]
    ids = [twice(raw) for raw in (coinbase, *others)]
    root = twice(twice(ids[0] + ids[1]) + twice(ids[2] + ids[2]))
    header = GENESIS[:36] + root + GENESIS[68:80]
    block = twice(header)[::-1].hex()
    honest = header + b"\x03" + coinbase + b"".join(others)
    assert len(read_block(honest, block=block, parent=PARENT).outputs) == 3
    with pytest.raises(BlockError, match="repeats"):
        read_block(header + b"\x04" + honest[81:] + others[1], block=block, parent=PARENT)


@pytest.mark.integration
@pytest.mark.chains
def test_blocks_of_a_real_node_are_read_with_their_witnesses():
    with BtcdServer() as node:
        node.mine(101)
        raw, txid = payment(node.rpc("getblock", node.rpc("getblockhash", 1), 1))
        node.rpc("sendrawtransaction", raw)
        parent = node.tip()[1]
        (block,) = node.mine(1)
        outputs = read_block(
            bytes.fromhex(node.rpc("getblock", block, 0)), block=block, parent=parent
        ).outputs
        said = node.rpc("getblock", block, 1)
        assert list(dict.fromkeys(output.txid for output in outputs)) == said["tx"]
        paid = next(output for output in outputs if output.txid == txid)
        assert (paid.index, paid.satoshi, paid.script) == (0, 50 * 10**8 - 10_000, P2WSH_OP_TRUE)
