"""What goes into Kafka, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from outcry_services.common import trace
from outcry_services.common.kafka.errors import PoisonError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka import Message as KafkaMessage

__all__ = ["Batch", "Item", "RawRecord", "Record", "decoder", "trace_headers"]

T = TypeVar("T")
M = TypeVar("M", bound=Message)

_NONE: MappingProxyType[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A record to be written. The partition is the caller's choice: order holds within it alone."""

    topic: str
    partition: int
    value: bytes
    key: bytes = b""
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes, near enough to bound memory."""
        return len(self.value) + len(self.key) + sum(len(name) + len(text) for name, text in self.headers)


class RawRecord(NamedTuple):
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]

    @classmethod
    def of(cls, message: KafkaMessage) -> RawRecord:
        """What a consumer gave, if it is a record and not an error."""
        headers = cast("list[tuple[str, bytes | None]] | None", message.headers())
        return cls(
            topic=message.topic() or "",
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            timestamp_ms=message.timestamp()[1],
            key=message.key() or b"",
            value=message.value() or b"",
            headers={name: text or b"" for name, text in headers} if headers else _NONE,
        )


class Item(NamedTuple, Generic[T]):
    """A decoded record."""

    record: RawRecord
    value: T


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Generic[T]):
    """Consecutive records of one partition, without those that could not be decoded.

    `position` is the offset to read on from: store it in the same transaction as the effects of `items`.
    `end` is the offset that the next record written will have, as far as known.
    """

    topic: str
    partition: int
    position: int
    end: int
    items: tuple[Item[T], ...]

    @property
    def lag(self) -> int:
        """Records that are there and not in this or an earlier batch."""
        return max(0, self.end - self.position)


def trace_headers() -> tuple[tuple[str, bytes], ...]:
    """The trace at hand, for the headers of a record."""
    return ((trace.TRACEPARENT, trace.traceparent().encode()),)


def decoder(kind: type[M]) -> Callable[[RawRecord], M]:
    """Decodes values as protobuf messages of one kind; raises `PoisonError`."""

    def decode(record: RawRecord) -> M:
        try:
            return kind.FromString(record.value)
        except DecodeError as error:
            raise PoisonError(f"not an {kind.DESCRIPTOR.full_name}: {error}") from error

    return decode
