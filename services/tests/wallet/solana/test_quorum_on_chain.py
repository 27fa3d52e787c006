"""Two of three signers on Solana: durable nonces, long reviews, replays, and one payment for good."""

from __future__ import annotations

from base64 import b64encode
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from outcry.v1 import signer_pb2
from outcry.v1.withdrawal_review_pb2 import ReviewRequest
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.nodes.model import Place
from outcry_services.wallet.settings import TlsFiles
from outcry_services.wallet.signing.errors import SignersRefusedError
from outcry_services.wallet.signing.metrics import SigningMetrics
from outcry_services.wallet.signing.relay import Relay
from outcry_services.wallet.signing.remote import RemoteSigner, credentials_of
from prometheus_client import CollectorRegistry
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
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

from e2e.backends import SignerQuorum, SvmServer
from services.tests.wallet.nodes.making import pool_of
from services.tests.wallet.withdraw.risk import SigningRisk

pytestmark = [pytest.mark.integration, pytest.mark.chains]

SOL = 10**9
FEE = 5000
FINAL = 32
NONCE_BYTES = 80


@pytest.fixture(scope="module")
def risk():
    return SigningRisk()


@pytest.fixture(scope="module")
def chain():
    with SvmServer() as node:
        node.mine(40)
        yield node


@pytest.fixture(scope="module")
def quorum(risk):
    plenty = str(1000 * SOL)
    limits = {"per_withdrawal": plenty, "per_day": plenty, "per_address_per_day": plenty}
    solana = {"network": "localnet", "max_fee": "100000", "max_fee_per_day": "10000000", "cold": []}
    policy = {"risk_keys": {"risk-1": risk.public_key}, "solana": solana | {"assets": {"SOL": limits}}}
    with SignerQuorum(policy=policy, schemes=["ed25519"]) as signers:
        yield signers


@asynccontextmanager
async def relay_to(quorum, indexes=(1, 2, 3)):
    credentials = credentials_of(TlsFiles.model_validate(quorum.tls))
    async with AsyncExitStack() as stack:
        ports = {index: RemoteSigner(index, quorum.targets[str(index)], credentials) for index in indexes}
        for port in ports.values():
            stack.push_async_callback(port.close)
        yield Relay(ports, metrics=SigningMetrics(CollectorRegistry()))


class Hot:
    """The quorum's account, rich, with nonce accounts that a stranger's key made for it."""

    def __init__(self, chain, account):
        self.chain, self.account = chain, Pubkey.from_string(account)
        self.maker = Keypair()
        chain.rpc("requestAirdrop", account, 100 * SOL)
        chain.rpc("requestAirdrop", str(self.maker.pubkey()), SOL)

    def nonce_account(self):
        nonce = Keypair()
        rent = self.chain.rpc("getMinimumBalanceForRentExemption", NONCE_BYTES)
        made = list(create_nonce_account(self.maker.pubkey(), nonce.pubkey(), self.account, rent))
        newest = Hash.from_string(self.chain.rpc("getLatestBlockhash")["value"]["blockhash"])
        message = Message.new_with_blockhash(made, self.maker.pubkey(), newest)
        raw = bytes(Transaction([self.maker, nonce], message, newest))
        options = {"encoding": "base64"}
        self.chain.rpc("sendTransaction", b64encode(raw).decode(), options)
        self.chain.mine(FINAL - 1)
        return nonce.pubkey()

    def payment(self, nonce, value, receiver, lamports, *, price=0):
        """A message that pays from the account, as signers read it."""
        advance = AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=self.account)
        pay = TransferParams(from_pubkey=self.account, to_pubkey=receiver, lamports=lamports)
        priority = [set_compute_unit_limit(1000), set_compute_unit_price(price)] if price else []
        instructions = [advance_nonce_account(advance), *priority, transfer(pay)]
        message = Message.new_with_blockhash(instructions, self.account, Hash.from_bytes(value))
        solana = signer_pb2.SolanaTransaction(message=bytes(message), signers=[signer_pb2.KeyPath(own=0)])
        return signer_pb2.Transaction(solana=solana)


@pytest.fixture
async def hot(chain, quorum):
    async with relay_to(quorum) as relay:
        status = (await relay.status())[1]
        (address,) = (key.address for key in status.keys if key.scheme == "ed25519")
        return Hot(chain, address)


@pytest.fixture
async def pool(chain, tmp_path):
    genesis = chain.rpc("getGenesisHash")
    async with pool_of({"a": chain}, directory=tmp_path, chain="solana", genesis=genesis) as pool:
        await pool.round()
        yield pool


async def nonce_value(pool, account):
    await pool.round()
    return await pool.agreed(lambda node: node.nonce_value(str(account)), what="a nonce")


