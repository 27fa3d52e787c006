"""One life of a librdkafka producer: from its creation to its first failure."""

from __future__ import annotations

import logging
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from confluent_kafka import Message

    from outcry_services.common.kafka.records import Record

__all__ = ["Generation", "Report"]

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
FLUSH_SECONDS = 2.0


class Report(NamedTuple):
    """What became of one record (-1: of the producer): its offset, or why it was not acknowledged."""

    sequence: int
    offset: int
    error: KafkaError | None


class Generation:
    """A producer, and the thread that waits for its delivery reports.

    librdkafka calls back in that thread once a record; the event loop is woken once for all reports that came
    since it last looked, because waking it costs more than a report.
    """

    def __init__(
        self,
        settings: Mapping[str, str | int | bool],
        *,
        loop: asyncio.AbstractEventLoop,
        reported: Callable[[Generation], None],
    ) -> None:
        self._producer = Producer(dict(settings), logger=log)
        self._loop = loop
        self._reported = reported
        self._reports: deque[Report] = deque()
        self._woken = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka reports", daemon=True)
        self._thread.start()

    def produce(self, sequence: int, record: Record) -> None:
        """Hand a record to librdkafka; raises KafkaException when this producer is spent."""
        self._producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
            on_delivery=partial(self._delivered, sequence),
        )

    def take_reports(self) -> list[Report]:
        """All that came in since the last call, in order."""
        # Cleared first: a report that comes in from here on wakes the loop again.
        self._woken.clear()
        reports = []
        while self._reports:
            reports.append(self._reports.popleft())
        return reports

    def abandon(self) -> None:
        """Give up what is not acknowledged and end the thread. Blocks; its reports are left to be taken.

        The one request in flight may still reach the log: its records are repeats there, later on.
        """
        self._producer.purge(in_queue=True, in_flight=True, blocking=True)
        self._serve(self._producer.flush, FLUSH_SECONDS)
        self.close()

    def close(self) -> None:
        """End the thread. Blocks for a moment."""
        self._end.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._end.is_set():
            self._serve(self._producer.poll, POLL_SECONDS)

    def _serve(self, call: Callable[[float], int], seconds: float) -> None:
        try:
            call(seconds)
        except (KafkaException, SystemError) as error:
            # Spent, whatever the reports of single records say.
            self._report(Report(-1, 0, KafkaError(KafkaError._FATAL, str(error))))  # noqa: SLF001

    def _delivered(self, sequence: int, error: KafkaError | None, message: Message) -> None:
        try:
            offset = message.offset() or 0
        except SystemError:
            # A fatal error was raised in this thread just before, for `poll` to carry; it ends here.
            offset = message.offset() or 0
        self._report(Report(sequence, offset, error))

    def _report(self, report: Report) -> None:
        self._reports.append(report)
        if not self._woken.is_set():
            self._woken.set()
            self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._reported, self)
