"""What geth and anvil as development chains have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from e2e.backends.json_rpc import RpcError, json_rpc
from e2e.backends.ports import free_port
from e2e.backends.server import Server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EthereumNode"]


class EthereumNode(Server):
    """A node that is a chain of its own, with an unlocked account that is rich."""

    host = "127.0.0.1"

    def __init__(self, *, name: str, directory: Path | None = None) -> None:
        super().__init__(name=name, directory=directory)
        self.port = free_port()

    @property
    def url(self) -> str:
        """Of its JSON-RPC."""
        return f"http://{self.host}:{self.port}/"

    @property
    def account(self) -> str:
        """The address of the rich account."""
        return str(self.rpc("eth_accounts")[0])

    def rpc(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call; raises `RpcError` where the node says no, OSError where nothing answers."""
        return json_rpc(self.url, method, *params)

    def tip(self) -> tuple[int, str]:
        """Height and hash of its latest block."""
        block = self.rpc("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), str(block["hash"])

    def block_hash(self, height: int) -> str:
        """Of the block that is there now."""
        return str(self.rpc("eth_getBlockByNumber", hex(height), False)["hash"])

    def send(self, to: str, wei: int) -> str:
        """A payment from the rich account; its hash. It is in a block of its own at once."""
        call = {"from": self.account, "to": to, "value": hex(wei)}
        return str(self.rpc("eth_sendTransaction", call))

    @abstractmethod
    def mine(self, blocks: int = 1) -> None:
        """Make blocks on its tip."""

    @abstractmethod
    def reorganise(self, depth: int) -> int:
        """Replace the last `depth` blocks by others, at least as many; the height of the first."""

    def _answers(self) -> bool:
        try:
            return int(self.rpc("eth_blockNumber"), 16) >= 0
        except (OSError, RpcError):
            return False
