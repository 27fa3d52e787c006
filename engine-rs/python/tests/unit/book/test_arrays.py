"""Arrays of commands do what the same typed commands do, and their events say the same."""

import random

import numpy as np
import outcry_engine
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry.v1 import command_pb2, event_pb2
from outcry_engine import (
    COMMAND_DTYPE,
    COMMAND_FIELDS,
    EVENT_DTYPE,
    EVENT_FIELDS,
    BatchError,
    Book,
    Command,
    CommandKind,
    Event,
    EventKind,
    NewOrder,
    PairSettings,
)

# Where a field of the schema stands in a record when it is not in the column of its own name.
COMMAND_COLUMNS = {("NewOco", "stop_time_in_force"): "time_in_force"}
EVENT_COLUMNS = {
    ("TradeExecuted", "taker_order_id"): "order_id",
    ("TradeExecuted", "taker_user_id"): "user_id",
    ("TradeExecuted", "taker_side"): "side",
    ("TradeExecuted", "taker_remaining"): "remaining",
    ("SelfTradePrevented", "taker_order_id"): "order_id",
    ("SelfTradePrevented", "taker_user_id"): "user_id",
    ("SelfTradePrevented", "taker_side"): "side",
    ("SelfTradePrevented", "taker_remaining"): "remaining",
    ("OrderTriggered", "trigger_price"): "price",
    ("MassCancelled", "orders"): "quantity",
    ("DisconnectTimerFired", "orders"): "quantity",
    ("DisconnectTimerSet", "deadline_unix_nanos"): "expire_time_unix_nanos",
    **{
        (name, field): column
        for name in ("AuctionIndicative", "AuctionUncrossed")
        for field, column in (("volume", "quantity"), ("surplus_side", "side"), ("surplus", "remaining"))
    },
}


def schema_kind(name: str) -> str:
    return "".join("_" + letter if letter.isupper() else letter.upper() for letter in name)[1:]


def fields(value: Command | Event, columns: dict[tuple[str, str], str]) -> dict[str, int]:
    name = type(value).__name__
    found: dict[str, int] = {}
    for field in type(value).__match_args__:  # type: ignore[attr-defined]
        inner = getattr(value, field)
        if isinstance(inner, NewOrder):
            found |= fields(inner, columns)
        else:
            found[columns.get((name, field), field)] = int(inner or 0)
    return found


def array(commands: list[Command]) -> np.ndarray:
    records = np.zeros(len(commands), COMMAND_DTYPE)
    for record, command in zip(records, commands, strict=True):
        record["kind"] = CommandKind[schema_kind(type(command).__name__)]
        for column, number in fields(command, COMMAND_COLUMNS).items():
            record[column] = number
    return records


def rows(events: list[Event]) -> list[dict[str, int]]:
    empty = dict.fromkeys((name for name, _ in EVENT_FIELDS), 0)
    return [
        empty
        | {"seq": event.seq, "number": event.number, "kind": EventKind[schema_kind(type(event).__name__)]}
        | fields(event, EVENT_COLUMNS)
        for event in events
    ]


def read(events: outcry_engine.EventArray) -> list[dict[str, int]]:
    records = np.asarray(events)
    assert records.dtype == EVENT_DTYPE
    return [dict(zip(EVENT_DTYPE.names or (), map(int, record), strict=True)) for record in records]


WORD = st.integers(0, 7)
ID = st.integers(0, 12)
USER = st.integers(0, 4)
PRICE = st.integers(95, 105)
LOTS = st.integers(0, 30)
OFTEN_0 = st.sampled_from([0, 0, 0, 1, 2, 3, 5])
DELTA = st.sampled_from([0, 0, 0, 100, 300, 65_535])


@st.composite
def commands(draw: st.DrawFn) -> Command:
    kind = draw(st.sampled_from(["NewOrder"] * 8 + ["NewOco"] * 2 + sorted(OTHERS)))
    return MAKERS[kind](draw)


def order(draw: st.DrawFn) -> NewOrder:
    order_type = draw(WORD)
    return NewOrder(
        order_id=draw(ID),
        user_id=draw(USER),
        side=draw(st.sampled_from([1, 1, 1, 2, 2, 2, 0, 3])),
        type=order_type,
        time_in_force=draw(st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5])),
        price=0 if order_type in {2, 4, 6} else draw(PRICE),
        quantity=draw(LOTS),
        quote_quantity=draw(OFTEN_0) if order_type == 2 else 0,
        display_quantity=draw(OFTEN_0),
        stop_price=draw(PRICE) if order_type > 3 else 0,
        trailing_delta=draw(DELTA) if order_type > 3 else 0,
        self_trade_prevention=draw(st.integers(0, 6)),
        trade_group=draw(OFTEN_0),
        expire_time_unix_nanos=draw(st.sampled_from([0, 0, 50, 200])),
    )


def oco(draw: st.DrawFn) -> Command:
    side = draw(st.integers(1, 2))
    return outcry_engine.NewOco(
        user_id=draw(USER),
        limit_order_id=draw(ID),
        stop_order_id=draw(ID),
        side=side,
        quantity=draw(LOTS),
        price=105 if side == 2 else 95,
        stop_price=96 if side == 2 else 104,
        stop_limit_price=draw(st.sampled_from([0, 100])),
        stop_time_in_force=draw(OFTEN_0),
        trailing_delta=draw(DELTA),
        self_trade_prevention=draw(WORD),
        trade_group=draw(OFTEN_0),
    )


