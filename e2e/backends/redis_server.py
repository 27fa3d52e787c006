"""One real Redis server that syncs its append-only file at every write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from e2e.backends.ports import free_port
from e2e.backends.process import wait_until
from e2e.backends.programs import installed_program
from e2e.backends.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["RedisServer"]

PACKAGE = "redis-server"


class RedisServer(Server):
    """A server on a free port of 127.0.0.1; `kill` and `start` again keep what was acknowledged.

    `replica_of` makes it follow another one. `settings` are directives of redis.conf.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        directory: Path | None = None,
        replica_of: RedisServer | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name="redis", directory=directory)
        self.port = free_port()
        self._primary = replica_of
        self._settings = dict(settings or {})

    @property
    def url(self) -> str:
        """What `OUTCRY_REDIS` takes."""
        return f"redis://{self.host}:{self.port}"

    def client(self) -> redis.Redis:
        """A new blocking client (for tests); the caller closes it."""
        return redis.Redis(host=self.host, port=self.port, socket_timeout=5)

    def start(self) -> None:
        """Start (again) and wait until it has read its data, and as a replica is in step."""
        settings = self.directory / "redis.conf"
        settings.write_text("".join(f"{name} {value}\n" for name, value in self._directives().items()))
        self.process.start([installed_program("redis-server", package=PACKAGE), str(settings)])
        self.process.wait_ready(self._ready, seconds=60)

    def promote(self) -> None:
        """Make a replica the primary, with what it has."""
        with self.client() as client:
            client.replicaof("NO", "ONE")
            wait_until(lambda: client.info("replication")["role"] == "master", seconds=60, what="promotion")

    def follow(self, primary: RedisServer) -> None:
        """Follow another server from now on, and drop what it doesn't have."""
        self._primary = primary
        with self.client() as client:
            client.replicaof(primary.host, str(primary.port))
        self.process.wait_ready(self._ready, seconds=60)

    def _ready(self) -> bool:
        try:
            with self.client() as client:
                if not client.ping():
                    return False
                found = client.info("replication")
                return self._primary is None or found.get("master_link_status") == "up"
        except redis.RedisError:
            return False

    def _directives(self) -> dict[str, str]:
        following = {"replicaof": f"{self._primary.host} {self._primary.port}"} if self._primary else {}
        return (
            {
                "bind": self.host,
                "port": str(self.port),
                "dir": str(self.directory),
                "appendonly": "yes",
                "appendfsync": "always",
                # Only the append-only file counts; a snapshot now and then would be a second truth.
                "save": '""',
                "daemonize": "no",
                "maxmemory-policy": "noeviction",
                "repl-diskless-sync-delay": "0",
            }
            | following
            | self._settings
        )
