"""A stranger's key on a Solana chain: what it pays, and the tokens that it makes."""

from __future__ import annotations

from base64 import b64encode

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import Transaction

TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
SOL = 10**9
MINT_BYTES, DECIMALS = 82, 6
INITIALIZE_MINT_2, MINT_TO, CREATE_IDEMPOTENT = 20, 7, 1


def holder_of(owner, mint):
    """The associated token account."""
    return Pubkey.find_program_address([bytes(owner), bytes(TOKEN), bytes(mint)], ASSOCIATED)[0]


class Payer:
    """Somebody with coins."""

    def __init__(self, chain):
        self.chain, self.key = chain, Keypair()
        chain.rpc("requestAirdrop", str(self.key.pubkey()), 100 * SOL)

    def pay(self, address, lamports):
        """The transaction's id."""
        return self.send(self.paid(address, lamports))

    def paid(self, address, lamports):
        to = Pubkey.from_string(address)
        return transfer(TransferParams(from_pubkey=self.key.pubkey(), to_pubkey=to, lamports=lamports))

    def send(self, *instructions, signers=(), **options):
        newest = Hash.from_string(self.chain.rpc("getLatestBlockhash")["value"]["blockhash"])
        message = Message.new_with_blockhash(list(instructions), self.key.pubkey(), newest)
        raw = bytes(Transaction([self.key, *signers], message, newest))
        return self.chain.rpc("sendTransaction", b64encode(raw).decode(), {"encoding": "base64", **options})

    def mint(self):
        """A token of which this key makes as many as it likes."""
        mint, me = Keypair(), self.key.pubkey()
        rent = self.chain.rpc("getMinimumBalanceForRentExemption", MINT_BYTES)
        account = CreateAccountParams(
            from_pubkey=me, to_pubkey=mint.pubkey(), lamports=rent, space=MINT_BYTES, owner=TOKEN
        )
        data = bytes([INITIALIZE_MINT_2, DECIMALS]) + bytes(me) + bytes(1)
        begin = Instruction(TOKEN, data, [AccountMeta(mint.pubkey(), False, True)])
        self.send(create_account(account), begin, signers=[mint])
        return mint.pubkey()

    def give(self, mint, address, units):
        """Make tokens for an account; the transaction's id."""
        owner, me = Pubkey.from_string(address), self.key.pubkey()
        holder = holder_of(owner, mint)
        metas = [(me, True, True), (holder, False, True), (owner, False, False), (mint, False, False)]
        metas += [(SYSTEM, False, False), (TOKEN, False, False)]
        opened = Instruction(ASSOCIATED, bytes([CREATE_IDEMPOTENT]), [AccountMeta(*it) for it in metas])
        made = Instruction(
            TOKEN,
            bytes([MINT_TO]) + units.to_bytes(8, "little"),
            [AccountMeta(mint, False, True), AccountMeta(holder, False, True), AccountMeta(me, True, False)],
        )
        return self.send(opened, made)
