"""Kafka's admin and producer calls, awaited.

librdkafka's admin calls answer with futures of threads, which asyncio can await as they are. A topic's
identity is its topic id: a topic deleted and made again has the same name and another id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from outcry_operator.clients.kafka_reader import read_records
from outcry_operator.clients.surplus import take_topic_id
from outcry_operator.errors import KafkaUnavailableError, OperatorError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

log = logging.getLogger(__name__)

T = TypeVar("T")

READ_BYTES = 8 << 20
"""How much of a topic one call reads: about a second of a busy market."""

_AWAY = {
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - librdkafka's local errors are named so
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
    KafkaError._PURGE_QUEUE,  # noqa: SLF001
    KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
    KafkaError._WAIT_COORD,  # noqa: SLF001
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.NOT_CONTROLLER,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
}


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic as it is."""

    name: str
    id: str
    partitions: int


class Kafka:
    """One Kafka cluster."""

    def __init__(self, bootstrap: str, *, timeout: float = 8.0) -> None:
        self._bootstrap = bootstrap
        self._timeout = timeout
        self._admin: AdminClient | None = None
        self._retired: AdminClient | None = None
        self._opened_at = 0.0
        self._producer: Producer | None = None

    async def close(self) -> None:
        """Close all connections."""
        self._admin = self._retired = self._producer = None

    async def topics(self, names: Iterable[str]) -> dict[str, Topic | None]:
        """Each topic as it is; None for one that isn't there. Never makes one."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        futures = self._open().describe_topics(TopicCollection(wanted), request_timeout=self._timeout)
        return {name: await self._topic(name, future) for name, future in futures.items()}

    async def create(self, name: str, *, partitions: int, replication: int, config: dict[str, str]) -> None:
        """Make a topic; one that another call made in the meantime is fine."""
        new = NewTopic(name, num_partitions=partitions, replication_factor=replication, config=config)
        future = self._open().create_topics([new], operation_timeout=5, request_timeout=self._timeout)[name]
        try:
            await self._answer(asyncio.wrap_future(future), what=f"creating topic {name}")
        except _CodeError as error:
            if error.code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise RefusedError(
                    f"Kafka refuses to make topic {name}: {error}", reason="TopicRefused"
                ) from error

    async def delete(self, names: Iterable[str]) -> None:
        """Delete topics; those that are gone already are fine."""
        futures = self._open().delete_topics(list(names), operation_timeout=5, request_timeout=self._timeout)
        for name, future in futures.items():
            try:
                await self._answer(asyncio.wrap_future(future), what=f"deleting topic {name}")
            except _CodeError as error:
                if error.code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise RefusedError(
                        f"Kafka refuses to delete topic {name}: {error}", reason="TopicRefused"
                    ) from error

    async def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The configuration of each topic, defaults included."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        futures = self._open().describe_configs(resources, request_timeout=self._timeout)
        answers: dict[str, dict[str, str]] = {}
        for resource, future in futures.items():
            entries = await self._answer(asyncio.wrap_future(future), what=f"reading topic {resource.name}")
            answers[resource.name] = {key: str(entry.value) for key, entry in entries.items()}
        return answers

    async def configure(self, name: str, changes: dict[str, str]) -> None:
        """Change some of a topic's configuration, and leave the rest."""
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in changes.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        futures = self._open().incremental_alter_configs([resource], request_timeout=self._timeout)
        for future in futures.values():
            try:
                await self._answer(asyncio.wrap_future(future), what=f"configuring topic {name}")
            except _CodeError as error:
                raise RefusedError(
                    f"Kafka refuses {changes} for topic {name}: {error}. Mend spec.kafka.config",
                    reason="TopicConfigRefused",
                ) from error

    async def offset(self, topic: str, spec: OffsetSpec) -> int:
        """An offset of partition 0: earliest, latest, or the first at or after a time (-1: none is)."""
        partition = TopicPartition(topic, 0)
        future = self._open().list_offsets({partition: spec}, request_timeout=self._timeout)[partition]
        answer = await self._answer(asyncio.wrap_future(future), what=f"reading offsets of {topic}")
        return int(answer.offset)

    async def delete_records(self, topic: str, *, before: int) -> None:
        """Delete the records of partition 0 in front of an offset."""
        futures = self._open().delete_records(
            [TopicPartition(topic, 0, before)], request_timeout=self._timeout
        )
        for future in futures.values():
            await self._answer(asyncio.wrap_future(future), what=f"deleting records of {topic}")

    async def produce(self, topic: str, *, key: bytes, value: bytes) -> int:
        """Append one record to partition 0 and wait until all in-sync replicas have it; its offset."""
        delivered: Future[int] = Future()

        def done(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                delivered.set_exception(KafkaException(error))
            else:
                delivered.set_result(message.offset() or 0)

        producer = await asyncio.to_thread(self._open_producer)
        try:
            producer.produce(topic, partition=0, key=key, value=value, on_delivery=done)
        except KafkaException as error:
            # A topic that the producer has heard is not there is refused before anything is sent.
            delivered.set_exception(error)
        await asyncio.to_thread(producer.flush, self._timeout + 5)
        try:
            return await self._answer(asyncio.wrap_future(delivered), what=f"writing to {topic}")
        except KafkaUnavailableError:
            # After an indefinite error the producer is not used again.
            self._producer = None
            raise

    async def read(self, topic: str, *, start: int) -> tuple[list[bytes], int]:
        """Values of partition 0 from an offset on, bounded by size and time; the offset to go on from."""
        work = asyncio.to_thread(
            read_records,
            self._bootstrap,
            topic,
            start=start,
            most_bytes=READ_BYTES,
            seconds=self._timeout,
        )
        return await self._answer(work, what=f"reading {topic}")

    async def _topic(self, name: str, future: Future[Any]) -> Topic | None:
        try:
            found = await self._answer(asyncio.wrap_future(future), what=f"describing topic {name}")
        except _CodeError as error:
            if error.code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise
        return Topic(name=name, id=take_topic_id(found), partitions=len(found.partitions))

    async def _answer(self, awaitable: Awaitable[T], *, what: str) -> T:
        try:
            return await asyncio.wait_for(awaitable, self._timeout + 5)
        except TimeoutError as error:
            raise self._away(what, "timed out") from error
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() in _AWAY or cause.retriable():
                raise self._away(what, cause.str()) from error
            raise _CodeError(cause.str(), code=cause.code()) from error

    def _away(self, what: str, why: str) -> KafkaUnavailableError:
        self._begin_anew()
        return KafkaUnavailableError(
            f"Kafka at {self._bootstrap} doesn't answer ({what}: {why}); see the runbook "
            "docs/operations/kafka-unavailable.md"
        )

    def _begin_anew(self) -> None:
        """Use another admin client from now on.

        librdkafka's can go on waiting for a controller that is long back: once it was told that there is
        none, by a broker that was fenced for a while, it never asks again. The one before is kept until it
        has answered those who still wait for it.
        """
        if time.monotonic() - self._opened_at > self._timeout:
            self._retired, self._admin = self._admin, None

    def _open(self) -> AdminClient:
        if self._admin is None:
            self._opened_at = time.monotonic()
            self._admin = AdminClient(
                {
                    "bootstrap.servers": self._bootstrap,
                    "client.id": "outcry-operator",
                    "socket.timeout.ms": int(self._timeout * 1000),
                    "reconnect.backoff.max.ms": 1000,
                    "log_level": 3,
                },
                logger=log,
            )
        return self._admin

    def _open_producer(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "client.id": "outcry-operator",
                    "acks": "all",
                    "enable.idempotence": True,
                    "enable.gapless.guarantee": True,
                    "allow.auto.create.topics": False,
                    "message.timeout.ms": int(self._timeout * 1000),
                    "reconnect.backoff.max.ms": 1000,
                    "log_level": 3,
                },
                logger=log,
            )
        return self._producer


class _CodeError(OperatorError):
    """An answer of Kafka that its caller may know what to do with."""

    reason = "KafkaRefused"

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code
