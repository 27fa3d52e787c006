"""Records of a topic, read from Kafka or from the file that a recorder wrote while they passed."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from pathlib import Path

    from confluent_kafka.cimpl import Message

__all__ = ["Record", "Recorder", "Seen", "read_topic"]


class Record(NamedTuple):
    """One record; `headers` as text, `time_ms` as the broker or its producer stamped it."""

    offset: int
    time_ms: int
    headers: dict[str, str]
    value: bytes | None


Seen = Callable[[list[Record], float], None]


def read_topic(bootstrap: str, topic: str) -> Iterator[Record]:
    """All records from the first to what is now the last.

    Raises `ValueError` when the beginning is gone: a log without its beginning can't be judged.
    """
    consumer = _consumer(bootstrap)
    partition = TopicPartition(topic, 0)
    try:
        low, high = consumer.get_watermark_offsets(partition, timeout=30)
        if low > 0:
            raise ValueError(f"{topic} begins at {low}, not 0: record it while it is written, with Recorder")
        consumer.assign([TopicPartition(topic, 0, 0)])
        position = 0
        while position < high:
            for message in _messages(consumer, seconds=5):
                record = _record(message)
                position = record.offset + 1
                if record.offset < high:
                    yield record
    finally:
        consumer.close()


class Recorder:
    """Copies a topic into a file from its beginning, in a thread, while it is being written.

    The engine deletes input behind its checkpoints; what is judged hours later must be kept.
    `seen` is called with the records that arrived together and the monotonic time of their arrival.
    A broker that is away, or refuses for a while, delays the copy and nothing else.
    """

    def __init__(self, *, bootstrap: str, topic: str, path: Path, seen: Seen | None = None) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._path = path
        self._seen = seen
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"record {topic}", daemon=True)
        self.position = 0
        self._judged = self._next = 0

    def start(self) -> None:
        """Begin to copy."""
        self._thread.start()

    def catch_up(self, *, seconds: float = 60) -> None:
        """Wait until what is in the topic by now is copied; raises `TimeoutError`."""
        consumer = _consumer(self._bootstrap)
        _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=30)
        consumer.close()
        deadline = time.monotonic() + seconds
        while self.position < high:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise TimeoutError(f"{self._topic} is copied up to {self.position}, not {high}")
            self._end.wait(0.02)

    def stop(self) -> None:
        """End the copy where it is."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(30)

    def fresh(self, *, until: int | None = None) -> Iterator[Record]:
        """What was copied since this was last asked; up to where `position` once was, if that is given."""
        with self._path.open("rb") as file:
            file.seek(self._judged)
            while self._next < (self.position if until is None else until):
                for fields in pickle.load(file):  # our own file
                    self._next = fields[0] + 1
                    yield Record(*fields)
                self._judged = file.tell()

    def _run(self) -> None:
        consumer = _consumer(self._bootstrap)
        consumer.assign([TopicPartition(self._topic, 0, 0)])
        with self._path.open("wb") as file:
            while not self._end.is_set():
                batch = _arrived(consumer)
                if batch:
                    if self._seen is not None:
                        self._seen(batch, time.monotonic())
                    pickle.dump([tuple(record) for record in batch], file)
                    file.flush()
                    self.position = batch[-1].offset + 1
        consumer.close()


def _arrived(consumer: Consumer) -> list[Record]:
    """What is there, as soon as something is."""
    messages = _messages(consumer, seconds=0.2)
    return [_record(message) for message in messages if message.error() is None]


def _messages(consumer: Consumer, *, seconds: float) -> list[Message]:
    """The next message, waited for, and what came with it: `consume` alone would wait for a full batch."""
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(10_000, timeout=0)]


def _consumer(bootstrap: str) -> Consumer:
    settings: dict[str, str | int | bool] = {
        "bootstrap.servers": bootstrap,
        "group.id": "outcry-checker",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "fetch.wait.max.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,
    }
    return Consumer(settings)


def _record(message: Message) -> Record:
    error = message.error()
    if error is not None:
        raise KafkaException(error)
    given = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    headers = {name: (value or b"").decode() for name, value in given}
    return Record(message.offset() or 0, message.timestamp()[1], headers, message.value())
