"""One pass over ranges of Kafka's logs, blocking, for a thread: from where the caller says to where he says.

Not `common.kafka.Reader`: that one never ends, and keeps poison in `dead-letter`, which whoever followed the
log has done before.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import RawRecord, TopicMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka import Message

    from outcry_services.reconciler.ports import Place

__all__ = ["LogPass", "opened", "partitions_of"]

log = logging.getLogger(__name__)

_SECONDS = 30.0


@contextmanager
def opened(bootstrap: str, client_id: str) -> Iterator[LogPass]:
    """A pass; raises `UnavailableError` when Kafka doesn't answer."""
    settings = {
        "bootstrap.servers": bootstrap,
        "client.id": client_id,
        # Never used: librdkafka wants a name, and nothing is committed under it.
        "group.id": client_id,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "allow.auto.create.topics": False,
        "queued.max.messages.kbytes": 16 << 10,
        "fetch.wait.max.ms": 100,
        "log_level": 3,
    }
    consumer = Consumer(settings, logger=log)
    try:
        yield LogPass(consumer)
    except KafkaException as error:
        raise UnavailableError(
            f"the logs can't be read from Kafka at {bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
        ) from error
    finally:
        consumer.close()


def partitions_of(bootstrap: str, client_id: str, topic: str) -> int:
    """How many partitions a topic has; raises `TopicMissingError` when it isn't there."""
    with opened(bootstrap, client_id) as logs:
        count = len(logs.places(topic))
    if count == 0:
        raise TopicMissingError(f"{topic} is not in Kafka at {bootstrap}; see docs/operations/topic-lost.md")
    return count


class LogPass:
    """Made by `opened`."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def topics(self, prefix: str) -> list[str]:
        """The topics whose names begin so."""
        found = self._consumer.list_topics(timeout=_SECONDS).topics
        return sorted(name for name in found if name.startswith(prefix))

    def places(self, topic: str) -> list[Place]:
        """The partitions of a topic; none when it doesn't exist."""
        found = self._consumer.list_topics(topic, timeout=_SECONDS).topics.get(topic)
        return [(topic, number) for number in sorted(found.partitions)] if found is not None else []

    def range(self, place: Place) -> tuple[int, int]:
        """The first offset that is kept, and that of the next record."""
        low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_SECONDS)
        return low, high

    def read(self, ranges: Mapping[Place, tuple[int, int]]) -> Iterator[RawRecord]:
        """The records of these ranges, each in its order."""
        left = {place: end for place, (begin, end) in ranges.items() if begin < end}
        if not left:
            return
        self._consumer.assign([TopicPartition(*place, ranges[place][0]) for place in left])
        while left:
            for message in self._consume(left):
                record = RawRecord.of(message)
                place = record.topic, record.partition
                if record.offset < left.get(place, 0):
                    yield record
                if record.offset + 1 >= left.get(place, 0):
                    left.pop(place, None)
        self._consumer.unassign()

    def _consume(self, left: Mapping[Place, int]) -> list[Message]:
        # A call lasts its whole time unless it fills up.
        until = time.monotonic() + _SECONDS
        while not (messages := self._consumer.consume(1000, timeout=0.05)):
            if time.monotonic() > until:
                places = ", ".join(f"{topic}/{number}" for topic, number in left)
                raise UnavailableError(f"no record of {places} within {_SECONDS:g} s", name="KAFKA_AWAY")
        for message in messages:
            error = message.error()
            if error is not None:
                raise KafkaException(error)
        return messages
