"""One service as a process: where it listens, and that it is ready."""

from __future__ import annotations

import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.backends import ServerProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SERVICES", "Ports", "ServiceUnderTest"]

SERVICES = ("risk", "order", "position", "settlement", "reconciler")
"""In the order in which they start; the order in which they end is the reverse."""


@dataclass(frozen=True)
class Ports:
    """Where one service listens; kept over restarts, so that the others find it again."""

    grpc: int
    http: int

    @classmethod
    def free(cls) -> Ports:
        """Two that nobody uses."""
        return cls(grpc=free_port(), http=free_port())


class ServiceUnderTest:
    """`python -m outcry_services.{name}` with settings of its own."""

    def __init__(self, name: str, *, ports: Ports, settings: Mapping[str, str], directory: Path) -> None:
        self.name = name
        self.ports = ports
        self.process = ServerProcess(name=name, log=directory / f"{name}.log")
        self._environment = {
            **settings,
            "OUTCRY_REPLICA": name,
            "OUTCRY_GRPC_PORT": str(ports.grpc),
            "OUTCRY_HTTP_PORT": str(ports.http),
        }

    @property
    def address(self) -> str:
        """Of its gRPC server."""
        return f"127.0.0.1:{self.ports.grpc}"

    def start(self) -> None:
        """Start it; `wait_ready` waits."""
        self.process.start([sys.executable, "-m", f"outcry_services.{self.name}"], env=self._environment)

    def wait_ready(self, *, seconds: float = 60) -> None:
        """Until it says that it is ready; raises `ServerStartError` with the log's tail."""
        self.process.wait_ready(self._ready, seconds=seconds)

    def restart(self) -> None:
        """Kill it, as a crash would, and start it again."""
        self.process.kill()
        self.start()

    def metrics(self) -> str:
        """Prometheus' text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.http}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.http}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
