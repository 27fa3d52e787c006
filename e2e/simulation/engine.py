"""The engine of a pair, around the real book: `matching.{symbol}` in, `events.{symbol}` out.

Killed, it begins again as the real one may: from an empty book and the first command, publishing whatever is
behind the last event in the log, and now and then some that are there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.command_pb2 import Command, CommandBatch
from outcry.v1.event_pb2 import EventBatch
from outcry_engine import Book
from outcry_services.common.kafka import Record

from e2e.simulation.kafka_publisher import FakePublisher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry_services.common.pairs import Pair

    from e2e.simulation.chance import Chance
    from e2e.simulation.kafka_log import FakeKafka

__all__ = ["Engine", "settings_record"]

OPERATOR = 1024
MOST_RECORDS = 8


class Engine:
    """One replica's life."""

    def __init__(self, kafka: FakeKafka, chance: Chance, *, symbol: str) -> None:
        self._kafka = kafka
        self._chance = chance
        self._symbol = symbol
        self._input, self._output = f"matching.{symbol}", f"events.{symbol}"

    async def run(self) -> None:
        """For ever."""
        book = Book.empty(symbol=self._symbol)
        publisher = FakePublisher(self._kafka, self._chance)
        published = self._last_seq()
        if self._chance.happens(self._chance.odds.repeated * 5):
            published = max(0, published - self._chance.between(1, 5))
        position = 0
        while True:
            log = self._kafka.partition(self._input, 0)
            records = log.since(position, self._chance.between(1, MOST_RECORDS))
            if not records:
                await self._kafka.wait_for_records([(self._input, 0)])
                continue
            position += len(records)
            events = [event for record in records for event in _split(book.apply_record(record.value))]
            fresh = events[max(0, len(events) - (book.seq - published)) :]
            published = max(published, book.seq)
            while fresh:
                size = self._chance.between(1, len(fresh))
                await publisher.publish(self._record(fresh[:size]))
                fresh = fresh[size:]

    def _record(self, events: list[bytes]) -> Record:
        batch = EventBatch(symbol=self._symbol).SerializeToString()
        batch += b"".join(b"\x12" + event for event in events)
        return Record(topic=self._output, partition=0, value=batch)

    def _last_seq(self) -> int:
        seqs = [
            event.seq
            for record in self._kafka.read_all(self._output)
            for event in EventBatch.FromString(record.value).events
        ]
        return max(seqs, default=0)


def _split(raw: bytes) -> Iterator[bytes]:
    """Events, each with its length before it."""
    at = 0
    while at < len(raw):
        begin, size, shift = at, 0, 0
        while True:
            byte = raw[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        at += size
        yield raw[begin:at]


def settings_record(pair: Pair, *, number: int) -> Record:
    """What the operator tells a pair's engine."""
    command = Command(source=OPERATOR, incarnation=1, number=number, pair_settings=pair.settings())
    batch = CommandBatch(version=1, symbol=pair.symbol, count=1, commands=[command])
    return Record(topic=f"matching.{pair.symbol}", partition=0, value=batch.SerializeToString())
