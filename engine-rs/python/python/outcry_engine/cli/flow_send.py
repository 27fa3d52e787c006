"""Sends an order flow into Kafka so that every command arrives once in effect and in order.

The producer is idempotent and gapless (`acks=all`). When it fails for good, what was not acknowledged
is sent again by a new one with the same numbers: the core drops the repeats. Acknowledgements come in
order, so "acked" is also the last number that is safely in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import KafkaException, Producer

from outcry_engine.cli.commands import flow_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import KafkaError, Message
    from google.protobuf.message import Message as ProtobufMessage

    from outcry_engine.cli.flow_model import FlowCommand

log = logging.getLogger(__name__)

_POLL_EVERY = 0.002
_QUEUE_RECORDS = 20_000


@dataclass(frozen=True, kw_only=True)
class SendSettings:
    """Where and how fast. rate: commands a second, 0 for as fast as it goes. batch: commands a record."""

    symbol: str
    kafka: str
    rate: float
    batch: int
    source: int
    incarnation: int
    seconds: float | None = None
    most: int | None = None
    first_number: int = 1


@dataclass(kw_only=True)
class Progress:
    """How far the flow has come; numbers count commands."""

    symbol: str
    source: int
    incarnation: int
    sent: int = 0
    acked: int = 0
    last_number: int = 0
    producers: int = 1
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """The numbers, with the rate at which commands were acknowledged."""
        rate = self.acked / self.seconds if self.seconds else 0.0
        return {**asdict(self), "rate": round(rate, 1)}


class TopicMissingError(Exception):
    """The pair's input topic is not there, so there is nothing to send into."""


def require_topic(kafka: str, symbol: str) -> None:
    """Make sure that the pair's input exists; Kafka's own answer would take half a minute."""
    topic = f"matching.{symbol}"
    try:
        found = Producer({"bootstrap.servers": kafka, "log_level": 0}).list_topics(timeout=10).topics
    except KafkaException as error:
        raise TopicMissingError(f"no answer from Kafka at {kafka} ({error}): check --kafka") from error
    if topic not in found:
        raise TopicMissingError(f"{kafka} has no topic {topic}: apply a TradingPair for {symbol} first")


class _Record(NamedTuple):
    commands: int
    last_number: int
    value: bytes


@dataclass
class FlowSender:
    """One run of a flow: `run` sends until its limits or `stop`, then waits for every acknowledgement."""

    settings: SendSettings
    commands: Iterator[FlowCommand | ProtobufMessage]
    on_progress: Callable[[Progress], None] | None = None
    progress: Progress = field(init=False)
    _unacked: deque[_Record] = field(init=False, default_factory=deque)
    _failed: KafkaError | None = field(init=False, default=None)
    _stopping: bool = field(init=False, default=False)
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        """Open the producer; no connection is made before the first record."""
        settings = self.settings
        self.progress = Progress(
            symbol=settings.symbol, source=settings.source, incarnation=settings.incarnation
        )
        self._producer = self._new_producer()

    def stop(self) -> None:
        """End the flow after the record in hand; `run` still waits for acknowledgements."""
        self._stopping = True

    async def run(self) -> Progress:
        """Send, then flush. A broker that is away only delays it."""
        started = time.monotonic()
        await self._send_all(started)
        while self._unacked:
            await self._step(started)
        self._report(started)
        return self.progress

    async def _send_all(self, started: float) -> None:
        settings, number = self.settings, self.settings.first_number
        reported = started
        while not self._stopping:
            now = time.monotonic()
            if settings.seconds is not None and now - started >= settings.seconds:
                return
            room = settings.batch
            if settings.most is not None:
                room = min(room, settings.most - self.progress.sent)
            if room <= 0:
                return
            due = started + self.progress.sent / settings.rate if settings.rate > 0 else now
            if due > now or len(self._unacked) >= _QUEUE_RECORDS:
                await self._step(started, wait=min(due - now, _POLL_EVERY))
                continue
            self._send_next(number, room)
            number += room
            if now - reported >= 0.25:
                reported = now
                self._report(started)
                await asyncio.sleep(0)
            self._producer.poll(0)
            self._recover()

    def _send_next(self, number: int, size: int) -> None:
        settings = self.settings
        value = flow_record(
            settings.symbol,
            islice(self.commands, size),
            source=settings.source,
            incarnation=settings.incarnation,
            first_number=number,
            time_unix_nanos=time.time_ns(),
        )
        record = _Record(size, number + size - 1, value)
        self._unacked.append(record)
        self.progress.sent += size
        self._produce(record)

    async def _step(self, started: float, wait: float = _POLL_EVERY) -> None:
        await asyncio.sleep(max(wait, 0.0005))
        self._producer.poll(0)
        self._recover()
        self._report(started)

    def _report(self, started: float) -> None:
        self.progress.seconds = round(time.monotonic() - started, 3)
        if self.on_progress is not None:
            self.on_progress(self.progress)

    def _new_producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.settings.kafka,
                "client.id": f"outcry-flow-{self.settings.incarnation}",
                "enable.idempotence": True,
                "enable.gapless.guarantee": True,
                "acks": "all",
                # No record may time out alone: one behind it would already have moved the source's cursor.
                "message.timeout.ms": 0,
                "log_level": 3,
                "linger.ms": 2,
                "queue.buffering.max.messages": 2 * _QUEUE_RECORDS,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "retry.backoff.ms": 50,
            },
            logger=log,
        )

    def _produce(self, record: _Record) -> None:
        producer = self._producer

        def delivered(error: KafkaError | None, message: Message) -> None:
            del message
            if producer is not self._producer:
                return
            if error is not None:
                self._failed = self._failed or error
            elif self._failed is None:
                self._unacked.popleft()
                self.progress.acked += record.commands
                self.progress.last_number = record.last_number

        try:
            # One partition by design: the pair's total order.
            producer.produce(
                f"matching.{self.settings.symbol}", record.value, partition=0, on_delivery=delivered
            )
        except KafkaException as error:
            self._failed = self._failed or error.args[0]

    def _recover(self) -> None:
        """Replace a failed producer, and send again what was not acknowledged."""
        if self._failed is None:
            return
        log.warning("producer failed, sending %d records again: %s", len(self._unacked), self._failed)
        self._producer.purge()
        self._failed = None
        self._producer = self._new_producer()
        self.progress.producers += 1
        for record in self._unacked:
            self._produce(record)
