"""The steady flow of orders that goes on through every fault."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from e2e.backends.process import ServerProcess
from e2e.faults.arena import ArenaError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SOURCE", "Features", "Flow", "FlowResult"]

# `all` has every order type, amendments and timers, and needs rules version 2.
Features = Literal["plain", "all"]

ENGINE = str(Path(sys.executable).parent / "outcry-engine")
SOURCE = 3000


class FlowResult:
    """What Kafka acknowledged: `acked` commands of `source` and `incarnation`, in `seconds`."""

    def __init__(self, summary: dict[str, float]) -> None:
        self.source = int(summary["source"])
        self.incarnation = int(summary["incarnation"])
        self.acked = int(summary["acked"])
        self.last_number = int(summary["last_number"])
        self.seconds = float(summary["seconds"])

    @property
    def rate(self) -> float:
        """Commands a second."""
        return self.acked / self.seconds if self.seconds else 0.0


class Flow:
    """`outcry-engine flow` as a process of its own, until `stop`."""

    def __init__(
        self,
        *,
        symbol: str,
        kafka: str,
        rate: float,
        directory: Path,
        open_pair: bool,
        mid: int,
        features: Features = "plain",
    ) -> None:
        self.incarnation = int(time.time())
        self._log = directory / f"flow-{self.incarnation}.log"
        self._process = ServerProcess(name="flow", log=self._log)
        arguments = {
            "symbol": symbol,
            "kafka": kafka,
            "rate": str(rate),
            "source": str(SOURCE),
            "incarnation": str(self.incarnation),
            "seed": str(self.incarnation),
            "mid": str(mid),
            "features": features,
        }
        flags = [f"--{name}={value}" for name, value in arguments.items()]
        self._command = [ENGINE, "flow", "--json", *flags, *(["--open"] if open_pair else [])]

    def start(self) -> Self:
        """Begin to send."""
        self._process.start(self._command)
        return self

    def __enter__(self) -> Self:
        """Begin to send."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """End at once if it still runs."""
        self.kill()

    def stop(self, *, seconds: float = 120) -> FlowResult:
        """End, and wait until Kafka acknowledged everything that was sent."""
        if not self._process.running:
            raise ArenaError(f"the flow ended by itself:\n{self._process.tail()}")
        self._process.terminate()
        self._process.wait(seconds=seconds)
        lines = [line for line in self._log.read_text().splitlines() if line.startswith("{")]
        if not lines:
            raise ArenaError(f"the flow left no summary:\n{self._process.tail()}")
        return FlowResult(json.loads(lines[-1]))

    def kill(self) -> None:
        """End at once."""
        self._process.kill()
