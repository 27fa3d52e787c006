"""One real geth as a development chain of its own (`--dev`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.backends.cache import BUILD_CHAINS, server_program
from e2e.backends.ethereum_node import EthereumNode
from e2e.backends.ports import free_port
from e2e.backends.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GETH", "GethServer"]

GETH = "geth-1.16.9"


class GethServer(EthereumNode):
    """A chain that makes a block for each transaction, and at times an empty one; `stop` keeps it.

    It seals a block when it hears of a transaction, then one more while any waits. A transaction that comes
    in between is in that one, and nothing is left for the block that is sealed when it is heard of.
    """

    chain_id = 1337

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__(name="geth", directory=directory)
        self._engine_port = free_port()

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        command = [
            str(server_program(GETH, "geth", command=BUILD_CHAINS)),
            "--dev",
            *("--datadir", str(self.directory / "data")),
            "--http",
            *("--http.addr", self.host, "--http.port", str(self.port)),
            *("--http.api", "eth,net,web3,txpool,debug,dev"),
            *("--authrpc.port", str(self._engine_port)),
            *("--port", "0", "--nodiscover", "--maxpeers", "0", "--ipcdisable"),
            *("--cache", "64", "--verbosity", "2"),
        ]
        self.process.start(command)
        self.process.wait_ready(self._answers, seconds=60)

    def mine(self, blocks: int = 1) -> None:
        """Make blocks on its tip, each by a payment of nothing, since it makes no empty ones."""
        for _ in range(blocks):
            self.send(self.account, 0)

    def send(self, to: str, wei: int) -> str:
        """A payment from the rich account; its hash, once it is in a block."""
        before = self._sent()
        paid = super().send(to, wei)
        # Not by its receipt: the index of transactions is seconds behind the chain.
        wait_until(lambda: self._sent() > before, seconds=60, what="a block of geth", every=0.01)
        # Else the next payment comes while it looks whether any waits.
        wait_until(self._idle, seconds=60, what="a pool without transactions", every=0.01)
        return paid

    def reorganise(self, depth: int) -> int:
        """Replace the last `depth` blocks by `depth + 1` others; the height of the first."""
        height, _ = self.tip()
        self.rpc("debug_setHead", hex(height - depth))
        self.mine(depth + 1)
        return height - depth + 1

    def _idle(self) -> bool:
        return int(self.rpc("txpool_status")["pending"], 16) == 0

    def _sent(self) -> int:
        return int(self.rpc("eth_getTransactionCount", self.account, "latest"), 16)
