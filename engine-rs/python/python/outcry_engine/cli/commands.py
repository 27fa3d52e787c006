"""Commands as the records of `matching.{symbol}`: the few lines that every sender needs."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from outcry.v1 import command_pb2, types_pb2

from outcry_engine.cli.flow_model import CancelOrder, NewOrder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from outcry_engine.cli.flow_model import FlowCommand

VERSION: Final = 1
OPERATOR: Final = 1024
GENERATOR: Final = 2048

_BODIES: Final[dict[type[Message], str]] = {
    command_pb2.NewOrder: "new_order",
    command_pb2.CancelOrder: "cancel_order",
    command_pb2.AmendOrder: "amend_order",
    command_pb2.CancelReplace: "cancel_replace",
    command_pb2.NewOco: "new_oco",
    command_pb2.MassCancel: "mass_cancel",
    command_pb2.SetDisconnectTimer: "set_disconnect_timer",
    command_pb2.Tick: "tick",
}


def default_settings(
    *,
    number: int = 1,
    incarnation: int = 1,
    status: types_pb2.TradingStatus.ValueType = types_pb2.TRADING_STATUS_TRADING,
    price_band_lower: int = 1,
    price_band_upper: int = 1_000_000_000,
    min_notional: int = 0,
    maker_fee_ppm: int = 0,
    taker_fee_ppm: int = 0,
    rules_version: int = 1,
) -> command_pb2.Command:
    """Settings that open a pair, as the operator (source 1024) would send them: for books without one."""
    return command_pb2.Command(
        source=OPERATOR,
        incarnation=incarnation,
        number=number,
        pair_settings=command_pb2.PairSettings(
            trading_status=status,
            rules_version=rules_version,
            price_band_lower=price_band_lower,
            price_band_upper=price_band_upper,
            min_notional=min_notional,
            maker_fee_ppm=maker_fee_ppm,
            taker_fee_ppm=taker_fee_ppm,
            quote_units_per_tick_lot=1,
            base_units_per_lot=1,
        ),
    )


def record(symbol: str, commands: Iterable[command_pb2.Command]) -> bytes:
    """One record of the input topic."""
    batch = command_pb2.CommandBatch(version=VERSION, symbol=symbol, commands=commands)
    batch.count = len(batch.commands)
    return batch.SerializeToString()


def flow_record(
    symbol: str,
    commands: Iterable[FlowCommand | Message],
    *,
    source: int = GENERATOR,
    incarnation: int,
    first_number: int,
    time_unix_nanos: int = 0,
) -> bytes:
    """One record of consecutively numbered flow commands."""
    batch = command_pb2.CommandBatch(version=VERSION, symbol=symbol)
    add = batch.commands.add
    for number, command in zip(count(first_number), commands, strict=False):
        message = add(source=source, incarnation=incarnation, number=number, time_unix_nanos=time_unix_nanos)
        if isinstance(command, NewOrder):
            new = message.new_order
            (
                new.order_id,
                new.user_id,
                new.side,
                new.type,
                new.time_in_force,
                new.price,
                new.quantity,
            ) = command  # type: ignore[assignment]
        elif isinstance(command, CancelOrder):
            cancel = message.cancel_order
            cancel.order_id, cancel.user_id = command
        else:
            getattr(message, _BODIES[type(command)]).CopyFrom(command)
    batch.count = len(batch.commands)
    return batch.SerializeToString()
