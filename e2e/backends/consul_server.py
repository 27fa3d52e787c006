"""One real Consul server (a single voter with an agent), HTTP and DNS on free ports."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from e2e.backends.cache import server_program
from e2e.backends.ports import free_port
from e2e.backends.server import Server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONSUL", "ConsulServer"]

CONSUL = "consul-1.22.0"


class ConsulServer(Server):
    """A server on free ports in a directory of its own; `kill` and `start` again keep the data."""

    def __init__(self, *, directory: Path | None = None) -> None:
        super().__init__(name="consul", directory=directory)
        self.port = free_port()
        self.dns_port = free_port(udp=True)
        self._ports = {
            "http": self.port,
            "dns": self.dns_port,
            "server": free_port(),
            "serf_lan": free_port(udp=True),
            "serf_wan": -1,
            "grpc": -1,
            "grpc_tls": -1,
        }

    @property
    def url(self) -> str:
        """Of the HTTP API, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start (again) and wait until there is a leader and this agent's node is registered."""
        settings = self.directory / "consul.json"
        settings.write_text(json.dumps(self._settings(), indent=1))
        program = server_program(CONSUL, "consul")
        self.process.start([str(program), "agent", "-config-file", str(settings)])
        self.process.wait_ready(self._answers, seconds=60)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """The decoded JSON at `/v1/{path}`; raises `urllib.error.URLError`."""
        with urllib.request.urlopen(f"{self.url}/v1/{path}", timeout=5) as answer:
            return json.load(answer)

    def put(self, path: str, body: bytes = b"") -> bytes:
        """PUT `body` to `/v1/{path}` and return the answer; raises `urllib.error.URLError`."""
        return self._request("PUT", path, body)

    def delete(self, path: str) -> bytes:
        """DELETE `/v1/{path}` and return the answer; raises `urllib.error.URLError`."""
        return self._request("DELETE", path, b"")

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        request = urllib.request.Request(f"{self.url}/v1/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        try:
            return bool(self.get("status/leader")) and bool(self.get("catalog/nodes"))
        except (OSError, ValueError):
            return False

    def _settings(self) -> dict[str, Any]:
        return {
            "server": True,
            "bootstrap_expect": 1,
            "node_name": "consul-0",
            "data_dir": str(self.directory / "data"),
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": self._ports,
            "log_level": "WARN",
            "disable_update_check": True,
            "leave_on_terminate": False,
            "dns_config": {"allow_stale": False},
            # A single voter elects itself; the defaults are made for wide networks.
            "performance": {"raft_multiplier": 1},
        }
