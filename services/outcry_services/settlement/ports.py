"""What the follower needs of the world: the service gives it Kafka and a clock, the simulator its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import Batch

__all__ = ["LogReader", "Logs", "Pause"]

T = TypeVar("T")


class LogReader(Protocol[T]):
    """As `common.kafka.Reader`."""

    async def assign(self, positions: Mapping[tuple[str, int], int | None]) -> None:
        """Read these partitions alone, from here."""

    def batches(self) -> AsyncIterator[Batch[T]]:
        """Batches as they come, for ever."""

    async def end(self, topic: str, partition: int) -> int:
        """The offset that the next record of a partition will have, asked now."""

    def problem(self, *, most_seconds: float = 5.0) -> str | None:
        """What is wrong with the log."""


class Logs(Protocol):
    """The three kinds of log, each with a reader of its own."""

    @property
    def instructions(self) -> LogReader[InstructionBatch]:
        """Of `orders`."""

    @property
    def answers(self) -> LogReader[OrderEventBatch]:
        """Of `order-events`."""

    @property
    def events(self) -> LogReader[EventBatch]:
        """Of every `events.{symbol}`."""


class Pause(Protocol):
    """As `asyncio.sleep`."""

    async def __call__(self, seconds: float, /) -> None:
        """Wait so long."""
