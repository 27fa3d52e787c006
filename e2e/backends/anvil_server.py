"""One real anvil: a development chain that reorganises on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.backends.cache import BUILD_CHAINS, server_program
from e2e.backends.ethereum_node import EthereumNode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ANVIL", "AnvilServer"]

ANVIL = "anvil-1.7.1"


class AnvilServer(EthereumNode):
    """A chain that makes a block for each transaction; `stop` keeps it, `kill` loses it."""

    def __init__(
        self, *, directory: Path | None = None, chain_id: int = 31337, arguments: Sequence[str] = ()
    ) -> None:
        super().__init__(name="anvil", directory=directory)
        self.chain_id = chain_id
        self._arguments = arguments

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        program = server_program(ANVIL, "anvil", command=BUILD_CHAINS)
        command = [str(program), "--host", self.host, "--port", str(self.port), "--quiet"]
        command += ["--state", str(self.directory / "state.json"), "--preserve-historical-states"]
        command += ["--accounts", "3", "--chain-id", str(self.chain_id), "--threads", "2", *self._arguments]
        # Else it keeps a cache in the home directory.
        self.process.start(command, env={"HOME": str(self.directory)})
        self.process.wait_ready(self._answers, seconds=60)

    def mine(self, blocks: int = 1) -> None:
        """Make blocks on its tip, one second apart by their own time."""
        self.rpc("anvil_mine", hex(blocks))

    def reorganise(self, depth: int) -> int:
        """Replace the last `depth` blocks by as many empty ones; the height of the first."""
        height, _ = self.tip()
        self.rpc("anvil_reorg", depth, [])
        return height - depth + 1
