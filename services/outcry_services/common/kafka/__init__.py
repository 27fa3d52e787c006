"""Kafka: records that arrive without a gap, and readers whose positions belong to their callers.

librdkafka does the work, as for the engine and the operator: it alone has a producer that stops at the first
failed delivery instead of going on behind it (`enable.gapless.guarantee`).
"""

from outcry_services.common.kafka.dead_letters import DEAD_LETTER, DeadLetters
from outcry_services.common.kafka.ends import LogEnds, LogRange
from outcry_services.common.kafka.errors import (
    PoisonError,
    PositionLostError,
    PublisherStoppedError,
    RecordRefusedError,
    TopicMissingError,
)
from outcry_services.common.kafka.publisher import Publisher
from outcry_services.common.kafka.reader import Reader
from outcry_services.common.kafka.records import Batch, Item, RawRecord, Record, decoder, trace_headers
from outcry_services.common.kafka.topics import TopicSizes

__all__ = [
    "DEAD_LETTER",
    "Batch",
    "DeadLetters",
    "Item",
    "LogEnds",
    "LogRange",
    "PoisonError",
    "PositionLostError",
    "Publisher",
    "PublisherStoppedError",
    "RawRecord",
    "Reader",
    "Record",
    "RecordRefusedError",
    "TopicMissingError",
    "TopicSizes",
    "decoder",
    "trace_headers",
]
