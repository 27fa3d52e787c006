"""A pair's market as it passes through Kafka: depth, trades, seq, lag."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from outcry.v1.book_pb2 import OrderBookSnapshot
from outcry.v1.event_pb2 import AuctionPrice, Event, EventBatch
from outcry.v1.types_pb2 import TradingStatus

from outcry_services.cli.errors import CliError

if TYPE_CHECKING:
    from confluent_kafka import Message

__all__ = ["Market", "MarketReader"]

WINDOW_SECONDS = 5.0


@dataclass
class Market:
    """The latest of everything; `take_event_batch` and `take_snapshot` keep it so."""

    snapshot: OrderBookSnapshot | None = None
    seq: int = 0
    epoch: int = 0
    replica: str = ""
    last_price: int = 0
    last_quantity: int = 0
    # The word in force, once an event has told of it.
    trading_status: str = ""
    # What would trade if the call auction ended now.
    auction: AuctionPrice | None = None
    # Seconds from the newest command's own time to its events' publication.
    delay: float | None = None
    _trades: deque[tuple[float, int]] = field(default_factory=deque)
    _events: deque[tuple[float, int]] = field(default_factory=deque)

    def take_snapshot(self, snapshot: OrderBookSnapshot) -> None:
        """Use a newer snapshot; an older one, repeated after a takeover, is dropped."""
        if self.snapshot is not None and snapshot.seq < self.snapshot.seq:
            return
        self.snapshot = snapshot
        if self.last_price == 0:
            self.last_price, self.last_quantity = snapshot.last_price, snapshot.last_quantity

    def take_event_batch(self, batch: EventBatch, headers: dict[str, str], now: float) -> None:
        """Count the events that are new."""
        fresh = [event for event in batch.events if event.seq > self.seq]
        if not fresh:
            return
        trades = [event.trade_executed for event in fresh if event.HasField("trade_executed")]
        if trades:
            self.last_price, self.last_quantity = trades[-1].price, trades[-1].quantity
        for event in fresh:
            self._take_phase(event)
        self.seq = fresh[-1].seq
        self.epoch = int(headers.get("epoch", 0))
        self.replica = headers.get("replica", "")
        published = int(headers.get("published-unix-nanos", 0))
        if published and fresh[-1].time_unix_nanos:
            self.delay = (published - fresh[-1].time_unix_nanos) / 1e9
        self._trades.append((now, len(trades)))
        self._events.append((now, len(fresh)))

    def _take_phase(self, event: Event) -> None:
        """The market's status, and how its call auction stands."""
        if event.HasField("settings_changed"):
            word = TradingStatus.Name(event.settings_changed.trading_status)
            self.trading_status = word.removeprefix("TRADING_STATUS_")
        elif event.HasField("auction_indicative"):
            self.auction = event.auction_indicative
        elif event.HasField("auction_uncrossed"):
            self.auction = None

    def trades_per_second(self, now: float) -> float:
        """Over the last seconds."""
        return _rate(self._trades, now)

    def events_per_second(self, now: float) -> float:
        """Over the last seconds."""
        return _rate(self._events, now)


class MarketReader:
    """Follows `book.{symbol}` and `events.{symbol}` from their ends."""

    def __init__(self, *, symbol: str, kafka: str) -> None:
        self.market = Market()
        self._symbol = symbol
        self._book, self._events = f"book.{symbol}", f"events.{symbol}"
        settings: dict[str, str | int | bool] = {
            "bootstrap.servers": kafka,
            "group.id": "outcry-watch",
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "reconnect.backoff.max.ms": 1000,
            "fetch.wait.max.ms": 100,
            "log_level": 0,
        }
        self._consumer = Consumer(settings)
        try:
            topics = self._consumer.list_topics(timeout=10).topics
            missing = [topic for topic in (self._book, self._events) if topic not in topics]
            if missing:
                raise CliError(f"{kafka} has no topic {missing[0]}; apply a TradingPair for {symbol} first")
            self._consumer.assign([self._near_end(self._book, 50), self._near_end(self._events, 1)])
        except KafkaException as error:
            raise CliError(f"no answer from Kafka at {kafka}; say where it is with --kafka") from error

    def read(self, seconds: float) -> None:
        """Take in what arrives within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for message in self._consumer.consume(500, timeout=min(left, 0.1)):
                self._take(message)

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _near_end(self, topic: str, records: int) -> TopicPartition:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        return TopicPartition(topic, 0, max(low, high - records))

    def _take(self, message: Message) -> None:
        value = message.value()
        # A broker that is away is an error here and comes back by itself; a probe has no value.
        if message.error() is not None or value is None:
            return
        if message.topic() == self._book:
            self.market.take_snapshot(OrderBookSnapshot.FromString(value))
            return
        given = cast("list[tuple[str, bytes | None]]", message.headers() or [])
        headers = {name: (text or b"").decode() for name, text in given}
        self.market.take_event_batch(EventBatch.FromString(value), headers, time.monotonic())


def _rate(counts: deque[tuple[float, int]], now: float) -> float:
    while counts and counts[0][0] < now - WINDOW_SECONDS:
        counts.popleft()
    if not counts:
        return 0.0
    return sum(count for _, count in counts) / max(now - counts[0][0], 1.0)
