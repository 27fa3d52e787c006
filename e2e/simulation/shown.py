"""Records in words, for the trace of a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from google.protobuf.text_format import MessageToString
from outcry.v1.command_pb2 import CommandBatch
from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.journal_pb2 import JournalBatch
from outcry.v1.order_event_pb2 import OrderEventBatch

if TYPE_CHECKING:
    from outcry_services.common.kafka import Record

__all__ = ["shown"]

_KINDS: dict[str, Any] = {
    "orders": InstructionBatch,
    "order-events": OrderEventBatch,
    "journal": JournalBatch,
    "matching": CommandBatch,
    "events": EventBatch,
}


def shown(record: Record) -> str:
    """The messages in a record, each in one line's worth of words."""
    kind = _KINDS.get(record.topic.partition(".")[0])
    if kind is None:
        return f"{len(record.value)} bytes"
    try:
        batch = kind.FromString(record.value)
    except DecodeError:
        return f"{len(record.value)} bytes that don't decode"
    return MessageToString(batch, as_one_line=True)
