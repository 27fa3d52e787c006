"""The workload through Python is the same commands, call by call and in arrays."""

from __future__ import annotations

import numpy as np
import pytest
from outcry_engine import Book, CommandKind

from bench.engine.embedded import CANCEL, IOC, LIMIT, MOVE, RECORD, REDUCE, one_round, prepared, read

ROWS = [
    # order, price, user, quantity, left, total, kind, side
    (1, 101, 10, 5, 0, 0, LIMIT, 1),
    (2, 102, 20, 7, 0, 0, LIMIT, 1),
    (3, 101, 30, 2, 0, 0, IOC, 0),
    (2, 0, 20, 3, 4, 4, REDUCE, 1),
    (1, 103, 10, 3, 0, 0, MOVE, 1),
    (2, 0, 20, 4, 0, 0, REDUCE, 1),
    (1, 0, 10, 0, 0, 0, CANCEL, 1),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "workload"
    header = np.array([int.from_bytes(b"OUTCRYW1", "little"), 2, len(ROWS) - 2, 0], "<u8")
    records = np.array([(*row, 0) for row in ROWS], RECORD)
    path.write_bytes(header.tobytes() + records.tobytes())
    return path


def test_records_become_commands(file):
    filling, timed = read(file)
    assert filling["kind"].tolist() == [CommandKind.NEW_ORDER] * 2
    assert timed["kind"].tolist() == [
        CommandKind.NEW_ORDER,
        CommandKind.AMEND_ORDER,
        CommandKind.CANCEL_REPLACE,
        CommandKind.CANCEL_ORDER,
        CommandKind.CANCEL_ORDER,
    ]
    assert timed["quantity"].tolist() == [2, 4, 3, 0, 0]


def test_both_ways_end_in_the_same_book(file):
    calls, arrays = (one_round(way, *read(file)) for way in ("calls", "arrays"))
    assert calls["outcome"] == arrays["outcome"]
    assert calls["commands"] == 5


def test_every_command_of_it_is_carried_out(file):
    book = Book()
    filling, timed = read(file)
    book.apply_array(filling)
    kinds = [[type(event).__name__ for event in call(*args)] for call, args in prepared(book, timed)]
    assert kinds == [
        ["OrderAccepted", "TradeExecuted"],
        ["OrderAmended"],
        ["OrderCancelled", "OrderAccepted"],
        ["OrderCancelled"],
        ["OrderCancelled"],
    ]
    assert book.totals().open_orders == 0
