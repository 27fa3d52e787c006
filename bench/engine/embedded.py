"""The workload through Python: `python -m bench.engine.embedded calls|arrays FILE ROUNDS`.

`calls` makes one call for each command, `arrays` one for each slice of an array of commands. What is
printed has the Rust program's form, but that books are compared by their snapshots' digest alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from outcry_engine import (
    COMMAND_DTYPE,
    Book,
    CancelReplaceMode,
    CommandKind,
    Event,
    OrderType,
    PairSettings,
    Side,
    TimeInForce,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Prepared = list[tuple[Callable[..., list[Event]], tuple[int, ...]]]

RECORD: Final = np.dtype(
    [
        ("order_id", "<u8"),
        ("price", "<u4"),
        ("user_id", "<u4"),
        ("quantity", "<u4"),
        ("left", "<u4"),
        ("total", "<u4"),
        ("kind", "u1"),
        ("side", "u1"),
        ("spare", "<u2"),
    ]
)
LIMIT, IOC, CANCEL, REDUCE, MOVE = range(5)
SLICE = 4096
"""Commands of one array: what fits a CPU's cache with the events."""


def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The commands that fill the book and those that are timed, as arrays for `apply_array`."""
    filling = int(np.fromfile(file, "<u8", 2)[1])
    commands = converted(np.fromfile(file, RECORD, offset=32))
    return commands[:filling], commands[filling:]


def converted(records: np.ndarray) -> np.ndarray:
    """The workload's records as commands; a reduction to nothing is a cancel."""
    commands = np.zeros(len(records), COMMAND_DTYPE)
    kind, left = records["kind"], records["left"]
    new, amends = np.isin(kind, (LIMIT, IOC, MOVE)), (kind == REDUCE) & (left > 0)
    commands["kind"] = np.select(
        [kind == MOVE, new, amends],
        [CommandKind.CANCEL_REPLACE, CommandKind.NEW_ORDER, CommandKind.AMEND_ORDER],
        CommandKind.CANCEL_ORDER,
    )
    for name in ("order_id", "user_id"):
        commands[name] = records[name]
    commands["cancel_order_id"] = np.where(kind == MOVE, records["order_id"], 0)
    commands["mode"] = np.where(kind == MOVE, CancelReplaceMode.STOP_ON_FAILURE, 0)
    commands["side"] = np.where(new, np.where(records["side"] == 0, Side.BUY, Side.SELL), 0)
    commands["type"] = np.where(new, OrderType.LIMIT, 0)
    commands["time_in_force"] = np.where(new, np.where(kind == IOC, TimeInForce.IOC, TimeInForce.GTC), 0)
    commands["price"] = np.where(new, records["price"], 0)
    commands["quantity"] = np.where(new, records["quantity"], np.where(amends, records["total"], 0))
    return commands


def prepared(book: Book, commands: np.ndarray) -> Prepared:
    """Each command as a call and its arguments, which a caller would have at hand."""
    columns = ("kind", "order_id", "user_id", "side", "type", "quantity", "price", "time_in_force")
    calls: Prepared = []
    for kind, *order in zip(*(commands[name].tolist() for name in columns), strict=True):
        if kind == CommandKind.NEW_ORDER:
            calls.append((book.submit, tuple(order)))
        elif kind == CommandKind.CANCEL_REPLACE:
            calls.append((book.cancel_replace, (order[0], *order)))
        elif kind == CommandKind.AMEND_ORDER:
            calls.append((book.amend, (order[0], order[1], order[4])))
        else:
            calls.append((book.cancel, (order[0], order[1])))
    return calls


def one_round(way: str, filling: np.ndarray, timed: np.ndarray) -> dict[str, Any]:
    """A book of its own, filled untimed."""
    book = Book(PairSettings(maker_fee_ppm=-100, taker_fee_ppm=750))
    for first in range(0, len(filling), SLICE):
        book.apply_array(filling[first : first + SLICE])
    if way == "calls":
        calls = prepared(book, timed)
        started = time.perf_counter()
        for call, arguments in calls:
            call(*arguments)
    else:
        started = time.perf_counter()
        for first in range(0, len(timed), SLICE):
            book.apply_array(timed[first : first + SLICE])
    seconds = time.perf_counter() - started
    outcome = {"seq": book.seq, "book": hashlib.sha256(book.snapshot()).hexdigest()[:16]}
    return {"finished": True, "commands": len(timed), "seconds": seconds, "outcome": outcome}


def main() -> None:
    """Run the rounds on the benchmark's CPU and print their results."""
    way, file, rounds = sys.argv[1:]
    if cpu := os.environ.get("BENCH_CPU"):
        os.sched_setaffinity(0, {int(cpu)})
    filling, timed = read(Path(file))
    print(json.dumps([one_round(way, filling, timed) for _ in range(int(rounds))]))


if __name__ == "__main__":
    main()
