"""A node of Ethereum by JSON-RPC: geth, anvil, or any other that speaks the execution API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeAnswerError, NodeRefusedError
from outcry_services.wallet.nodes.model import Identity, NodeStatus, Place, Tip, TransactionView

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.answers import Answer
    from outcry_services.wallet.nodes.rpc import JsonRpc

__all__ = ["EthereumNode"]

NO_SUCH_METHOD = -32601
WEI_MOST = 2**256 - 1


class EthereumNode:
    """Reads and broadcasts; it knows no key and no wallet."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.rpc.name

    async def status(self) -> NodeStatus:
        """Its chain, its latest block, its peers. Raises `NodeError`."""
        latest, peers, syncing, chain, genesis = await asyncio.gather(
            self._block("latest"),
            self._peers(),
            self.rpc.call("eth_syncing"),
            self.rpc.call("eth_chainId"),
            self.block_hash(0),
        )
        if latest is None or genesis is None:
            raise NodeAnswerError(self.name, "neither a first nor a latest block")
        return NodeStatus(
            tip=Tip(height=latest["number"].quantity(), hash=latest["hash"].hash0x()),
            peers=peers,
            # False, or an object that says how far it is.
            syncing=syncing.value is not False,
            identity=Identity(genesis=genesis, chain_id=chain.quantity()),
        )

    async def block_hash(self, height: int) -> str | None:
        """Of its chain's block at a height; None where that chain is shorter. Raises `NodeError`."""
        block = await self._block(hex(height))
        if block is None:
            return None
        if block["number"].quantity() != height:
            raise NodeAnswerError(self.name, f"another block than {height}, which was asked for")
        return block["hash"].hash0x()

    async def transaction(self, txid: str) -> TransactionView:
        """Where a transaction is, with confirmations by the node's own height. Raises `NodeError`."""
        receipt = await self.rpc.call("eth_getTransactionReceipt", txid)
        if receipt.value is None:
            pending = await self.rpc.call("eth_getTransactionByHash", txid)
            return TransactionView(place=Place.UNKNOWN if pending.value is None else Place.PENDING)
        if receipt["transactionHash"].hash0x() != txid:
            raise NodeAnswerError(self.name, f"another transaction than {txid}, which was asked for")
        block = Tip(height=receipt["blockNumber"].quantity(), hash=receipt["blockHash"].hash0x())
        height = (await self.rpc.call("eth_blockNumber")).quantity()
        return TransactionView(
            place=Place.MINED,
            block=block,
            # A reorganisation between the two calls may have made the chain shorter.
            confirmations=max(1, height - block.height + 1),
            succeeded=receipt["status"].quantity() == 1,
        )

    async def broadcast(self, raw: str) -> str:
        """Hand over a signed transaction in hex; its id. Raises `NodeRefusedError` also where it is known."""
        return (await self.rpc.call("eth_sendRawTransaction", raw)).hash0x()

    async def balance(self, address: str, *, height: int) -> int:
        """Wei of an account after the block at a height. Raises `NodeError`."""
        return (await self.rpc.call("eth_getBalance", address, hex(height))).quantity(most=WEI_MOST)

    async def nonce(self, address: str, *, height: int) -> int:
        """How many transactions an account has sent, up to the block at a height. Raises `NodeError`."""
        return (await self.rpc.call("eth_getTransactionCount", address, hex(height))).quantity()

    async def block(self, block: str) -> Answer:
        """A block by its hash, with whole transactions. Raises `NodeError`, also where it has none."""
        said = await self.rpc.call("eth_getBlockByHash", block, True)
        if said.value is None:
            raise NodeAnswerError(self.name, f"no block {block}, which it should have")
        return said

    async def receipts(self, block: str) -> list[Answer]:
        """What became of each transaction of a block. Raises `NodeError`."""
        return (await self.rpc.call("eth_getBlockReceipts", block)).items()

    async def close(self) -> None:
        """Give up the connections."""
        await self.rpc.close()

    async def _block(self, which: str) -> Answer | None:
        block = await self.rpc.call("eth_getBlockByNumber", which, False)
        return None if block.value is None else block

    async def _peers(self) -> int | None:
        try:
            return (await self.rpc.call("net_peerCount")).quantity()
        except NodeRefusedError as refused:
            if refused.rpc_code == NO_SUCH_METHOD:
                return None
            raise
