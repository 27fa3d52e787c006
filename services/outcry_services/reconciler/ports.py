"""What the logic needs of the world beside its stores; the simulator has its own of each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from outcry_services.common.kafka import RawRecord
    from outcry_services.reconciler.binlog import BinlogPosition, Chunk

__all__ = ["LogPass", "Passes", "Place", "RowLog"]

Place = tuple[str, int]
"""A topic and a partition."""


class LogPass(Protocol):
    """As `log_pass.LogPass`; every call blocks."""

    def topics(self, prefix: str) -> list[str]:
        """The topics whose names begin so."""

    def places(self, topic: str) -> list[Place]:
        """The partitions of a topic; none when it doesn't exist."""

    def range(self, place: Place) -> tuple[int, int]:
        """The first offset that is kept, and that of the next record."""

    def read(self, ranges: Mapping[Place, tuple[int, int]]) -> Iterator[RawRecord]:
        """The records of these ranges, each in its order."""


Passes = Callable[[], AbstractContextManager[LogPass]]
"""Opens a pass over the logs, in a thread; raises `UnavailableError` when Kafka doesn't answer."""


class RowLog(Protocol):
    """As `binlog.Binlog`."""

    def follow(self, position: BinlogPosition) -> AsyncIterator[Chunk]:
        """Everything behind `position`, then what comes, for ever."""
