"""What the logic needs of the world, so that it runs without sockets too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.common.errors import ServiceError
    from outcry_services.common.kafka import Record
    from outcry_services.common.redis import Call, Reply

__all__ = ["Horizon", "Publishing", "Scripts", "Sent", "Topics"]


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
