"""What can go wrong with Kafka.

InvalidError
├── PoisonError               a record that can't be decoded: kept in `dead-letter`, then skipped
└── RecordRefusedError        a record that Kafka will never take; nothing was written
IntegrityError
├── TopicMissingError         a topic or partition that should be there is not
└── PositionLostError         a log no longer has what comes next: read on only after a restore
UnavailableError
└── PublisherStoppedError     a publisher has stopped for good; nothing behind the fault was written
"""

from __future__ import annotations

from confluent_kafka import KafkaError

from outcry_services.common.errors import IntegrityError, InvalidError, UnavailableError

__all__ = [
    "PERMANENT",
    "PoisonError",
    "PositionLostError",
    "PublisherStoppedError",
    "RecordRefusedError",
    "TopicMissingError",
]


class PoisonError(InvalidError):
    """A record that can't be decoded; `name` says in one word why."""

    default_name = "MALFORMED_RECORD"


class RecordRefusedError(InvalidError):
    """A record that Kafka will never take."""

    default_name = "RECORD_REFUSED"


class TopicMissingError(IntegrityError):
    """A topic or partition that should be there is not; topics that existed once are never made again."""

    default_name = "TOPIC_MISSING"


class PositionLostError(IntegrityError):
    """The log has no record at a stored position: it was cut at its start, or lost its end."""

    default_name = "POSITION_LOST"

    def __init__(self, message: str, *, topic: str = "") -> None:
        super().__init__(message)
        self.topic = topic


class PublisherStoppedError(UnavailableError):
    """The publisher writes nothing any more; its owner must begin again from what it knows as published."""

    default_name = "PUBLISHER_STOPPED"


PERMANENT = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_REQUIRED_ACKS,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.POLICY_VIOLATION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's local errors are named so
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError._INVALID_ARG,  # noqa: SLF001
    }
)
"""Codes after which the same record would fail again."""
