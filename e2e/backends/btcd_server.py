"""One real btcd on regtest: an implementation that shares no code with Bitcoin Core."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from e2e.backends.bitcoin_node import ANYONE, BitcoinNode
from e2e.backends.cache import BUILD_CHAINS, server_program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BTCD", "BtcdServer"]

BTCD = "btcd-0.26.2"


class BtcdServer(BitcoinNode):
    """A node that indexes every transaction.

    On regtest btcd removes its chain at each start: what it had comes back from its peers or not at all.
    """

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__(name="btcd", directory=directory)
        self._password = secrets.token_hex(16)

    @property
    def login(self) -> str:
        """`user:password` of its JSON-RPC."""
        return f"outcry:{self._password}"

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        user, password = self.login.split(":")
        settings = {
            "regtest": 1,
            "datadir": self.directory / "data",
            "logdir": self.directory / "logs",
            "rpcuser": user,
            "rpcpass": password,
            "rpclisten": f"{self.host}:{self.port}",
            "notls": 1,
            "listen": self.peer_address,
            "nodnsseed": 1,
            "txindex": 1,
            # Allocated at the start; the default is 250.
            "utxocachemaxsize": 16,
            "miningaddr": ANYONE,
        }
        file = self.directory / "btcd.conf"
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        file.write_text(f"[Application Options]\n{lines}")
        file.chmod(0o600)
        program = server_program(BTCD, "btcd", command=BUILD_CHAINS)
        self.process.start([str(program), f"--configfile={file}"])
        self.process.wait_ready(self._answers, seconds=60)

    def mine(self, blocks: int = 1) -> list[str]:
        """Make blocks on its tip; their hashes."""
        return list(map(str, self.rpc("generate", blocks)))
