"""What bitcoind and btcd on regtest have in common: blocks on demand, to an address that anybody can spend.

P2WSH of the script OP_TRUE is a standard output whose spending needs no key, so that tests make transactions
that every node relays (BIP-141; Bitcoin Core's own functional tests do the same).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from e2e.backends.json_rpc import RpcError, json_rpc
from e2e.backends.ports import free_port
from e2e.backends.process import wait_until
from e2e.backends.server import Server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ANYONE", "REGTEST_GENESIS", "BitcoinNode"]

ANYONE = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85"
"""P2WSH of OP_TRUE on regtest."""

REGTEST_GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"


class BitcoinNode(Server):
    """A node on regtest on free ports."""

    host = "127.0.0.1"

    def __init__(self, *, name: str, directory: Path | None = None) -> None:
        super().__init__(name=name, directory=directory)
        self.port = free_port()
        self.peer_port = free_port()

    @property
    def url(self) -> str:
        """Of its JSON-RPC."""
        return f"http://{self.host}:{self.port}/"

    @property
    def peer_address(self) -> str:
        """Where other nodes connect."""
        return f"{self.host}:{self.peer_port}"

    @property
    @abstractmethod
    def login(self) -> str:
        """`user:password` of its JSON-RPC."""

    def rpc(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call; raises `RpcError` where the node says no, OSError where nothing answers."""
        return json_rpc(self.url, method, *params, login=self.login)

    def tip(self) -> tuple[int, str]:
        """Height and hash of its best block."""
        best = self.rpc("getbestblockhash")
        return int(self.rpc("getblockheader", best)["height"]), str(best)

    @abstractmethod
    def mine(self, blocks: int = 1) -> list[str]:
        """Make blocks on its tip; their hashes."""

    def reorganise(self, depth: int) -> list[str]:
        """Replace the last `depth` blocks by `depth + 1` others; the new ones' hashes.

        What the replaced blocks held is in the mempool again, and in the first new one, unless it can't be.
        """
        height, _ = self.tip()
        self.rpc("invalidateblock", self.rpc("getblockhash", height - depth + 1))
        return self.mine(depth + 1)

    def connect(self, other: BitcoinNode) -> None:
        """Keep a connection to another node, now and whenever it is lost; returns when it is there.

        A block that is made while two nodes still greet each other is announced to nobody.
        """
        before = self.peers(), other.peers()
        self.rpc("addnode", other.peer_address, "add")
        wait_until(
            lambda: self.peers() > before[0] and other.peers() > before[1],
            seconds=60,
            what=f"{self.peer_address} and {other.peer_address} are connected",
        )

    def peers(self) -> int:
        """Connections that are there now."""
        return int(self.rpc("getconnectioncount"))

    def _answers(self) -> bool:
        try:
            return int(self.rpc("getblockcount")) >= 0
        except (OSError, RpcError):  # not listening yet, or warming up
            return False
