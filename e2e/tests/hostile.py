"""Input that nobody should send: what is poison, and what is only absurd."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from outcry.v1 import command_pb2, types_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["absurd_batches", "poison_records"]

I64 = (1 << 63) - 1
SOURCE = 5000


def poison_records(symbol: str) -> dict[str, bytes]:
    """By what is wrong with them: no replica may apply any of these."""
    good = _batch(symbol, [_order(1, order_id=1)])
    whole = good.SerializeToString()
    rng = random.Random(11)
    records = {
        "empty": b"",
        "one byte": b"\x0a",
        "text": b'{"side": "BUY"}',
        "other version": _changed(good, version=2),
        "no version": _changed(good, version=0),
        "other symbol": _changed(good, symbol="OTHER-PAIR"),
        "no symbol": _changed(good, symbol=""),
        "count too high": _changed(good, count=2),
        "count too low": _changed(good, count=0),
        "no commands": _batch(symbol, []).SerializeToString(),
        "a command without a body": _batch(
            symbol, [command_pb2.Command(source=SOURCE, number=1)]
        ).SerializeToString(),
        "ends inside a number": whole + b"\xff",
        "field number 0": whole + b"\x02\x00",
        "a group without an end": whole + b"\x5b",
        "the end of another group": whole + b"\x5b\x64",
        "length beyond the end": whole + b"\x22\x7f",
        "oversized": whole + bytes([0x7A, 0x80, 0x80, 0x40]) + bytes(1 << 20),
    }
    records |= {f"cut at {at}": whole[:at] for at in range(1, len(whole), 7)}
    records |= {f"random {number}": b"\xff" + rng.randbytes(rng.randint(1, 400)) for number in range(20)}
    return records


def absurd_batches(symbol: str) -> Iterator[bytes]:
    """Records that decode, with commands that make no sense: each is answered by a named reject."""
    orders = [
        _order(1, order_id=0),
        _order(2, user_id=0),
        _order(3, side=0),
        _order(4, side=77),
        _order(5, type=0),
        _order(6, type=5),
        _order(7, type=2_000_000_000),
        _order(8, type=-1),
        _order(9, time_in_force=0),
        _order(10, time_in_force=4),
        _order(11, price=0),
        _order(12, price=-I64 - 1),
        _order(13, price=I64),
        _order(14, quantity=0),
        _order(15, quantity=-1),
        _order(16, quantity=I64),
        _order(17, price=I64, quantity=I64),
        _order(18, order_id=(1 << 64) - 1, user_id=(1 << 64) - 1, quantity=1 << 40),
        _order(19, order_id=(1 << 64) - 1, user_id=(1 << 64) - 1),
        _order(20, type=2, price=5),
        _cancel(21, order_id=0, user_id=1),
        _cancel(22, order_id=987_654_321_000, user_id=1),
        _cancel(23, order_id=(1 << 64) - 1, user_id=3),
        _cancel(24, order_id=(1 << 64) - 1, user_id=(1 << 64) - 1),
        command_pb2.Command(
            source=SOURCE, incarnation=1, number=25, tick=command_pb2.Tick(time_unix_nanos=-I64)
        ),
        command_pb2.Command(
            source=SOURCE, incarnation=1, number=26, pair_settings=command_pb2.PairSettings(rules_version=99)
        ),
        command_pb2.Command(
            source=SOURCE,
            incarnation=1,
            number=27,
            pair_settings=command_pb2.PairSettings(
                trading_status=types_pb2.TRADING_STATUS_TRADING, rules_version=1, price_band_lower=-5
            ),
        ),
    ]
    yield _batch(symbol, orders).SerializeToString()
    # All of it again: repeats by source number, which are silence and a counter.
    yield _batch(symbol, orders).SerializeToString()
    yield _batch(symbol, [_order(28, order_id=1 << 50), _order(29, order_id=1 << 50)]).SerializeToString()


def _bare(symbol: str) -> bytes:
    return _batch(symbol, [command_pb2.Command(source=SOURCE, number=1)]).SerializeToString()


def _order(number: int, **changes: int) -> command_pb2.Command:
    fields = {
        "order_id": (1 << 51) + number,
        "user_id": 1,
        "side": 1,
        "type": 1,
        "time_in_force": 1,
        "price": 5_000_000,
        "quantity": 10_000,
    }
    command = command_pb2.Command(source=SOURCE, incarnation=1, number=number)
    for name, value in (fields | changes).items():
        setattr(command.new_order, name, value)
    return command


def _cancel(number: int, *, order_id: int, user_id: int) -> command_pb2.Command:
    cancel = command_pb2.CancelOrder(order_id=order_id, user_id=user_id)
    return command_pb2.Command(source=SOURCE, incarnation=1, number=number, cancel_order=cancel)


def _batch(symbol: str, commands: list[command_pb2.Command]) -> command_pb2.CommandBatch:
    return command_pb2.CommandBatch(version=1, symbol=symbol, count=len(commands), commands=commands)


def _changed(
    batch: command_pb2.CommandBatch, *, version: int = 1, symbol: str | None = None, count: int = 1
) -> bytes:
    other = command_pb2.CommandBatch()
    other.CopyFrom(batch)
    other.version, other.count = version, count
    other.symbol = batch.symbol if symbol is None else symbol
    return other.SerializeToString()
