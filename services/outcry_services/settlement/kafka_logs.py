"""The logs in Kafka: a reader for each kind, and what topics there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.kafka import DeadLetters, Reader, TopicMissingError, TopicSizes
from outcry_services.common.order_log import ORDERS, read_answers, read_events, read_instructions

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import RawRecord

__all__ = ["KafkaLogs"]

T = TypeVar("T")

GATHER_MS = 100
"""Nobody waits for the books: they may be so much later, and cost less."""


class KafkaLogs:
    """Readers of `orders`, `order-events` and all `events.{symbol}`."""

    def __init__(self, bootstrap: str, *, client_id: str, dead_letters: DeadLetters) -> None:
        self._bootstrap = bootstrap
        self._sizes = TopicSizes(bootstrap, client_id=client_id)

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
        return await self._sizes.all()

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
