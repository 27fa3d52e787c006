"""Envoy and the authorization service, started as a pod of each would be."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.backends import EnvoyServer, ServerProcess, free_port
from e2e.backends.server import Started
from e2e.gateway.config import write
from e2e.gateway.secrets import Sessions, TestKey, swap_certificate, write_api_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Front"]


class Front(Started):
    """Listens on `port` with TLS. `rates` and others are values of the chart, for its block `envoy`."""

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        upstreams: Mapping[str, int],
        keys: tuple[TestKey, ...] = (),
        redis: str = "",
        values: Mapping[str, Any] | None = None,
        concurrency: int = 1,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="outcry-gateway-"))
        self.port, self.health_port, self.admin_port = (free_port() for _ in range(3))
        self.rpc_port, self.metrics_port = (free_port() for _ in range(2))
        self.sessions = Sessions()
        self.keys = keys
        self.serial = 0
        self._redis = redis
        self.authorization = ServerProcess(name="gateway", log=self.directory / "gateway.log")
        self._values = dict(values or {})
        self._upstreams = dict(upstreams) | {"gateway": self.rpc_port}
        self._concurrency = concurrency
        self.envoy: EnvoyServer | None = None

    def start(self) -> None:
        """Start both and wait until they answer."""
        self.serial = swap_certificate(self.directory / "tls")
        (self.directory / "sessions").mkdir()
        (self.directory / "sessions" / "jwks.json").write_text(self.sessions.jwks())
        write_api_keys(self.keys_file, *self.keys)
        self.start_authorization()
        config = self.adapt(write(self.directory / "config", {"envoy": self._values | self.places()}))
        self.envoy = EnvoyServer(
            config,
            concurrency=self._concurrency,
            arguments=("--drain-strategy", "immediate", "--drain-time-s", "1"),
            directory=self.directory / "envoy",
        )
        self.envoy.directory.mkdir()
        self.envoy.admin_port = self.admin_port
        self.envoy.start()

    def places(self) -> dict[str, Any]:
        """Where everything is, as values of the chart."""
        return {
            "listen": self.host,
            "ports": {"https": self.port, "health": self.health_port, "admin": self.admin_port},
            "paths": {
                "config": str(self.directory / "config"),
                "tls": str(self.directory / "tls"),
                "sessions": str(self.directory / "sessions"),
                "accessLog": str(self.access_log),
            },
            "upstreams": {name: f"{self.host}:{port}" for name, port in self._upstreams.items()},
        }

    def adapt(self, config: dict[str, Any]) -> dict[str, Any]:
        """Envoy's configuration as it is run: the chart's own, unless a benchmark needs another."""
        return config

    @property
    def keys_file(self) -> Path:
        """The file of API keys."""
        return self.directory / "api-keys.json"

    @property
    def certificate(self) -> Path:
        """What a client trusts."""
        return self.directory / "tls" / "tls.crt"

    @property
    def access_log(self) -> Path:
        """One JSON object a line."""
        return self.directory / "access.log"

    def rotate_certificate(self) -> None:
        """As cert-manager would."""
        self.serial = swap_certificate(self.directory / "tls")

    def start_authorization(self) -> None:
        """Start the authorization service (again)."""
        self.authorization.start(
            [sys.executable, "-m", "outcry_services.gateway"],
            env={
                "OUTCRY_API_KEYS_FILE": str(self.keys_file),
                "OUTCRY_REDIS": self._redis,
                "OUTCRY_GRPC_PORT": str(self.rpc_port),
                "OUTCRY_HTTP_PORT": str(self.metrics_port),
            },
        )
        self.authorization.wait_ready(self._answers, seconds=60)

    def accesses(self) -> list[dict[str, Any]]:
        """The access log so far; Envoy writes it a little later."""
        text = self.access_log.read_text() if self.access_log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def metrics(self) -> str:
        """Of the authorization service."""
        return self._page(f"http://{self.host}:{self.metrics_port}/metrics")

    def close(self) -> None:
        """Kill both and remove what they left."""
        if self.envoy is not None:
            self.envoy.kill()
        self.authorization.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            return self._page(f"http://{self.host}:{self.metrics_port}/readyz") == "ok\n"
        except OSError:
            return False

    @staticmethod
    def _page(url: str) -> str:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
