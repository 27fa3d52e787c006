"""One real MariaDB server with the binary log that production asks for: whole rows, synced at commit."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncmy
from asyncmy.errors import MySQLError

from e2e.backends.errors import ServerStartError
from e2e.backends.ports import free_port
from e2e.backends.programs import installed_program
from e2e.backends.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MariaDbServer"]

PACKAGE = "mariadb-server-core"
PAGES = "--innodb-page-size=4k"
"""Thousands of nearly empty tables take a quarter of what they take in pages of the usual size."""


class MariaDbServer(Server):
    """A server on a free port of 127.0.0.1 with its own data and server id; user `root`, no password.

    `settings` are options of mariadbd by their long names, over the ones below.
    """

    user = "root"
    password = ""
    host = "127.0.0.1"

    def __init__(
        self,
        *,
        directory: Path | None = None,
        server_id: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name="mariadb", directory=directory)
        self.port = free_port()
        self._server_id = server_id
        self._settings = dict(settings or {})
        # The path of a Unix socket holds 107 bytes, fewer than pytest's directories may take.
        self._run = Path(tempfile.mkdtemp(prefix="outcry-my-"))
        # A server that starts removes the temporary tables that it finds, of whatever server they are.
        self._scratch = self.directory / "scratch"

    @property
    def url(self) -> str:
        """What `OUTCRY_MYSQL` takes."""
        return f"mysql://{self.user}@{self.host}:{self.port}"

    def start(self) -> None:
        """Start (again), the first time with new system tables, and wait until it answers a query."""
        data = self.directory / "data"
        self._scratch.mkdir(parents=True, exist_ok=True)
        if not (data / "mysql").is_dir():
            self._install(data)
        program = installed_program("mariadbd", package=PACKAGE)
        self.process.start([program, "--no-defaults", *self._options(data)])
        self.process.wait_ready(self._answers, seconds=60)

    def execute(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own, commit, and return its rows (for tests)."""
        # In a thread, so that tests with an event loop of their own can call it, too.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._execute(statement, arguments)).result()

    def close(self) -> None:
        """Kill the server and remove what it left."""
        super().close()
        (self._run / "socket").unlink(missing_ok=True)
        self._run.rmdir()

    async def _execute(self, statement: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        connection = await asyncmy.connect(
            host=self.host, port=self.port, user=self.user, autocommit=True, connect_timeout=5
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(statement, tuple(arguments) or None)
                return list(await cursor.fetchall()) if cursor.description else []
        finally:
            await connection.ensure_closed()

    def _answers(self) -> bool:
        try:
            return self.execute("SELECT 1") == [(1,)]
        except (OSError, MySQLError):
            return False

    def _install(self, data: Path) -> None:
        command = [
            installed_program("mariadb-install-db", package=PACKAGE),
            "--no-defaults",
            f"--datadir={data}",
            f"--tmpdir={self._scratch}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            PAGES,
            *self._who(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerStartError(f"no system tables in {data}:\n{done.stdout}{done.stderr}")

    def _options(self, data: Path) -> list[str]:
        settings = {
            "datadir": str(data),
            "tmpdir": str(self._scratch),
            "socket": str(self._run / "socket"),
            "pid-file": str(self.directory / "pid"),
            "bind-address": self.host,
            "port": str(self.port),
            "server-id": str(self._server_id),
            "log-bin": "binlog",
            "binlog-format": "ROW",
            "binlog-row-image": "FULL",
            "binlog-row-metadata": "FULL",
            "log-bin-compress": "OFF",
            "sync-binlog": "1",
            "innodb-flush-log-at-trx-commit": "1",
            "innodb-buffer-pool-size": "64M",
            "character-set-server": "utf8mb4",
            "skip-name-resolve": "ON",
            "max-connections": "200",
        } | self._settings
        return [*(f"--{name}={value}" for name, value in settings.items()), PAGES, *self._who()]

    @staticmethod
    def _who() -> list[str]:
        """The server refuses to run as root unless told so by name."""
        return ["--user=root"] if os.geteuid() == 0 else []
