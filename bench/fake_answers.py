"""What stand-in engines answer to the operator's settings: accepted, in the pair's events."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Producer
from outcry.v1 import command_pb2, event_pb2

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["FakeAnswers"]

INPUT, EVENTS = "matching.", "events."


class FakeAnswers:
    """Follows every pair's input in a thread of its own, from when the block is entered until it is left."""

    def __init__(self, bootstrap: str) -> None:
        client = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._consumer = Consumer(
            {
                **client,
                "group.id": "fake-engines",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "topic.metadata.refresh.interval.ms": 500,
            }
        )
        self._producer = Producer(client)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="fake answers")

    def __enter__(self) -> Self:
        self._consumer.subscribe([f"^{INPUT}"])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._ending.is_set():
            record = self._consumer.poll(0.2)
            value = None if record is None or record.error() else record.value()
            if value:
                self._answer(command_pb2.CommandBatch.FromString(value))
            self._producer.poll(0)

    def _answer(self, batch: command_pb2.CommandBatch) -> None:
        answers = [
            event_pb2.Event(
                source=command.source,
                incarnation=command.incarnation,
                number=command.number,
                settings_changed=event_pb2.SettingsChanged(),
            )
            for command in batch.commands
            if command.WhichOneof("body") == "pair_settings"
        ]
        if answers:
            value = event_pb2.EventBatch(symbol=batch.symbol, events=answers).SerializeToString()
            self._producer.produce(f"{EVENTS}{batch.symbol}", partition=0, value=value)
