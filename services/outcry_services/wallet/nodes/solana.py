"""A node of Solana by JSON-RPC (Solana documentation, "RPC HTTP Methods").

A height is a slot. Only what is finalized counts as the chain: so it has no forks, one confirmation is as
good as a hundred, and of a slot that its leader left empty the last block before it is told.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

from outcry_services.common.addresses import base58
from outcry_services.wallet.nodes.errors import NodeAnswerError
from outcry_services.wallet.nodes.model import Identity, NodeStatus, Place, Tip, TransactionView

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.answers import Answer
    from outcry_services.wallet.nodes.rpc import JsonRpc

__all__ = ["SolanaNode"]

MOST_EMPTY = 200
"""Slots in a row without a block; more is an outage of the whole network."""
SYSTEM = "11111111111111111111111111111111"
NONCE_BYTES, NONCE_AT = 80, 40
"""Version and state (4 bytes each), authority, nonce, fee: `solana_nonce::state::Data`."""
INITIALIZED = bytes((1, 0, 0, 0, 1, 0, 0, 0))
FINALIZED = {"commitment": "finalized"}


class SolanaNode:
    """Reads and broadcasts; it knows no key and no wallet."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.rpc.name

    async def status(self) -> NodeStatus:
        """Its chain and its last finalized block; it tells nobody of its peers. Raises `NodeError`."""
        slot, genesis = await asyncio.gather(
            self.rpc.call("getSlot", FINALIZED), self.rpc.call("getGenesisHash")
        )
        height = slot.count()
        block = await self.block_hash(height)
        if block is None:
            raise NodeAnswerError(self.name, f"no block at {height}, where it says that it stands")
        return NodeStatus(
            tip=Tip(height=height, hash=block),
            peers=None,
            syncing=False,
            identity=Identity(genesis=genesis.key()),
        )

    async def block_hash(self, height: int) -> str | None:
        """Of the last finalized block up to a slot; None where its chain is shorter. Raises `NodeError`."""
        first = max(height - MOST_EMPTY, 0)
        slots, reached = await asyncio.gather(
            self.rpc.call("getBlocks", first, height, FINALIZED), self.rpc.call("getSlot", FINALIZED)
        )
        held = [slot.count() for slot in slots.items()]
        if reached.count() < height or not held:
            return None
        shape = {"transactionDetails": "none", "rewards": False, "maxSupportedTransactionVersion": 0}
        return (await self.rpc.call("getBlock", held[-1], shape | FINALIZED))["blockhash"].key()

    async def block(self, slot: int) -> Answer:
        """A finalized block with the accounts of its transactions. Raises `NodeError`, also for none."""
        shape = {"transactionDetails": "accounts", "rewards": False, "maxSupportedTransactionVersion": 0}
        return await self.rpc.call("getBlock", slot, shape | FINALIZED)

    async def transaction(self, txid: str) -> TransactionView:
        """Where a transaction is; there is no mempool to look into. Raises `NodeError`."""
        said = await self.rpc.call("getSignatureStatuses", [txid], {"searchTransactionHistory": True})
        status = said["value"].items()[0]
        if status.value is None:
            return TransactionView(place=Place.UNKNOWN)
        slot = status["slot"].count()
        if status["confirmationStatus"].text() != "finalized":
            return TransactionView(place=Place.PENDING)
        block, newest = await asyncio.gather(self.block_hash(slot), self.rpc.call("getSlot", FINALIZED))
        if block is None:
            raise NodeAnswerError(self.name, f"{txid} is finalized in {slot}, beyond its own chain")
        return TransactionView(
            place=Place.MINED,
            block=Tip(height=slot, hash=block),
            confirmations=max(1, newest.count() - slot + 1),
            succeeded=status.get("err") is None,
        )

    async def broadcast(self, raw: str) -> str:
        """Hand over a signed transaction in hex; its first signature, which is its id. Raises `NodeError`."""
        encoded = b64encode(bytes.fromhex(raw)).decode()
        options = {"encoding": "base64", "preflightCommitment": "confirmed"}
        return (await self.rpc.call("sendTransaction", encoded, options)).signature()

    async def balance(self, account: str) -> int:
        """Lamports, as finalized. Raises `NodeError`."""
        return (await self.rpc.call("getBalance", account, FINALIZED))["value"].count()

    async def nonce_value(self, account: str) -> str:
        """What a nonce account holds, as finalized, in base58. Raises `NodeError` also where it is none."""
        found = (await self.rpc.call("getAccountInfo", account, FINALIZED | {"encoding": "base64"}))["value"]
        data = self._data(found)
        if found["owner"].text() != SYSTEM or len(data) != NONCE_BYTES or not data.startswith(INITIALIZED):
            raise NodeAnswerError(self.name, f"{account} is no nonce account that is set up")
        return base58.encode(data[NONCE_AT : NONCE_AT + 32])

    async def signatures(self, account: str) -> list[str]:
        """Finalized transactions that name an account, the newest first. Raises `NodeError`."""
        said = await self.rpc.call("getSignaturesForAddress", account, FINALIZED)
        return [line["signature"].signature() for line in said.items()]

    async def raw_transaction(self, txid: str) -> bytes | None:
        """A finalized transaction as it was sent; None where there is none. Nothing of it is checked here."""
        shape = {"encoding": "base64", "maxSupportedTransactionVersion": 0}
        said = await self.rpc.call("getTransaction", txid, shape | FINALIZED)
        return None if said.value is None else self._decoded(said["transaction"].items()[0].text())

    async def priority_fee(self, account: str) -> int:
        """The price that half of the late blocks took, millionths of a lamport a unit. Raises `NodeError`."""
        said = await self.rpc.call("getRecentPrioritizationFees", [account])
        prices = sorted(line["prioritizationFee"].count() for line in said.items())
        return prices[len(prices) // 2] if prices else 0

    async def close(self) -> None:
        """Give up the connections."""
        await self.rpc.close()

    def _data(self, account: Answer) -> bytes:
        return self._decoded(account["data"].items()[0].text())

    def _decoded(self, text: str) -> bytes:
        try:
            return b64decode(text, validate=True)
        except Base64Error:
            raise NodeAnswerError(self.name, "what should be base64 and is not") from None
