"""The logs in Kafka: a reader for each kind, and what topics there are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import DeadLetters, Reader, TopicMissingError
from outcry_services.common.order_log import ORDERS, read_answers, read_events, read_instructions

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import RawRecord

__all__ = ["KafkaLogs"]

T = TypeVar("T")

GATHER_MS = 50
"""Nobody waits for the books: they may be so much later, and cost less."""


class KafkaLogs:
    """Readers of `orders`, `order-events` and all `events.{symbol}`."""

    def __init__(self, bootstrap: str, *, client_id: str, dead_letters: DeadLetters) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": client_id, "log_level": 3})

        def reader(decode: Callable[[RawRecord], T | None]) -> Reader[T]:
            return Reader(
                bootstrap=bootstrap,
                client_id=client_id,
                decode=decode,
                dead_letters=dead_letters,
                gather_ms=GATHER_MS,
            )

        self.instructions: Reader[InstructionBatch] = reader(read_instructions)
        self.answers: Reader[OrderEventBatch] = reader(read_answers)
        self.events: Reader[EventBatch] = reader(read_events)

    async def topics(self) -> dict[str, int]:
        """The number of partitions of every topic; raises `UnavailableError` when Kafka doesn't answer."""
        try:
            found = await asyncio.to_thread(self._admin.list_topics, timeout=10)
        except KafkaException as error:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
            ) from error
        return {name: len(topic.partitions) for name, topic in found.topics.items()}

    async def partitions(self) -> int:
        """Of `orders`, and so of `order-events`; raises `TopicMissingError`."""
        topics = await self.topics()
        if ORDERS not in topics:
            raise TopicMissingError(f"{ORDERS} is not in Kafka at {self._bootstrap}; is the chart installed?")
        return topics[ORDERS]

    async def close(self) -> None:
        """Leave Kafka."""
        for reader in (self.instructions, self.answers, self.events):
            await reader.close()
