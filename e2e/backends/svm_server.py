"""One Solana chain as a process: the virtual machine of validators, blocks on demand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from e2e.backends.json_rpc import json_rpc
from e2e.backends.ports import free_port
from e2e.backends.server import Server

__all__ = ["SvmServer"]

CONFIRMED = {"commitment": "confirmed"}
ROOT = Path(__file__).resolve().parents[2]


class SvmServer(Server):
    """A block for each transaction; `stop` and `kill` lose the chain."""

    host = "127.0.0.1"

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__(name="svm", directory=directory)
        self.port = free_port()

    @property
    def url(self) -> str:
        """Of its JSON-RPC."""
        return f"http://{self.host}:{self.port}/"

    def start(self) -> None:
        """Start (again, with an empty chain) and wait until it answers."""
        command = [sys.executable, "-m", "e2e.backends.svm", "--port", str(self.port)]
        self.process.start(command, env={"PYTHONPATH": str(ROOT)})
        self.process.wait_ready(self._answers, seconds=60)

    def rpc(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call; raises `RpcError` where it says no, OSError where nothing answers."""
        return json_rpc(self.url, method, *params)

    def mine(self, slots: int = 1) -> int:
        """Make empty blocks on its tip; the slot of the last one."""
        return int(self.rpc("svm_makeSlots", slots))

    def tip(self) -> tuple[int, str]:
        """Slot and hash of its newest block."""
        slot = int(self.rpc("getSlot", CONFIRMED))
        return slot, str(self.rpc("getBlock", slot, CONFIRMED)["blockhash"])

    def _answers(self) -> bool:
        try:
            return bool(self.rpc("getHealth") == "ok")
        except OSError:  # not listening yet
            return False
