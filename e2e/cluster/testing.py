"""A local cluster for tests, driven as a person drives it: by `python -m e2e.cluster`.

`up` and `down` run as processes of their own, because `down` ends every process that `up` was.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import file_lock
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import CHECKOUT, cache_root, cluster_root

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

__all__ = ["ClusterForTests", "name_for_tests"]

UP_SECONDS = 1800  # with nothing in the cache but the servers
DOWN_SECONDS = 600  # two nodes' unpacked images are tens of thousands of files, on a machine that may be busy


def name_for_tests() -> str:
    """A name that no other checkout's tests use on this machine."""
    return f"test-{hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]}"


class ClusterForTests:
    """A cluster made anew; what a killed run left under its name goes first."""

    def __init__(
        self, *, name: str, until: str = "platform", services: bool = False, wallets: bool = False
    ) -> None:
        self.name = name
        self.until = until
        self.flags = (
            "--services" if services else "--no-services",
            "--wallets" if wallets else "--no-wallets",
        )
        self.environment: dict[str, str] = {}
        self.held = ExitStack()

    @property
    def root(self) -> Path:
        """The cluster's folder, with its programs' logs."""
        return cluster_root(self.name)

    def __enter__(self) -> Self:
        """Bring it up; raises ClusterError with everything that `up` said.

        A second test run of this checkout waits here until the first one is done with the name.
        """
        self.held.enter_context(file_lock(cache_root() / "locks" / f"{self.name}.tests"))
        self.run("down", seconds=DOWN_SECONDS)
        try:
            self.run("up", "--until", self.until, *self.flags, seconds=UP_SECONDS)
            self.environment = json.loads(self.run("env", "--json"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Take it down."""
        with self.held:
            self.run("down", seconds=DOWN_SECONDS)

    def run(self, verb: str, *arguments: str, seconds: float = 120) -> str:
        """What a verb prints on standard output."""
        command = self.command(verb, *arguments)
        done = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=seconds
        )
        if done.returncode != 0:
            raise ClusterError(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A verb as a process that the caller waits for or kills."""
        return subprocess.Popen(
            self.command(verb, *arguments),
            cwd=CHECKOUT,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def command(self, verb: str, *arguments: str) -> list[str]:
        """The words of a verb's command line."""
        named = ["--provider", "local", "--name", self.name]
        return [sys.executable, "-m", "e2e.cluster", verb, *named, *arguments]
