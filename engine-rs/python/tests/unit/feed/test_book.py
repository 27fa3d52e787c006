"""The sequencer and the book, without any I/O."""

from __future__ import annotations

import random

import pytest
from outcry_engine.feed import BUY, SELL, Book, BookError, Level, Sequencer, messages
from outcry_engine.feed.messages import encode
from outcry_engine.feed.packets import Packet


def packet(first: int, *blocks: bytes, session: str = "A", ends: bool = False) -> Packet:
    return Packet(
        session=session,
        sequence=first,
        epoch=1,
        received_unix_nanos=1,
        sent_unix_nanos=1,
        ends_session=ends,
        blocks=blocks,
    )


def taken(row: Sequencer, given: Packet) -> list[int]:
    return [sequence for sequence, _, _ in row.packet(given)]


def test_both_lines_make_one_row() -> None:
    row = Sequencer(session="A", next_sequence=1)
    assert taken(row, packet(1, b"", b"", b"")) == [1, 2, 3]
    assert taken(row, packet(1, b"", b"", b"")) == []
    assert taken(row, packet(2, b"", b"", b"")) == [4]
    assert taken(row, packet(5, b"", session="B")) == []
    assert (row.tally.repeats, row.tally.foreign, row.tally.gaps) == (5, 1, 0)


def test_a_gap_is_named_and_closed() -> None:
    row = Sequencer(session="A", next_sequence=1)
    assert taken(row, packet(4, b"")) == []
    assert row.missing() == range(1, 4)
    assert taken(row, packet(7)) == []
    assert taken(row, packet(1, b"", b"", b"")) == [1, 2, 3, 4]
    assert row.missing() == range(5, 7), "a heart-beat shows what was lost last"
    assert list(row.skip_to(6)) == []
    assert row.missing() is None


def test_a_session_ends_when_all_of_it_is_there() -> None:
    row = Sequencer(session="A", next_sequence=1)
    taken(row, packet(2, ends=True))
    assert not row.ended
    taken(row, packet(1, b""))
    assert row.ended


def test_any_order_of_packets_makes_the_same_row() -> None:
    rolled = random.Random(5)
    given = [packet(first, b"", b"") for first in range(1, 200, 2)] * 2
    rolled.shuffle(given)
    row = Sequencer(session="A", next_sequence=1)
    assert [sequence for each in given for sequence in taken(row, each)] == list(range(1, 201))


def block(*said: messages.Message) -> bytes:
    return b"".join(encode(each) for each in said)


def test_orders_come_trade_are_refilled_and_go() -> None:
    book = Book()
    for sequence, order_id in enumerate((1, 2), 1):
        added = messages.OrderAdded(order_id, 100, 5, SELL)
        book.apply(sequence, block(added, messages.LevelChanged(100, 5 * order_id, order_id, SELL)))
    said = book.apply(
        3,
        block(
            messages.Trade(1, 100, 5, BUY),
            messages.OrderExecuted(1, 1, 5, 0),
            messages.OrderRefilled(1, 100, 3, SELL),
            messages.LevelChanged(100, 8, 2, SELL),
        ),
    )
    assert said[0] == book.last_trade
    assert [order.order_id for order in book.queue(SELL)] == [2, 1], "refilled behind the others"
    assert book.best() == (None, Level(100, 8, 2))
    book.apply(4, block(messages.OrderReduced(2, 4), messages.LevelChanged(100, 7, 2, SELL)))
    assert not book.differs()
    book.apply(5, block(messages.OrderDeleted(2), messages.LevelChanged(100, 3, 1, SELL)))
    assert (len(book), book.order(2), book.levels(SELL)) == (1, None, [Level(100, 3, 1)])


def test_an_event_that_does_not_fit_is_named() -> None:
    with pytest.raises(BookError, match="event 7 does not follow 0"):
        Book().apply(7, b"")
    with pytest.raises(BookError, match="order 3 does not rest"):
        Book().apply(1, block(messages.OrderDeleted(3)))
    with pytest.raises(BookError, match="end inside"):
        Book().apply(1, b"x")


@pytest.mark.parametrize(
    "said",
    [
        messages.OrderAdded(1, 100, 5, 7),
        messages.OrderRefilled(1, 100, 5, 7),
        messages.LevelChanged(100, 5, 1, 7),
    ],
)
def test_a_side_that_is_none_does_not_fit(said: messages.Message) -> None:
    with pytest.raises(BookError, match="side 7 is neither 1 nor 2"):
        Book().apply(1, block(said))
