"""A pool over a Solana chain: finalized slots alone count, and nonce accounts are read strictly."""

from __future__ import annotations

from base64 import b64encode

import pytest
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.nodes.errors import NodeAnswerError, NodeRefusedError
from outcry_services.wallet.nodes.model import Place
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, create_nonce_account, transfer
from solders.transaction import Transaction

from e2e.backends import SvmServer
from services.tests.wallet.nodes.making import pool_of, standing

pytestmark = [pytest.mark.integration, pytest.mark.chains]

NONCE_BYTES = 80
FINAL = 32


@pytest.fixture
def chain():
    with SvmServer() as node:
        node.mine(40)
        yield node


@pytest.fixture
async def pool(chain, tmp_path):
    genesis = chain.rpc("getGenesisHash")
    async with pool_of({"a": chain}, directory=tmp_path, chain="solana", genesis=genesis) as pool:
        await pool.round()
        yield pool


@pytest.fixture
def payer(chain):
    key = Keypair()
    chain.rpc("requestAirdrop", str(key.pubkey()), 10**10)
    return key


def signed(chain, keys, *instructions):
    newest = Hash.from_string(chain.rpc("getLatestBlockhash")["value"]["blockhash"])
    transaction = Transaction(
        keys, Message.new_with_blockhash(list(instructions), keys[0].pubkey(), newest), newest
    )
    return bytes(transaction).hex(), str(transaction.signatures[0])


def pay(payer, receiver, lamports):
    return transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=receiver, lamports=lamports))


async def test_the_tip_is_the_newest_finalized_block(chain, pool):
    slot, _ = chain.tip()
    tip = await pool.tip()
    assert tip.height == slot - FINAL + 1
    assert tip.hash == chain.rpc("getBlock", tip.height)["blockhash"]
    assert await pool.block_hash(tip.height) == tip.hash
    assert pool.problem() is None


async def test_a_payment_is_pending_until_it_is_final(chain, pool, payer):
    receiver = Pubkey.new_unique()
    raw, txid = signed(chain, [payer], pay(payer, receiver, 10**9))
    assert (await pool.sighting(txid)).place is Place.UNKNOWN
    sent = await broadcast(pool, raw, txid=txid, seconds=30)
    assert sent.done
    assert (await pool.sighting(txid)).place is Place.PENDING
    chain.mine(FINAL - 1)
    await pool.round()
    found = await pool.sighting(txid)
    assert (found.place, found.confirmations, found.succeeded) == (Place.MINED, 1, True)
    assert found.block.hash == chain.rpc("getBlock", found.block.height)["blockhash"]
    assert await pool.read(lambda node: node.balance(str(receiver))) == 10**9


async def test_a_payment_that_fails_is_refused_and_one_that_got_in_all_the_same_did_not_succeed(
    chain, pool, payer
):
    raw, txid = signed(chain, [payer], pay(payer, Pubkey.new_unique(), 10**12))
    refused = await broadcast(pool, raw, txid=txid, seconds=30)
    assert not refused.done
    assert "simulation failed" in refused.refused["a"]
    assert (await pool.sighting(txid)).place is Place.UNKNOWN
    options = {"encoding": "base64", "skipPreflight": True}
    chain.rpc("sendTransaction", b64encode(bytes.fromhex(raw)).decode(), options)
    chain.mine(FINAL - 1)
    await pool.round()
    found = await pool.sighting(txid)
    assert (found.place, found.succeeded) == (Place.MINED, False)


async def test_a_nonce_account_is_read_and_nothing_else_is_taken_for_one(chain, pool, payer):
    nonce = Keypair()
    rent = chain.rpc("getMinimumBalanceForRentExemption", NONCE_BYTES)
    made = create_nonce_account(payer.pubkey(), nonce.pubkey(), payer.pubkey(), rent)
    raw, txid = signed(chain, [payer, nonce], *made)
    assert (await broadcast(pool, raw, txid=txid, seconds=30)).done
    value = await pool.agreed(lambda node: node.nonce_value(str(nonce.pubkey())), what="a nonce")
    chain.mine(100)
    assert await pool.agreed(lambda node: node.nonce_value(str(nonce.pubkey())), what="a nonce") == value
    assert str(Hash.from_string(value)) == value
    assert (await pool.read(lambda node: node.signatures(str(nonce.pubkey()))))[-1] == txid
    assert (await pool.read(lambda node: node.raw_transaction(txid))).hex() == raw
    node = pool.ready[0].node
    with pytest.raises(NodeAnswerError, match="no nonce account"):
        await node.nonce_value(str(payer.pubkey()))
    with pytest.raises(NodeAnswerError, match="value"):
        await node.nonce_value(str(Pubkey.new_unique()))
    with pytest.raises(NodeRefusedError):
        await node.nonce_value("nobody")


async def test_a_node_of_another_network_is_kept_away(chain, tmp_path):
    other = "1" * 31 + "2"
    async with pool_of({"a": chain}, directory=tmp_path, chain="solana", genesis=other) as pool:
        await pool.round()
        assert standing(pool) == {"a": "quarantined/wrong_chain"}
