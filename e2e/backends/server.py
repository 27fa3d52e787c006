"""What every server of the tests does alike: a directory of its own, kill, restart, pause, close."""

from __future__ import annotations

import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Self

from e2e.backends.process import ServerProcess

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Server", "Started"]


class Started(ABC):
    """As a context manager it is started, and at the end removed with its data, also when the start fails."""

    @abstractmethod
    def start(self) -> None:
        """Start (again) and wait until it answers; raises `ServerStartError` with the log's tail."""

    @abstractmethod
    def close(self) -> None:
        """Kill it and remove what it left."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Server(Started):
    """One server process. In a directory that was given to it, it leaves that directory behind."""

    def __init__(self, *, name: str, directory: Path | None = None) -> None:
        self._own = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"outcry-{name}-"))
        self.process = ServerProcess(name=name, log=self.directory / f"{name}.log")

    def stop(self) -> None:
        """SIGTERM, data kept."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL, data kept."""
        self.process.kill()

    def restart(self) -> None:
        """Kill and start with the same data and ports."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send(signal.SIGCONT)

    def close(self) -> None:
        """Kill the server and remove what it left."""
        self.kill()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)
