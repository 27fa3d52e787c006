"""What the logic needs of the world, so that it runs without sockets too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.errors import ServiceError
    from outcry_services.common.kafka import Batch, Record
    from outcry_services.common.redis import Argument, Call, Reply
    from outcry_services.common.redis_servers import Master

__all__ = ["Horizon", "Logs", "Publishing", "Reading", "Scripts", "Sent", "Store", "Topics"]

T = TypeVar("T")


class Scripts(Protocol):
    """`common.redis.Redis`, as far as the workers use it."""

    async def run_all(self, calls: Sequence[Call]) -> list[Reply | ServiceError]:
        """Run scripts, in order in each slot; for each its reply or the error that it met."""
        ...


class Publishing(Protocol):
    """`common.kafka.Publisher`, as far as the workers use it."""

    async def publish(self, record: Record) -> int:
        """The offset, once it is acknowledged; calls keep their order."""
        ...

    async def publish_all(self, records: Sequence[Record]) -> list[int]:
        """As `publish` of one after the other: their offsets, once all are acknowledged."""
        ...

    async def settle(self) -> None:
        """Wait until everything given so far is acknowledged."""
        ...


class Topics(Protocol):
    """Which pairs have somebody who matches."""

    async def exists(self, topic: str) -> bool:
        """Whether Kafka has the topic."""
        ...


class Horizon(Protocol):
    """How far the instructions were carried out."""

    async def reach(self, shard: int, number: int) -> None:
        """Wait until this instruction of a shard was carried out, or all that the log holds by now."""
        ...


class Sent(Protocol):
    """Who keeps count of what the engines have not answered yet."""

    def sent(self, symbol: str, source: int, number: int) -> None:
        """A new command is in its pair's log."""
        ...

    def answered(self, symbol: str, source: int, number: int) -> None:
        """An event names this command as its cause."""
        ...


class Store(Scripts, Protocol):
    """`common.redis.Redis` with an admission: after a restart or a promotion it answers `masters` alone."""

    async def masters(self) -> list[Master]:
        """Who takes writes now; from now on these are spoken to."""
        ...

    async def command(self, *words: Argument) -> Reply:
        """Any command."""
        ...


class Reading(Protocol[T]):
    """`common.kafka.Reader`, as far as the flow uses it."""

    async def assign(self, positions: Mapping[tuple[str, int], int | None]) -> None:
        """Read these partitions alone, each from its position; None: from the first record that is kept."""
        ...

    def batches(self) -> AsyncIterator[Batch[T]]:
        """Batches as they come, for ever."""
        ...

    async def end(self, topic: str, partition: int) -> int:
        """The offset that the next record will have."""
        ...

    async def pause(self, topic: str, partition: int) -> None:
        """Read no more of a partition."""
        ...

    async def resume(self, topic: str, partition: int) -> None:
        """Go on where it was paused."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class Logs(Protocol):
    """A new reader of each kind of log."""

    def instructions(self) -> Reading[InstructionBatch]:
        """Of `orders`."""
        ...

    def answers(self) -> Reading[OrderEventBatch]:
        """Of `order-events`."""
        ...

    def events(self) -> Reading[EventBatch]:
        """Of `events.{symbol}`."""
        ...


class Pairs(Protocol):
    """Which pairs there are."""

    def symbols(self) -> frozenset[str]:
        """Those whose events can be read now."""
        ...

    async def changed(self, known: frozenset[str]) -> frozenset[str]:
        """Wait until they are others than these."""
        ...
