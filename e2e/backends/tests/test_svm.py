"""A Solana chain keeps fees, nonces and replays as validators do, and tells of them as their nodes do."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_nonce_account,
    transfer,
)
from solders.transaction import Transaction

from e2e.backends import SvmServer
from e2e.backends.json_rpc import RpcError

pytestmark = [pytest.mark.integration, pytest.mark.chains]

NONCE_BYTES = 80
FEE = 5000
CONFIRMED = {"commitment": "confirmed"}


@pytest.fixture(scope="module")
def node():
    with SvmServer() as node:
        yield node


@pytest.fixture
def payer(node):
    key = Keypair()
    node.rpc("requestAirdrop", str(key.pubkey()), 10**10)
    return key


def newest(node):
    return Hash.from_string(node.rpc("getLatestBlockhash")["value"]["blockhash"])


def pay(payer, receiver, lamports):
    return transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=receiver, lamports=lamports))


def send(node, keys, instructions, blockhash, **options):
    message = Message.new_with_blockhash(instructions, keys[0].pubkey(), blockhash)
    raw = b64encode(bytes(Transaction(keys, message, blockhash))).decode()
    return node.rpc("sendTransaction", raw, {"encoding": "base64", **options})


def balance(node, account):
    return node.rpc("getBalance", str(account))["value"]


def status(node, signature):
    return node.rpc("getSignatureStatuses", [signature], {"searchTransactionHistory": True})["value"][0]


def test_a_payment_is_in_a_block_and_final_after_32(node, payer):
    receiver = Pubkey.new_unique()
    signature = send(node, [payer], [pay(payer, receiver, 10**9)], newest(node))
    slot, tip = node.tip()
    assert (balance(node, receiver), balance(node, payer.pubkey())) == (10**9, 9 * 10**9 - FEE)
    assert status(node, signature)["confirmationStatus"] == "confirmed"
    assert node.rpc("getTransaction", signature, {"encoding": "base64"}) is None
    with pytest.raises(RpcError, match="not available"):
        node.rpc("getBlock", slot)
    block = node.rpc("getBlock", slot, CONFIRMED)
    assert block["blockhash"] == tip
    assert [one["meta"]["fee"] for one in block["transactions"]] == [FEE]
    assert [one["signature"] for one in node.rpc("getSignaturesForAddress", str(receiver), CONFIRMED)] == [
        signature
    ]
    node.mine(31)
    assert node.rpc("getTransaction", signature, {"encoding": "base64"})["slot"] == slot
    assert status(node, signature) == {
        "slot": slot,
        "confirmations": None,
        "err": None,
        "status": {"Ok": None},
        "confirmationStatus": "finalized",
    }


def test_what_no_block_takes_is_refused_by_name(node, payer):
    receiver = Pubkey.new_unique()
    old = newest(node)
    send(node, [payer], [pay(payer, receiver, 10**9)], old)
    with pytest.raises(RpcError, match="BlockhashNotFound") as refused:
        send(node, [payer], [pay(payer, receiver, 1)], old)
    assert refused.value.code == -32002
    with pytest.raises(RpcError, match="Custom"):
        send(node, [payer], [pay(payer, receiver, 10**12)], newest(node))
    assert balance(node, receiver) == 10**9


def test_a_program_that_fails_costs_its_fee_where_nobody_tried_it_before(node, payer):
    signature = send(
        node, [payer], [pay(payer, Pubkey.new_unique(), 10**12)], newest(node), skipPreflight=True
    )
    assert status(node, signature)["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert balance(node, payer.pubkey()) == 10**10 - FEE


def test_a_durable_nonce_outlives_blocks_and_is_spent_once(node, payer):
    nonce, receiver = Keypair(), Pubkey.new_unique()
    rent = node.rpc("getMinimumBalanceForRentExemption", NONCE_BYTES)
    made = create_nonce_account(payer.pubkey(), nonce.pubkey(), payer.pubkey(), rent)
    send(node, [payer, nonce], list(made), newest(node))
    value = nonce_value(node, nonce.pubkey())
    node.mine(200)
    advance = advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=nonce.pubkey(), authorized_pubkey=payer.pubkey())
    )
    first, second = ([advance, pay(payer, receiver, amount)] for amount in (10**6, 2 * 10**6))
    send(node, [payer], first, value)
    assert nonce_value(node, nonce.pubkey()) != value
    for again in (first, second):
        with pytest.raises(RpcError, match=r"AlreadyProcessed|BlockhashNotFound"):
            send(node, [payer], again, value)
    assert balance(node, receiver) == 10**6


def nonce_value(node, account):
    data = node.rpc("getAccountInfo", str(account), {"encoding": "base64"})["value"]["data"][0]
    return Hash.from_bytes(b64decode(data)[40:72])


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("getMoney", [], -32601),
        ("_at", [1], -32601),
        ("getBalance", ["no account"], -32602),
        ("getBalance", [], -32602),
        ("sendTransaction", ["AAAA", {"encoding": "base64"}], -32602),
        ("getBlock", [10**9], -32004),
    ],
)
def test_a_wrong_call_is_named(node, method, params, code):
    with pytest.raises(RpcError) as refused:
        node.rpc(method, *params)
    assert refused.value.code == code
