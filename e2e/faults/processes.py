"""The arena without a cluster: two engine processes, Kafka and Consul on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends import ConsulServer, EnginePair, KafkaServer, Replica, create_pair_topics, wait_until
from e2e.faults.admin import ask_switchover
from e2e.faults.arena import ArenaError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.faults.arena import Dependency

__all__ = ["ProcessArena"]

CLOCK_SHIFT = Path(__file__).with_name("clock_shift.c")


class ProcessArena:
    """Restarts what a fault killed, as the kubelet would, when asked to be ready again."""

    kind = "processes"

    def __init__(self, *, symbol: str = "BTC-USDT") -> None:
        self.symbol = symbol
        self._clock: Path | None = None
        self._kafka = KafkaServer()
        self._consul = ConsulServer()
        self._kafka.start()
        self._consul.start()
        create_pair_topics(self._kafka, symbol)
        self.pair = EnginePair(
            symbol=symbol, kafka=self._kafka, consul=self._consul, environment=self._variables
        )
        self.pair.start()

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self._kafka.bootstrap

    def wait_ready(self, *, seconds: float) -> tuple[str, str]:
        """(hot, warm); a replica that is gone is started again."""
        self.pair.start()
        hot, warm = self.pair.wait_ready(seconds=seconds)
        return hot.name, warm.name

    def kill(self, *replicas: str) -> float:
        """SIGKILL, both before either is waited for; with both dead they are started again at once."""
        doomed = [self.pair.replica(name) for name in replicas]
        at = time.monotonic()
        for replica in doomed:
            os.killpg(replica.process.pid, signal.SIGKILL)
        for replica in doomed:
            replica.process.kill()
        if len(doomed) > 1:
            self.pair.start()
        return at

    def delete(self, replica: str) -> float:
        """As `kill`, and a new process takes its place at once."""
        at = self.kill(replica)
        self.pair.start_replica(self.pair.replica(replica))
        return at

    def freeze(self, replica: str) -> float:
        """SIGSTOP."""
        at = time.monotonic()
        self.pair.replica(replica).process.send(signal.SIGSTOP)
        return at

    def thaw(self, replica: str) -> None:
        """SIGCONT."""
        self.pair.replica(replica).process.send(signal.SIGCONT)

    def cut(self, replica: str, dependency: Dependency) -> float:
        """Processes share the machine's network: there is nothing to cut."""
        raise Unsupported(f"processes share one network, {replica} can't be cut off from {dependency}")

    def mend(self, replica: str) -> None:
        """Nothing was cut."""

    def fake_clocks(self) -> None:
        """Run both engines with a preloaded clock from here on, still right."""
        library = self.pair.directory / "clock_shift.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(CLOCK_SHIFT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ArenaError(f"{' '.join(command)}: {done.stderr.strip()}")
        self._clock = library
        for replica in self.pair.replicas:
            replica.process.kill()
            self._wait_forgotten(replica.name)
            self.wait_ready(seconds=60)

    def skew_clock(self, replica: str, seconds: float) -> float:
        """Shift what the preloaded clock adds."""
        shift = round(seconds * 1e9).to_bytes(8, sys.byteorder, signed=True)
        with _clock_file(self.pair.replica(replica)).open("r+b", buffering=0) as file:
            at = time.monotonic()
            file.write(shift)
        return at

    def kill_consul(self) -> float:
        """SIGKILL."""
        at = time.monotonic()
        self._consul.kill()
        return at

    def start_consul(self) -> None:
        """Same data, same ports."""
        self._consul.start()

    def kill_kafka(self) -> float:
        """SIGKILL."""
        at = time.monotonic()
        self._kafka.kill()
        return at

    def start_kafka(self) -> float:
        """Same data, same ports."""
        self._kafka.start()
        return time.monotonic()

    def switchover(self, replica: str) -> float:
        """Over gRPC, as the operator does."""
        return ask_switchover(f"127.0.0.1:{self.pair.replica(replica).ports.admin}")

    def roll(self, hot: str) -> Callable[[], bool]:
        """Replace the warm process, wait, hand over, replace the other: what the operator does."""
        raise Unsupported(f"there is no operator to roll {hot}; the cluster's campaign does")

    def close(self) -> None:
        """Kill everything and remove its data."""
        self.pair.close()
        self._consul.close()
        self._kafka.close()

    def _wait_forgotten(self, name: str) -> None:
        """Until what Consul says of a killed replica can't pass for the next one's words."""
        wait_until(
            lambda: name not in self.pair.registry.members(), seconds=30, what=f"the end of {name}'s entry"
        )

    def _variables(self, replica: Replica) -> dict[str, str]:
        if self._clock is None:
            return {}
        _clock_file(replica).write_bytes(bytes(8))
        return {"LD_PRELOAD": str(self._clock), "CLOCK_SHIFT_FILE": str(_clock_file(replica))}


def _clock_file(replica: Replica) -> Path:
    return replica.data.with_suffix(".clock")
