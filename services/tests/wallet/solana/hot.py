"""The quorum's account on Solana, rich, with nonce accounts that a stranger's key made for it."""

from __future__ import annotations

from base64 import b64encode
from contextlib import AsyncExitStack, asynccontextmanager

from outcry.v1 import signer_pb2
from outcry.v1.withdrawal_review_pb2 import ReviewRequest
from outcry_services.wallet.settings import TlsFiles
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

SOL = 10**9
FINAL = 32
NONCE_BYTES = 80


def policy_of(risk):
    """What signers allow."""
    plenty = str(1000 * SOL)
    limits = {"per_withdrawal": plenty, "per_day": plenty, "per_address_per_day": plenty}
    solana = {"network": "localnet", "max_fee": "100000", "max_fee_per_day": "10000000", "cold": []}
    return {"risk_keys": {"risk-1": risk.public_key}, "solana": solana | {"assets": {"SOL": limits}}}


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
        message = Message.new_with_blockhash(instructions, self.account, Hash.from_string(value))
        solana = signer_pb2.SolanaTransaction(message=bytes(message), signers=[signer_pb2.KeyPath(own=0)])
        return signer_pb2.Transaction(solana=solana)


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
        conflict_point=f"{nonce}:{value}",
        max_fee=str(max_fee),
    )
    return (await risk.Review(request, None)).approved
