"""The arena without a cluster: two engine processes, Kafka and Consul on this machine."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends import ConsulServer, EnginePair, KafkaServer, Replica, create_pair_topics
from e2e.faults.admin import ask_switchover
from e2e.faults.arena import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.faults.arena import Dependency

__all__ = ["ProcessArena"]

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


class ProcessArena:
    """Restarts what a fault killed, as the kubelet would, when asked to be ready again."""

    kind = "processes"

    def __init__(self, *, symbol: str = "BTC-USDT") -> None:
        self.symbol = symbol
        self._fake_clocks = False
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
        """Run both engines under libfaketime from here on, their clocks still right."""
        if FAKETIME is None:
            raise Unsupported("libfaketime is not installed; `apt-get install libfaketime`")
        self._fake_clocks = True
        for replica in self.pair.replicas:
            replica.process.kill()
            self.wait_ready(seconds=60)

    def skew_clock(self, replica: str, seconds: float) -> float:
        """Through libfaketime, which reads its shift from a file."""
        file = _clock_file(self.pair.replica(replica))
        scratch = file.with_suffix(".new")
        scratch.write_text(f"{seconds:+g}\n")
        at = time.monotonic()
        scratch.rename(file)
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

    def _variables(self, replica: Replica) -> dict[str, str]:
        if not self._fake_clocks:
            return {}
        _clock_file(replica).write_text("+0\n")
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(_clock_file(replica)),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def _clock_file(replica: Replica) -> Path:
    return replica.data.with_suffix(".clock")
