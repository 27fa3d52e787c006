"""What the logic needs of the world; the simulator has its own of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from google.protobuf.message import Message

    from outcry_services.common.kafka import Batch, Record
    from outcry_services.common.pairs import Pair
    from outcry_services.risk.freshness import Place

__all__ = ["Clock", "LogReader", "Logs", "Pairs", "Range", "Writer"]


Clock = Callable[[], float]
"""Seconds that never go back."""


class Range(Protocol):
    """As `common.kafka.LogRange`."""

    @property
    def start(self) -> int:
        """The offset of the first record that is kept."""

    @property
    def end(self) -> int:
        """The offset of the next record to be written."""


class Logs(Protocol):
    """As `common.kafka.LogEnds`."""

    async def of(self, topics: Iterable[str]) -> Mapping[Place, Range]:
        """Every partition of the topics that exist."""


class LogReader(Protocol):
    """As `common.kafka.Reader`, decoding with `records.decode`."""

    async def assign(self, positions: Mapping[Place, int | None]) -> None:
        """Read these, each from its position; None: from the first record that is kept."""

    def batches(self) -> AsyncIterator[Batch[Message]]:
        """Batches for ever."""


class Writer(Protocol):
    """As `common.kafka.Publisher`."""

    async def publish(self, record: Record) -> int:
        """The record's offset, once it is acknowledged."""


class Pairs(Protocol):
    """As `common.pairs.PairCatalog`."""

    @property
    def version(self) -> int:
        """Changes with every change."""

    def pairs(self) -> Mapping[str, Pair]:
        """All pairs by symbol."""

    def get(self, symbol: str, *, field: str = "symbol") -> Pair:
        """One pair; raises for those that aren't."""

    async def changed(self, since: int) -> int:
        """Wait for another version."""
