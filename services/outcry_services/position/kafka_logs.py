"""Kafka, as the flow sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.kafka import DeadLetters, Reader, TopicMissingError, TopicSizes
from outcry_services.common.order_log import (
    ORDER_EVENTS,
    ORDERS,
    events_topic,
    read_answers,
    read_events,
    read_instructions,
)
from outcry_services.position.topics import JOURNAL, matching_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import RawRecord
    from outcry_services.common.pairs import PairCatalog

__all__ = ["CatalogPairs", "KafkaLogs", "KafkaTopics"]

T = TypeVar("T")

LOOK_SECONDS = 1.0

GATHER_ORDERS_MS = 20
"""Every order's way to its pair is so much longer at most."""
GATHER_EVENTS_MS = 20
"""What a trade brings can be spent so much later."""


class KafkaLogs:
    """A new reader each time: one that failed is not used again."""

    def __init__(self, *, bootstrap: str, replica: str, dead_letters: DeadLetters) -> None:
        self._bootstrap = bootstrap
        self._replica = replica
        self._dead_letters = dead_letters
        self._last: list[Reader[InstructionBatch] | Reader[EventBatch]] = []

    def instructions(self) -> Reader[InstructionBatch]:
        """Of `orders`."""
        reader = self._reader("orders", read_instructions, gather_ms=GATHER_ORDERS_MS)
        self._last = [reader]
        return reader

    def answers(self) -> Reader[OrderEventBatch]:
        """Of `order-events`."""
        return self._reader("answers", read_answers)

    def events(self) -> Reader[EventBatch]:
        """Of `events.{symbol}`."""
        reader = self._reader("events", read_events, gather_ms=GATHER_EVENTS_MS)
        self._last.append(reader)
        return reader

    def problem(self) -> str | None:
        """What is wrong with the readers in use, for a health check."""
        return next((found for reader in self._last if (found := reader.problem())), None)

    def _reader(self, what: str, decode: Callable[[RawRecord], T | None], *, gather_ms: int = 0) -> Reader[T]:
        return Reader(
            bootstrap=self._bootstrap,
            client_id=f"position-{what}-{self._replica}",
            decode=decode,
            dead_letters=self._dead_letters,
            gather_ms=gather_ms,
        )


class KafkaTopics:
    """Which topics there are. That one is there is remembered; that one is not is asked again."""

    def __init__(self, *, bootstrap: str) -> None:
        self._sizes = TopicSizes(bootstrap)
        self._known: dict[str, int] = {}

    async def exists(self, topic: str) -> bool:
        """Whether Kafka has it; raises `UnavailableError`."""
        if topic not in self._known:
            await self._look()
        return topic in self._known

    async def partitions(self) -> int:
        """Of `orders`, `order-events` and `journal`, which must have equally many.

        Raises `TopicMissingError` and `UnavailableError`.
        """
        await self._look()
        found = {topic: self._known.get(topic, 0) for topic in (ORDERS, ORDER_EVENTS, JOURNAL)}
        if 0 in found.values() or len(set(found.values())) != 1:
            raise TopicMissingError(f"these need to be there with equally many partitions: {found}")
        return found[ORDERS]

    async def _look(self) -> None:
        self._known = await self._sizes.all()


class CatalogPairs:
    """The pairs of the catalog whose topics are there already."""

    def __init__(self, catalog: PairCatalog, topics: KafkaTopics) -> None:
        self._catalog = catalog
        self._topics = topics
        self._symbols: frozenset[str] = frozenset()

    def symbols(self) -> frozenset[str]:
        """Those found last."""
        return self._symbols

    async def look(self) -> None:
        """Find them; raises `UnavailableError`."""
        found = set()
        for symbol in self._catalog.pairs():
            if await self._topics.exists(matching_topic(symbol)) and await self._topics.exists(
                events_topic(symbol)
            ):
                found.add(symbol)
        self._symbols = frozenset(found)

    async def changed(self, known: frozenset[str]) -> frozenset[str]:
        """Wait until they are others than these."""
        while self._symbols == known:
            version = self._catalog.version
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._catalog.changed(version)
            except TimeoutError:
                # The topics of a pair that is known may have come meanwhile: Kafka tells nobody.
                if len(self._symbols) == len(self._catalog.pairs()):
                    continue
            await self.look()
        return self._symbols
