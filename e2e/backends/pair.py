"""A pair without a cluster: two real engine processes beside real Kafka and Consul."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends.errors import ServerStartError
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess, wait_until
from e2e.backends.registry import PairRegistry
from e2e.backends.server import Started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e2e.backends.consul_server import ConsulServer
    from e2e.backends.kafka_server import KafkaServer

__all__ = ["EnginePair", "Replica", "create_pair_topics"]

ENGINE = str(Path(sys.executable).parent / "outcry-engine")


@dataclass(frozen=True)
class Ports:
    """Where one replica listens."""

    admin: int
    peer: int
    metrics: int


@dataclass(frozen=True)
class Replica:
    """One engine process."""

    name: str
    ports: Ports
    data: Path
    process: ServerProcess


def create_pair_topics(kafka: KafkaServer, symbol: str) -> None:
    """The topics that the operator would make."""
    kept = {"retention.ms": "-1"}
    for topic in (f"matching.{symbol}", f"events.{symbol}"):
        kafka.create_topic(topic, config=kept)
    # The broker's own stamps tell an engine how far off its clock is.
    kafka.create_topic(f"book.{symbol}", config={**kept, "message.timestamp.type": "LogAppendTime"})
    admin = kafka.admin
    if "dead-letter" not in admin.list_topics(timeout=10).topics:
        kafka.create_topic("dead-letter")


class EnginePair(Started):
    """Two replicas of one pair, as the operator would run them; `start` waits for nothing.

    `with EnginePair(symbol=symbol, kafka=kafka, consul=consul) as pair: pair.wait_ready()`
    """

    def __init__(
        self,
        *,
        symbol: str,
        kafka: KafkaServer,
        consul: ConsulServer,
        flags: Mapping[str, str] | None = None,
        environment: Callable[[Replica], Mapping[str, str]] | None = None,
    ) -> None:
        self.symbol = symbol
        self.service = f"engine-{symbol.lower()}"
        self.registry = PairRegistry(symbol=symbol, consul=consul.url)
        self.kafka = kafka
        self.consul = consul
        self.directory = Path(tempfile.mkdtemp(prefix=f"outcry-{symbol.lower()}-"))
        self.replicas = tuple(self._replica(number) for number in range(2))
        self._flags = dict(flags or {})
        self._environment = environment

    def start(self) -> None:
        """Start the replicas that don't run."""
        for replica in self.replicas:
            self.start_replica(replica)

    def start_replica(self, replica: Replica) -> None:
        """Start one replica on its old data, if it doesn't run."""
        if not replica.process.running:
            flags = [f"--{name}={value}" for name, value in self._arguments(replica).items()]
            environment = self._environment(replica) if self._environment else {}
            replica.process.start([ENGINE, "run", *flags], env=environment)

    def ready(self) -> bool:
        """One hot, the other warm and caught up, both running."""
        return all(self.registry.roles()) and all(replica.process.running for replica in self.replicas)

    def wait_ready(self, *, seconds: float = 60) -> tuple[Replica, Replica]:
        """(hot, warm), waited for; raises `ServerStartError` with what Consul knows."""
        try:
            wait_until(self.ready, seconds=seconds, what=f"{self.service} hot and warm")
        except ServerStartError as error:
            tails = "\n".join(f"--- {replica.name}\n{replica.process.tail()}" for replica in self.replicas)
            error.add_note(f"members {self.registry.members()}\nlock {self.registry.lock()}\n{tails}")
            raise
        roles = self.registry.roles()
        if not all(roles):
            return self.wait_ready(seconds=seconds)
        hot, warm = (self.replica(name) for name in roles)
        return hot, warm

    def replica(self, name: str) -> Replica:
        """By its name."""
        return next(replica for replica in self.replicas if replica.name == name)

    def close(self) -> None:
        """Kill both replicas and remove their data."""
        for replica in self.replicas:
            replica.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _replica(self, number: int) -> Replica:
        name = f"{self.service}-{number}"
        ports = Ports(admin=free_port(), peer=free_port(), metrics=free_port())
        data = self.directory / name
        data.mkdir()
        process = ServerProcess(name=name, log=self.directory / f"{name}.log")
        return Replica(name=name, ports=ports, data=data, process=process)

    def _arguments(self, replica: Replica) -> dict[str, str]:
        peer = next(other for other in self.replicas if other is not replica)
        return {
            "symbol": self.symbol,
            "replica": replica.name,
            "peer": f"127.0.0.1:{peer.ports.peer}",
            "kafka": self.kafka.bootstrap,
            "consul": self.consul.url,
            "data-dir": str(replica.data),
            "advertise": "127.0.0.1",
            "cpu-policy": "shared",
            "spin": "never",
            "admin-port": str(replica.ports.admin),
            "peer-port": str(replica.ports.peer),
            "metrics-port": str(replica.ports.metrics),
        } | self._flags
