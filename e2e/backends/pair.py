"""A pair without a cluster: two real engine processes beside real Kafka and Consul."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

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
    for topic in (f"matching.{symbol}", f"events.{symbol}", f"book.{symbol}"):
        kafka.create_topic(topic, config={"retention.ms": "-1"})
    admin = kafka.admin
    if "dead-letter" not in admin.list_topics(timeout=10).topics:
        kafka.create_topic("dead-letter")


class EnginePair:
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
        wrap: Sequence[str] = (),
    ) -> None:
        self.symbol = symbol
        self.service = f"engine-{symbol.lower()}"
        self.kafka = kafka
        self.consul = consul
        self.directory = Path(tempfile.mkdtemp(prefix=f"outcry-{symbol.lower()}-"))
        self.replicas = tuple(self._replica(number) for number in range(2))
        self._flags = dict(flags or {})
        self._wrap = tuple(wrap)

    def start(self) -> None:
        """Start the replicas that don't run."""
        for replica in self.replicas:
            self.start_replica(replica)

    def start_replica(self, replica: Replica) -> None:
        """Start one replica on its old data, if it doesn't run."""
        if not replica.process.running:
            flags = [f"--{name}={value}" for name, value in self._arguments(replica).items()]
            replica.process.start([*self._wrap, ENGINE, "run", *flags])

    def lock(self) -> dict[str, Any]:
        """The lock's value, `{}` when nobody ever held it; `session` is set while it is held."""
        try:
            entry = self.consul.get(f"kv/outcry/engines/{self.symbol}/lock")[0]
        except OSError:
            return {}
        value = json.loads(b64decode(entry["Value"] or "") or "{}")
        return {**value, "session": entry.get("Session")}

    def members(self) -> dict[str, dict[str, str]]:
        """Consul's meta of every registered replica, by its name."""
        try:
            entries = self.consul.get(f"health/service/{self.service}")
        except OSError:
            return {}
        return {entry["Service"]["ID"]: entry["Service"]["Meta"] for entry in entries}

    def hot(self) -> Replica | None:
        """The replica that says it is hot and holds the lock."""
        lock = self.lock()
        members = self.members()
        for replica in self.replicas:
            is_hot = members.get(replica.name, {}).get("role") == "hot"
            if is_hot and lock.get("session") and lock.get("replica") == replica.name:
                return replica
        return None

    def warm(self) -> Replica | None:
        """The replica that is warm and caught up."""
        members = self.members()
        for replica in self.replicas:
            meta = members.get(replica.name, {})
            if meta.get("role") == "warm" and meta.get("caught_up") == "true" and replica.process.running:
                return replica
        return None

    def ready(self) -> bool:
        """One hot, the other warm and caught up."""
        hot, warm = self.hot(), self.warm()
        return hot is not None and warm is not None and hot is not warm

    def wait_ready(self, *, seconds: float = 60) -> tuple[Replica, Replica]:
        """(hot, warm), waited for; raises `ServerStartError` with what Consul knows."""
        try:
            wait_until(self.ready, seconds=seconds, what=f"{self.service} hot and warm")
        except Exception as error:
            tails = "\n".join(f"--- {replica.name}\n{replica.process.tail()}" for replica in self.replicas)
            error.add_note(f"members {self.members()}\nlock {self.lock()}\n{tails}")
            raise
        hot, warm = self.hot(), self.warm()
        if hot is None or warm is None:
            return self.wait_ready(seconds=seconds)
        return hot, warm

    def close(self) -> None:
        """Kill both replicas and remove their data."""
        for replica in self.replicas:
            replica.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