OTHERS = {"CancelOrder", "AmendOrder", "CancelReplace", "MassCancel", "SetDisconnectTimer", "Tick"}
MAKERS = {
    "NewOrder": order,
    "NewOco": oco,
    "CancelOrder": lambda draw: outcry_engine.CancelOrder(order_id=draw(ID), user_id=draw(USER)),
    "AmendOrder": lambda draw: outcry_engine.AmendOrder(
        order_id=draw(ID), user_id=draw(USER), quantity=draw(LOTS)
    ),
    "CancelReplace": lambda draw: outcry_engine.CancelReplace(
        cancel_order_id=draw(ID), mode=draw(st.integers(0, 3)), order=order(draw)
    ),
    "MassCancel": lambda draw: outcry_engine.MassCancel(user_id=draw(USER), side=draw(st.integers(0, 3))),
    "SetDisconnectTimer": lambda draw: outcry_engine.SetDisconnectTimer(
        user_id=draw(USER), timeout_millis=draw(st.sampled_from([0, 1, 86_400_001]))
    ),
    "Tick": lambda draw: outcry_engine.Tick(time_unix_nanos=draw(st.integers(0, 3_000_000))),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(commands(), max_size=60))
def test_an_array_does_what_typed_commands_do(given_commands: list[Command]) -> None:
    pair = PairSettings(price_band_upper=1000)
    typed, arrays = Book(pair), Book(pair)
    expected = typed.batch(given_commands)
    assert read(arrays.apply_array(array(given_commands))) == rows(expected)
    assert arrays.snapshot() == typed.snapshot()


def test_bytes_are_as_good_as_an_array() -> None:
    records = array([NewOrder(order_id=1, user_id=2, side=1, type=1, time_in_force=1, price=5, quantity=3)])
    one, other = Book(), Book()
    assert bytes(one.apply_array(records)) == bytes(other.apply_array(records.tobytes()))
    assert bytes(other.apply_array(memoryview(b"\0" + records.tobytes())[1:1])) == b""


def test_an_array_of_unaligned_bytes_is_read_too() -> None:
    records = array([NewOrder(order_id=1, user_id=2, side=1, type=1, time_in_force=1, price=5, quantity=3)])
    (event,) = read(Book().apply_array(memoryview(b"\0" + records.tobytes())[1:]))
    assert (event["kind"], event["order_id"]) == (EventKind.ORDER_ACCEPTED, 1)


def test_what_is_no_array_of_commands_is_refused_whole() -> None:
    book = Book()
    before = book.snapshot()
    records = array([outcry_engine.Tick(time_unix_nanos=5)] * 3)
    settings_inside = records.copy()
    settings_inside["kind"][2] = CommandKind.PAIR_SETTINGS
    big_endian = records.astype(COMMAND_DTYPE.newbyteorder(">"))
    one_big = records.astype([(name, ">i8" if name == "price" else kind) for name, kind in COMMAND_FIELDS])
    floats = records.astype([(name, "<f8" if name == "price" else kind) for name, kind in COMMAND_FIELDS])
    unsigned = records.astype([(name, "<u8" if name == "price" else kind) for name, kind in COMMAND_FIELDS])
    renamed = records.astype([(name.replace("price", "cost"), kind) for name, kind in COMMAND_FIELDS])
    for wrong, match in [
        (records.tobytes()[:-1], "383 bytes"),
        (records[::2], "contiguous"),
        (np.zeros(16, np.int64), "COMMAND_DTYPE"),
        (renamed, "COMMAND_DTYPE"),
        (big_endian, "COMMAND_DTYPE"),
        (one_big, "COMMAND_DTYPE"),
        (floats, "COMMAND_DTYPE"),
        (unsigned, "COMMAND_DTYPE"),
        (settings_inside, "command 2 is of kind 7"),
    ]:
        with pytest.raises(BatchError, match=match):
            book.apply_array(wrong)
    with pytest.raises(TypeError):
        book.apply_array([1, 2])  # type: ignore[arg-type]
    assert book.snapshot() == before


def test_events_outlive_their_book_and_the_next_array() -> None:
    book, generator = Book(), random.Random(3)
    held, expected = [], []
    for first in range(1, 500, 100):
        batch = array(
            [
                NewOrder(
                    order_id=first + at,
                    user_id=1 + at,
                    side=generator.randint(1, 2),
                    type=1,
                    time_in_force=1,
                    price=generator.randint(1, 9),
                    quantity=1,
                )
                for at in range(100)
            ]
        )
        events = np.asarray(book.apply_array(batch))
        held.append(events)
        expected.append(events.tobytes())
    del book
    assert [events.tobytes() for events in held] == expected
    with pytest.raises(ValueError, match="read-only"):
        held[0]["seq"] = 1


def test_kinds_are_the_schemas_numbers() -> None:
    for kinds, message in ((CommandKind, command_pb2.Command), (EventKind, event_pb2.Event)):
        body = message.DESCRIPTOR.oneofs_by_name["body"].fields
        assert {kind.name.lower(): int(kind) for kind in kinds} == {
            field.name: field.number for field in body
        }


def test_layouts_are_as_documented() -> None:
    assert outcry_engine.LAYOUT_VERSION == 1
    assert (COMMAND_DTYPE.itemsize, EVENT_DTYPE.itemsize) == (128, 144)
    assert COMMAND_DTYPE.fields is not None
    assert COMMAND_DTYPE.fields["order_id"][1] == 8
