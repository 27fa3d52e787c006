"""The converted recording as records of `matching.{symbol}`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from outcry_engine.cli.commands import flow_record
from outcry_engine.cli.flow_model import BUY, GTC, LIMIT, SELL, CancelOrder, NewOrder

from e2e.recorded.convert import USER, New

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry_engine.cli.flow_model import FlowCommand

    from e2e.recorded.convert import Conversion

# What a pair needs so that no recorded order is refused: ticks of 0.01, lots of 10^-8.
BAND = (1, 10_000_000)
INCARNATION = 1


def flow_commands(conversion: Conversion) -> Iterator[FlowCommand]:
    """Commands in the shape of the flow generator's."""
    for command in conversion.commands:
        if isinstance(command, New):
            side = BUY if command.bid else SELL
            yield NewOrder(command.order_id, USER, side, LIMIT, GTC, command.price, command.volume)
        else:
            yield CancelOrder(command.order_id, USER)


def records(conversion: Conversion, *, symbol: str, source: int, batch: int = 100) -> Iterator[bytes]:
    """Records of up to `batch` commands each, numbered from 1."""
    commands = flow_commands(conversion)
    number = 1
    while chunk := tuple(islice(commands, batch)):
        yield flow_record(symbol, chunk, source=source, incarnation=INCARNATION, first_number=number)
        number += len(chunk)
