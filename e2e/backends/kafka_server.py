"""One real Kafka broker (KRaft, broker and controller in one process)."""

from __future__ import annotations

import functools
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.cimpl import NewTopic

from e2e.backends.errors import ServerStartError
from e2e.backends.jars import kafka_libs
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess, wait_until
from e2e.backends.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KafkaServer"]

LOG_SETTINGS = Path(__file__).parent / "kafka" / "log4j2.properties"
FORMAT = "kafka.tools.StorageTool"
BROKER = "kafka.Kafka"


class KafkaServer(Server):
    """A broker on free ports in a directory of its own; topics are made only when asked for.

    A context manager: `with KafkaServer() as kafka: ...`. `kill` and `start` again keep the data.
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        heap: str = "512m",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name="kafka", directory=directory)
        self.port = free_port()
        self._controller_port = free_port()
        self._heap = heap
        self._settings = dict(settings or {})

    @property
    def bootstrap(self) -> str:
        """What clients take as `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def admin(self) -> AdminClient:
        """A new admin client."""
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def start(self) -> None:
        """Start (again) and wait until the broker answers."""
        if not (self.directory / "data" / "meta.properties").exists():
            self._format()
        self.process.start(self._java(BROKER, str(self.directory / "server.properties")))
        admin = self.admin
        self.process.wait_ready(lambda: _answers(admin), seconds=60)

    def create_topic(
        self, name: str, *, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        """Make a topic and wait until it serves; raises `KafkaException` when it can't be made."""
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
        admin = self.admin
        admin.create_topics([topic])[name].result(30)
        # The controller answers before the broker leads the new partitions.
        for number in range(partitions):
            partition = TopicPartition(name, number)
            wait_until(functools.partial(_serves, admin, partition), seconds=60, what=f"{partition} served")

    def delete_topic(self, name: str) -> None:
        """Delete a topic and wait until the broker shows it no more."""
        admin = self.admin
        admin.delete_topics([name])[name].result(30)
        wait_until(
            lambda: name not in admin.list_topics(timeout=10).topics, seconds=60, what=f"topic {name} gone"
        )

    def _format(self) -> None:
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        properties = self.directory / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatter = ServerProcess(name="kafka format", log=self.directory / "format.log")
        # As one word: an id may begin with a dash.
        arguments = ["format", f"--cluster-id={cluster}", "--config", str(properties), "--standalone"]
        formatter.start(self._java(FORMAT, *arguments))
        code = formatter.wait(seconds=60)
        if code != 0:
            raise ServerStartError(f"{formatter.name} ended with {code}:\n{formatter.tail()}")

    def _properties(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.directory / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "min.insync.replicas": "1",
            # A killed broker may register again only after its old session ran out; a starved one whose
            # session ran out leads nothing until it is heard again.
            "broker.heartbeat.interval.ms": "300",
            "broker.session.timeout.ms": "3000",
            "log.cleaner.dedupe.buffer.size": "4194304",
        } | self._settings

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [
            "java",
            f"-Xmx{self._heap}",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
            "-cp",
            f"{kafka_libs()}/*",
            main,
            *arguments,
        ]


_NOT_YET = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError._NOENT,  # noqa: SLF001 - no leader found
        KafkaError._TIMED_OUT,  # noqa: SLF001
    }
)
"""A new partition's leader is not there yet, or not yet known to everybody."""


def _answers(admin: AdminClient) -> bool:
    try:
        return len(admin.list_topics(timeout=1).brokers) > 0
    except KafkaException:
        return False


def _serves(admin: AdminClient, partition: TopicPartition) -> bool:
    asked = admin.list_offsets({partition: OffsetSpec.latest()}, request_timeout=5)
    try:
        asked[partition].result(10)
    except KafkaException as error:
        # retriable() is set for errors of transactions alone.
        if error.args[0].code() in _NOT_YET:
            return False
        raise
    return True
