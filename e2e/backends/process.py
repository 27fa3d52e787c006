"""A server as a child process that never outlives its test run.

A test run that is killed can't clean up, and a broker left behind would spoil the next run. So one
small keeper process holds the read end of a pipe: when the pipe closes, however the run ended, it
kills the process groups that were registered and not withdrawn.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends.errors import ServerStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ServerProcess", "wait_until"]

KEEPER = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    word, pid = line.split()
    groups.add(int(pid)) if word == "add" else groups.discard(int(pid))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class _Keeper:
    """Tells the keeper process which groups die with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def say(self, word: str, group: int) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", KEEPER],
                    stdin=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            if self._process.stdin is not None:
                self._process.stdin.write(f"{word} {group}\n")
                self._process.stdin.flush()


_keeper = _Keeper()


def wait_until(probe: Callable[[], bool], *, seconds: float, what: str, every: float = 0.05) -> None:
    """Call `probe` until it is true; raises `ServerStartError` naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            raise ServerStartError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


class ServerProcess:
    """One process in its own group, its output in a file."""

    def __init__(self, *, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process; raises `ServerStartError` when it isn't running."""
        if self._process is None:
            raise ServerStartError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Of the ended process; `None` while it runs and before the first start."""
        return None if self._process is None else self._process.poll()

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        """Start `command`; its output is appended to the log."""
        if self.running:
            raise ServerStartError(f"{self.name} runs already as {self.pid}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        _keeper.say("add", self._process.pid)

    def wait_ready(self, probe: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `probe` holds; raises `ServerStartError` with the log's tail when it never does."""

        def answered() -> bool:
            if not self.running:
                raise ServerStartError(f"{self.name} ended with {self.exit_code}:\n{self.tail()}")
            return probe()

        try:
            wait_until(answered, seconds=seconds, what=f"{self.name} ready")
        except ServerStartError as error:
            raise ServerStartError(f"{error}\n{self.tail()}") from None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; after SIGSTOP, once every thread of the process stands still."""
        os.killpg(self.pid, number)
        if number == signal.SIGSTOP:
            # A signal to stop is only queued when `killpg` returns: a thread may still answer somebody.
            wait_until(self._stands, seconds=60, what=f"{self.name} stopped")

    def _stands(self) -> bool:
        tasks = Path(f"/proc/{self.pid}/task")
        try:
            states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks.iterdir()]
        except FileNotFoundError:  # a thread ended meanwhile
            return False
        return all(state == "T" for state in states)

    def terminate(self) -> None:
        """SIGTERM to the process alone, without waiting: it is to end in its own way."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, *, seconds: float) -> int:
        """The exit code, waited for; raises `ServerStartError` if the process goes on."""
        if self._process is None:
            raise ServerStartError(f"{self.name} was not started")
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ServerStartError(f"{self.name} still runs after {seconds:g} s\n{self.tail()}") from None
        self._forget()
        return code

    def stop(self, *, seconds: float = 20) -> None:
        """SIGTERM, then SIGKILL when that isn't heeded in time."""
        self._end(signal.SIGTERM, seconds=seconds)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._end(signal.SIGKILL, seconds=60)

    def tail(self, lines: int = 30) -> str:
        """The end of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _end(self, number: signal.Signals, *, seconds: float) -> None:
        if self._process is None:
            return
        if self.running:
            self.send(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self._process.wait(60)
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            _keeper.say("del", self._process.pid)
