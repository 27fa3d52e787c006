"""Reads what the stages tell, from now on: what was said before is worth nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_END
from outcry.v1.pressure_pb2 import Pressure

from outcry_services.common.kafka import PoisonError, PositionLostError, decoder

if TYPE_CHECKING:
    from outcry_services.common.kafka import RawRecord, Reader
    from outcry_services.common.pressure.gate import PressureGate

__all__ = ["PRESSURE", "decode", "follow"]

log = logging.getLogger(__name__)

PRESSURE = "pressure"

_decode = decoder(Pressure)


def decode(record: RawRecord) -> Pressure:
    """A report; raises `PoisonError` for what is none."""
    report = _decode(record)
    if not report.stage:
        raise PoisonError("a report of no stage", name="NO_STAGE")
    return report


async def follow(reader: Reader[Pressure], gate: PressureGate) -> None:
    """Give every report to the gate, for ever; `reader` decodes with `decode` and need not be assigned.

    The topic keeps little: a reader that stood still for longer goes on at its end. Raises
    `TopicMissingError`, and `UnavailableError` when Kafka doesn't answer at the start.
    """
    while True:
        await reader.assign({(PRESSURE, 0): OFFSET_END})
        try:
            async for batch in reader.batches():
                for item in batch.items:
                    gate.observe(item.value)
        except PositionLostError as error:
            log.warning("reports were missed", extra={"why": error.message})
