"""Records of the logs that the view is made of, by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.order_event_pb2 import OrderEventBatch
from outcry.v1.risk_api_pb2 import RiskSetting

from outcry_services.common.kafka import PoisonError, decoder
from outcry_services.common.order_log import (
    ORDER_EVENTS,
    ORDERS,
    read_answers,
    read_events,
    read_instructions,
)
from outcry_services.risk.limits import UserMode

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from outcry_services.common.kafka import RawRecord
    from outcry_services.risk.view import RiskView

__all__ = ["SETTINGS", "apply", "decode"]

SETTINGS = "risk-settings"

_decode_setting = decoder(RiskSetting)


def decode(record: RawRecord) -> Message | None:
    """The content of a record of any of them; raises `PoisonError`."""
    if record.topic == ORDERS:
        return read_instructions(record)
    if record.topic == ORDER_EVENTS:
        return read_answers(record)
    if record.topic == SETTINGS:
        return _setting(record) if record.value else None
    return read_events(record) if record.value else None


def apply(view: RiskView, content: Message) -> None:
    """Let the view know what a record says."""
    if isinstance(content, InstructionBatch):
        for instruction in content.instructions:
            view.instruction(content.shard, instruction)
    elif isinstance(content, OrderEventBatch):
        for answer in content.events:
            view.answer(content.shard, answer)
    elif isinstance(content, EventBatch):
        for event in content.events:
            view.event(content.symbol, event)
    elif isinstance(content, RiskSetting):
        view.setting(content)


def _setting(record: RawRecord) -> RiskSetting:
    setting = _decode_setting(record)
    if setting.WhichOneof("what") is None:
        raise PoisonError("a setting that sets nothing known", name="UNKNOWN_BODY")
    if setting.HasField("user") and setting.user.mode not in list(UserMode):
        raise PoisonError(f"no user can be {setting.user.mode[:24]!r}", name="UNKNOWN_MODE")
    return setting
