"""What a market said is counted once, and what it left out is told."""

from __future__ import annotations

from e2e.checker.schema import Event
from e2e.load.log import Log, take
from e2e.oracle.events import KINDS, OrderAccepted, OrderRejected, TradeExecuted

MAKER, TAKER = 2055, 3079


def event(seq, body, raw=b""):
    return Event(seq, 1, 1, seq, 0, KINDS[type(body)], body, raw or b"%d" % seq)


def accepted(order):
    return OrderAccepted(order, 7, 1, 1, 1, 100, 5, 0, 0, 0, 0, 0, 0, 0)


def traded(number, quantity):
    return TradeExecuted(number, 100, quantity, MAKER, TAKER, 7, 8, 1, 0, 0, 0, 0)


STORY = (
    event(1, accepted(MAKER)),
    event(2, accepted(TAKER)),
    event(3, traded(1, 2)),
    event(4, traded(2, 3)),
    event(5, OrderRejected(4103, 7, 1)),
)


def read(*parts):
    log = Log()
    for part in parts:
        take(log, part)
    return log


def test_a_whole_log_is_counted_by_order_and_by_trade():
    log = read(STORY)
    assert (log.events, log.trades, log.repeats, log.faults) == (5, 2, 0, [])
    assert log.entered == {MAKER: 1, TAKER: 1, 4103: 1}
    assert log.executed == {MAKER: 5, TAKER: 5}
    assert log.legs == {(trade, order): 1 for trade in (1, 2) for order in (MAKER, TAKER)}


def test_what_a_new_publisher_says_again_counts_once():
    log = read(STORY[:4], STORY[2:])
    assert (log.events, log.trades, log.repeats, log.faults) == (5, 2, 2, [])


def test_a_repeat_with_other_bytes_is_a_fault():
    assert read(STORY, [event(5, accepted(4103), raw=b"other")]).faults == [
        "event 5 was repeated with other bytes"
    ]


def test_numbers_that_are_left_out_are_faults():
    log = read([STORY[0], *STORY[2:]])
    assert log.faults == ["event 1 is followed by 3"]
    log = read(STORY[:2], [event(3, traded(2, 2))])
    assert log.faults == ["trade 1 has the number 2"]
