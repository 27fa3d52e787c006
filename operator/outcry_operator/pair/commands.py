"""The operator's own commands in a pair's log, and the core's answers to them in the pair's events.

A command is numbered by (creation time, generation) of the object, so that the core takes each once; where
one generation needs a second command, that one has the next number, and later ones stay ahead. Its intent is
written into the status before it is sent and its offset after: an operator killed in between sends again.
Without the intent, a change that was sent, not recorded, and then taken back by the user would look as if it
had never been sent, and stay in force.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import OffsetSpec
from outcry.v1 import command_pb2, event_pb2, types_pb2

from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.models.status import CommandRecord, TradingPairStatus
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World

OPERATOR_SOURCE = 1024
BATCH_VERSION = 1
ACCEPTED = "Accepted"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the core said to a command: ACCEPTED or its reason, and how many orders the command ended."""

    word: str
    orders: int = 0


_ANSWERS = ("settings_changed", "settings_rejected", "mass_cancelled", "mass_cancel_rejected")


def last_number(status: TradingPairStatus) -> int:
    """The highest number that was given out; 0 when none was."""
    settings, cancel = status.settings, status.cancel_all
    # A record from before numbers were written down has its generation.
    of_settings = (settings.number or settings.generation) if settings else 0
    return max(of_settings, cancel.number if cancel else 0)


def place_of(pair: Pair, known: CommandRecord | None) -> tuple[int, int]:
    """Number of a command to send, and where its answer is looked for from (-1: the end that `send` finds).

    `known` is the record of the same command sent with an unknown end, if it was: that one keeps its place,
    so that the core takes it once, unless a later command was numbered since.
    """
    last = last_number(pair.status)
    if known is not None and known.number and known.number == last:
        return known.number, known.answer_offset
    return max(pair.generation, last + 1), -1


def record_value(pair: Pair, number: int, *, now_unix_nanos: int, **body: Any) -> bytes:  # noqa: ANN401
    """The record of `matching.{symbol}` that holds one command; `body` is the field that it sets."""
    command = command_pb2.Command(
        source=OPERATOR_SOURCE,
        incarnation=pair.incarnation,
        number=number,
        time_unix_nanos=now_unix_nanos,
        **body,
    )
    batch = command_pb2.CommandBatch(version=BATCH_VERSION, symbol=pair.symbol, count=1, commands=[command])
    return batch.SerializeToString()


async def send(pair: Pair, world: World, field: str, record: CommandRecord, **body: Any) -> Pair:  # noqa: ANN401
    """Send a command and keep its record in the status under `field`; the pair with that."""
    if record.answer_offset < 0:
        # Its answer can't stand in front of the present end.
        end = await world.kafka.offset(pair.events, OffsetSpec.latest())
        record = record.model_copy(update={"answer_offset": end})
    sent = await patch_status(pair, world, {field: record.model_dump(by_alias=True)})
    value = record_value(pair, record.number, now_unix_nanos=time.time_ns(), **body)
    offset = await world.kafka.produce(pair.matching, key=pair.symbol.encode(), value=value)
    return await patch_status(sent, world, {field: {"offset": offset}})


def unanswered(record: CommandRecord | None) -> bool:
    """Whether an answer is to be looked for."""
    return record is not None and record.offset >= 0 and record.answer_offset >= 0 and not record.answer


def answer_to(pair: Pair, number: int, batches: Iterable[bytes]) -> Answer | None:
    """The answer to a command among records of `events.{symbol}`."""
    wanted = (OPERATOR_SOURCE, pair.incarnation, number)
    for value in batches:
        for event in event_pb2.EventBatch.FromString(value).events:
            if (event.source, event.incarnation, event.number) != wanted:
                continue
            body = event.WhichOneof("body")
            if body in _ANSWERS:
                return _answer(getattr(event, body), body)
    return None


def _answer(said: Any, body: str) -> Answer:  # noqa: ANN401 - one of four messages
    if body.endswith("rejected"):
        return Answer(word=types_pb2.RejectReason.Name(said.reason).removeprefix("REJECT_REASON_"))
    return Answer(word=ACCEPTED, orders=said.orders if body == "mass_cancelled" else 0)
