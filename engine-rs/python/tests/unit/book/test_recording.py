"""A recorded book can be replayed: `outcry-engine replay` gives the same bytes."""

import random
from pathlib import Path

import pytest
from outcry.v1 import command_pb2
from outcry_engine import (
    Book,
    CancelOrder,
    NewOrder,
    OrderType,
    PairSettings,
    RecordError,
    Side,
    TimeInForce,
)
from outcry_engine.cli.commands import record
from outcry_engine.cli.event_text import split
from outcry_engine.cli.main import main


def random_commands(seed: int, count: int) -> list[NewOrder | CancelOrder]:
    draw = random.Random(seed)
    return [
        NewOrder(
            order_id=at,
            user_id=draw.randint(1, 9),
            side=draw.choice(list(Side)),
            type=OrderType.LIMIT,
            time_in_force=draw.choice([TimeInForce.GTC, TimeInForce.IOC]),
            price=draw.randint(95, 105),
            quantity=draw.randint(1, 50),
        )
        if draw.random() < 0.8
        else CancelOrder(order_id=draw.randint(1, at), user_id=draw.randint(1, 9))
        for at in range(1, count + 1)
    ]


def test_a_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    dump, out = tmp_path / "input.dump", tmp_path / "events.bin"
    events = []
    with Book(PairSettings(), symbol="BTC-USDT", record=dump) as book:
        for command in random_commands(1, 700):
            events += book.batch([command])
        events += book.batch(random_commands(2, 1700))
        events += book.change_settings(PairSettings(price_band_upper=104))
        events += book.apply(5, 1, 1, CancelOrder(order_id=1, user_id=1), time_unix_nanos=77)
        batch = command_pb2.Command(source=9, incarnation=1, number=1)
        batch.cancel_order.order_id = 3
        published = list(split(book.apply_record(record("BTC-USDT", [batch]))))
    assert main(["replay", str(dump), "--format", "binary", "--out", str(out)]) == 0
    replayed = list(split(out.read_bytes()))
    # The settings that open the book are the first command and make the first events.
    ours = [event.encode() for event in events] + published
    assert replayed[-len(ours) :] == ours
    assert len(replayed) == book.seq


def test_a_closed_book_goes_on_unrecorded(tmp_path: Path) -> None:
    dump = tmp_path / "input.dump"
    book = Book(record=dump)
    book.close()
    size = dump.stat().st_size
    book.batch(random_commands(1, 3000))
    book.close()
    assert dump.stat().st_size == size


def test_a_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="missing"):
        Book(record=tmp_path / "missing" / "input.dump")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_disk_stops_the_record_and_not_the_book() -> None:
    book = Book(record="/dev/full")
    with pytest.raises(RecordError, match="carried out"):
        book.batch(random_commands(1, 3000))
    seq = book.seq
    book.batch(random_commands(2, 3000))
    assert book.seq > seq
