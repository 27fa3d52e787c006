"""A node of Bitcoin by JSON-RPC: bitcoind, or btcd, with an index of transactions (`txindex`).

Only calls that both implementations know, and only parameters that both take alike.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeAnswerError, NodeRefusedError
from outcry_services.wallet.nodes.model import Identity, NodeStatus, Place, Tip, TransactionView

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.rpc import JsonRpc

__all__ = ["GENESIS", "BitcoinNode"]

GENESIS = {
    "mainnet": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}
"""The first block of each network (Bitcoin Core, `kernel/chainparams.cpp`)."""

# Bitcoin Core's `rpc/protocol.h`: RPC_INVALID_ADDRESS_OR_KEY (no such transaction, too),
# RPC_INVALID_PARAMETER; btcd's `btcjson/jsonrpcerr.go`: ErrRPCOutOfRange.
NOT_FOUND, INVALID_PARAMETER, OUT_OF_RANGE = -5, -8, -1


class BitcoinNode:
    """Reads and broadcasts; it knows no key and no wallet."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.rpc.name

    async def status(self) -> NodeStatus:
        """Its chain, its best block, its peers. Raises `NodeError`."""
        info, peers, genesis = await asyncio.gather(
            self.rpc.call("getblockchaininfo"),
            self.rpc.call("getconnectioncount"),
            self.rpc.call("getblockhash", 0),
        )
        # btcd may not tell whether it is catching up; its height does.
        syncing = info.get("initialblockdownload")
        return NodeStatus(
            tip=Tip(height=info["blocks"].count(), hash=info["bestblockhash"].hash()),
            peers=peers.count(),
            syncing=syncing.flag() if syncing else False,
            identity=Identity(genesis=genesis.hash()),
        )

    async def block_hash(self, height: int) -> str | None:
        """Of its best chain's block at a height; None where that chain is shorter. Raises `NodeError`."""
        try:
            return (await self.rpc.call("getblockhash", height)).hash()
        except NodeRefusedError as refused:
            if refused.rpc_code in (INVALID_PARAMETER, OUT_OF_RANGE):
                return None
            raise

    async def transaction(self, txid: str) -> TransactionView:
        """Where a transaction is. Raises `NodeError`, also where the node has no index of transactions."""
        try:
            said = await self.rpc.call("getrawtransaction", txid, 1)
        except NodeRefusedError as refused:
            # Both say "index" where they can't know: not built yet, or not asked for.
            if refused.rpc_code == NOT_FOUND and "index" not in refused.said:
                return TransactionView(place=Place.UNKNOWN)
            raise
        if said["txid"].hash() != txid:
            raise NodeAnswerError(self.name, f"another transaction than {txid}, which was asked for")
        block = said.get("blockhash")
        if block is None:
            return TransactionView(place=Place.PENDING)
        return await self._mined(block.hash())

    async def broadcast(self, raw: str) -> str:
        """Hand over a signed transaction in hex; its id. Raises `NodeRefusedError` also where it is known."""
        return (await self.rpc.call("sendrawtransaction", raw)).hash()

    async def raw_block(self, block: str) -> bytes:
        """A block as it is on the wire. Raises `NodeError`; nothing of it is checked here."""
        said = (await self.rpc.call("getblock", block, 0)).text()
        try:
            return bytes.fromhex(said)
        except ValueError:
            raise NodeAnswerError(self.name, f"block {block} is not in hex") from None

    async def close(self) -> None:
        """Give up the connections."""
        await self.rpc.close()

    async def _mined(self, block: str) -> TransactionView:
        """Height and confirmations from the block's header; a block off the best chain holds nothing."""
        header = await self.rpc.call("getblockheader", block, True)
        confirmations = header["confirmations"].number()
        if confirmations < 1:
            return TransactionView(place=Place.UNKNOWN)
        tip = Tip(height=header["height"].count(), hash=block)
        return TransactionView(place=Place.MINED, block=tip, confirmations=confirmations)
