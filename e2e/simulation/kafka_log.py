"""A fake of a Kafka cluster: logs that keep what they acknowledged, and know nothing of their clients."""

from __future__ import annotations

import asyncio
import bisect
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.kafka import RawRecord, TopicMissingError

from e2e.simulation.processes import current_process
from e2e.simulation.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from outcry_services.common.kafka import Record

__all__ = ["FakeKafka", "Partition"]


@dataclass(slots=True)
class Partition:
    """One log; `start` is the offset of the first record that is still kept."""

    records: list[RawRecord] = field(default_factory=list)
    start: int = 0

    @property
    def end(self) -> int:
        """The offset that the next record will have."""
        return self.start + len(self.records)

    def since(self, offset: int, most: int) -> list[RawRecord]:
        """The next few records."""
        at = bisect.bisect_left(self.records, offset, key=lambda record: record.offset)
        return self.records[at : at + most]


class FakeKafka:
    """Topics and their partitions. `most_bytes` of a topic: larger records are refused."""

    bootstrap = "kafka.invalid:9092"

    def __init__(self) -> None:
        self.seen: Callable[[str], None] | None = None
        """Told of every record that is written."""
        self._topics: dict[str, list[Partition]] = {}
        self._cut_off: dict[str, float] = {}
        self._most_bytes: dict[str, int] = {}
        # Dictionaries for their order: a set of futures has none that a seed would decide.
        self._waiting: dict[tuple[str, int], dict[asyncio.Future[None], None]] = defaultdict(dict)

    def cut_off(self, name: str, *, seconds: float) -> None:
        """Processes of this name reach nothing that could be read for a while."""
        self._cut_off[name] = asyncio.get_running_loop().time() + seconds

    def seconds_cut_off(self) -> float:
        """How long whoever asks will still reach nothing; 0: they do."""
        end = self._cut_off.get(current_process().name)
        return max(0.0, end - asyncio.get_running_loop().time()) if end is not None else 0.0

    def create_topic(self, name: str, *, partitions: int = 1, most_bytes: int = 1 << 20) -> None:
        """A topic that is empty; one that is there already stays as it is."""
        self._topics.setdefault(name, [Partition() for _ in range(partitions)])
        self._most_bytes.setdefault(name, most_bytes)

    def topics(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        return {name: len(partitions) for name, partitions in self._topics.items()}

    def partitions(self) -> Iterator[tuple[tuple[str, int], Partition]]:
        """All of them."""
        for name, partitions in self._topics.items():
            for number, partition in enumerate(partitions):
                yield (name, number), partition

    def partition(self, topic: str, number: int) -> Partition:
        """Raises `TopicMissingError` for one that isn't there."""
        partitions = self._topics.get(topic, [])
        if not 0 <= number < len(partitions):
            raise TopicMissingError(f"{topic}/{number} is not in Kafka at {self.bootstrap}")
        return partitions[number]

    def takes(self, record: Record) -> bool:
        """Whether a record is small enough for its topic."""
        return record.size <= self._most_bytes[record.topic]

    def append(self, records: Sequence[Record]) -> list[int]:
        """Their offsets, in order."""
        offsets = []
        now_ms = _now_ms()
        for record in records:
            partition = self.partition(record.topic, record.partition)
            offsets.append(partition.end)
            partition.records.append(
                RawRecord(
                    topic=record.topic,
                    partition=record.partition,
                    offset=partition.end,
                    timestamp_ms=now_ms,
                    key=record.key,
                    value=record.value,
                    headers=dict(record.headers),
                )
            )
            if self.seen is not None:
                self.seen(f"{record.topic}/{record.partition} @{offsets[-1]}: {shown(record)}")
        for place in dict.fromkeys((record.topic, record.partition) for record in records):
            self.wake(place)
        return offsets

    def wake(self, place: tuple[str, int]) -> None:
        """Whoever waits for records of a partition looks again."""
        for waiting in self._waiting.pop(place, ()):
            if not waiting.done():
                waiting.set_result(None)

    def delete_before(self, topic: str, number: int, offset: int) -> None:
        """Forget the records before `offset`, as retention does."""
        partition = self.partition(topic, number)
        partition.records = partition.since(offset, len(partition.records))
        partition.start = max(partition.start, offset)

    def read_all(self, topic: str, number: int = 0) -> list[RawRecord]:
        """Everything that a partition holds."""
        return list(self.partition(topic, number).records)

    async def wait_for_records(self, places: Iterable[tuple[str, int]]) -> None:
        """Until something is appended to one of these partitions."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watched = list(places)
        for place in watched:
            self._waiting[place][future] = None
        try:
            await future
        finally:
            for place in watched:
                self._waiting[place].pop(future, None)


def _now_ms() -> int:
    try:
        return int(asyncio.get_running_loop().time() * 1000)
    except RuntimeError:
        return 0