async def begun():
    """Nobody keeps anything here."""


async def approved(risk, id_, receiver, lamports, nonce, value, *, max_fee=50_000):
    """Risk's word for a withdrawal that spends this value of this nonce account."""
    request = ReviewRequest(
        withdrawal_id=id_,
        chain="solana",
        network="localnet",
        asset="SOL",
        address=str(receiver),
        amount=str(lamports),
        conflict_point=f"{nonce}:{Hash.from_bytes(value)}",
        max_fee=str(max_fee),
    )
    return (await risk.Review(request, None)).approved


@pytest.mark.parametrize("pair", [(1, 2), (1, 3), (2, 3)])
async def test_each_pair_signs_what_the_chain_takes_however_long_the_review_was(
    chain, quorum, risk, pool, hot, pair
):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    payment = hot.payment(nonce, value, receiver, SOL)
    approval = await approved(risk, pair[0] * 10 + pair[1], receiver, SOL, nonce, value)
    # Any blockhash of before is forgotten by then; a durable nonce is not.
    chain.mine(300)
    async with relay_to(quorum, pair) as relay:
        signed = await relay.sign(payment, [approval], begun=begun)
    await pool.round()
    sent = await broadcast(pool, signed.transaction.hex(), txid=signed.id, seconds=30)
    assert sent.done, sent.refused
    chain.mine(FINAL - 1)
    await pool.round()
    found = await pool.sighting(signed.id)
    assert (found.place, found.succeeded) == (Place.MINED, True)
    assert await pool.read(lambda node: node.balance(str(receiver))) == SOL
    again = await broadcast(pool, signed.transaction.hex(), txid="1" * 64, seconds=30)
    assert "AlreadyProcessed" in again.refused["a"] or "BlockhashNotFound" in again.refused["a"]
    assert chain.rpc("getBalance", str(receiver))["value"] == SOL


async def test_of_two_transactions_for_one_withdrawal_the_chain_takes_one(chain, quorum, risk, pool, hot):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    approval = await approved(risk, 77, receiver, SOL, nonce, value)
    async with relay_to(quorum) as relay:
        first = await relay.sign(hot.payment(nonce, value, receiver, SOL), [approval], begun=begun)
        raised = await relay.sign(
            hot.payment(nonce, value, receiver, SOL, price=1_000_000), [approval], begun=begun
        )
    assert first.id != raised.id
    assert (await broadcast(pool, raised.transaction.hex(), txid=raised.id, seconds=30)).done
    refused = await broadcast(pool, first.transaction.hex(), txid=first.id, seconds=30)
    assert not refused.done
    assert "BlockhashNotFound" in refused.refused["a"]
    chain.mine(FINAL)
    assert chain.rpc("getBalance", str(receiver))["value"] == SOL
    assert await nonce_value(pool, nonce) != value


async def test_a_withdrawal_is_bound_to_one_nonce_for_ever_whichever_pair_is_asked(quorum, risk, pool, hot):
    nonce, other, receiver = hot.nonce_account(), hot.nonce_account(), Pubkey.new_unique()
    value, elsewhere = await nonce_value(pool, nonce), await nonce_value(pool, other)
    approval = await approved(risk, 88, receiver, SOL, nonce, value)
    risk.fixed.clear()
    forged = await approved(risk, 88, receiver, SOL, other, elsewhere)
    async with relay_to(quorum, (1, 2)) as relay:
        await relay.sign(hot.payment(nonce, value, receiver, SOL), [approval], begun=begun)
    # Signer 3 has not seen the first one; its partner has, and won't.
    for pair in ((1, 3), (2, 3)):
        async with relay_to(quorum, pair) as relay:
            with pytest.raises(SignersRefusedError) as refused:
                await relay.sign(hot.payment(other, elsewhere, receiver, SOL), [forged], begun=begun)
            assert refused.value.refusal in ("REFUSED_CONFLICT_POINT", "REFUSED_APPROVAL")


async def test_nothing_is_signed_that_was_not_approved_so(quorum, risk, pool, hot):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    approval = await approved(risk, 99, receiver, SOL, nonce, value)
    stranger = Pubkey.new_unique()
    for payment, refusal in (
        (hot.payment(nonce, value, receiver, SOL + 1), "REFUSED_OUTPUT"),
        (hot.payment(nonce, value, stranger, SOL), "REFUSED_OUTPUT"),
        (hot.payment(nonce, value, receiver, SOL, price=60_000_000), "REFUSED_FEE"),
    ):
        async with relay_to(quorum) as relay:
            with pytest.raises(SignersRefusedError) as refused:
                await relay.sign(payment, [approval], begun=begun)
        assert refused.value.refusal == refusal
