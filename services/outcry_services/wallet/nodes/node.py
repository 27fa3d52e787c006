"""What the pool asks of a node, whatever its chain: the port that adapters fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.model import NodeStatus, TransactionView

__all__ = ["ChainNode"]


class ChainNode(Protocol):
    """One node. Every call raises `NodeError`, and nothing else."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    async def status(self) -> NodeStatus:
        """Its chain, its best block, its peers."""

    async def block_hash(self, height: int) -> str | None:
        """Of its best chain's block at a height; None where that chain is shorter."""

    async def transaction(self, txid: str) -> TransactionView:
        """Where a transaction is; raises `NodeError` where the node can't know, for want of an index."""

    async def broadcast(self, raw: str) -> str:
        """Hand over a signed transaction in hex; its id. Raises `NodeRefusedError` also where it is known."""

    async def close(self) -> None:
        """Give up the connections."""
