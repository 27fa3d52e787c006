"""The recording: one row for each event of one order, as the exchange's public feed gave it.

`volume` is what is left after the event. A `changed` row is a fill, or a new price; a `deleted` row
with volume 0 is the last fill, with more a cancel. Prices become ticks of 0.01, volumes lots of 10^-8.
"""

from __future__ import annotations

import csv
import lzma
import os
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FILE = Path("bitstamp-2015-05-01") / "orders.csv.xz"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One event. `at` is its place in the recording, `timestamp` milliseconds when it was received."""

    at: int
    order_id: int
    timestamp: int
    price: int
    volume: int
    action: str
    bid: bool

    @property
    def cancels(self) -> bool:
        """The order ended with something left."""
        return self.action == "deleted" and self.volume > 0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All rows in their order, and the rows of each order."""

    rows: tuple[Row, ...]
    orders: dict[int, tuple[Row, ...]]


def data_file() -> Path:
    """Where the recording is kept: under `$OUTCRY_DATA`, or beside the repository in `shared/data`."""
    folder = os.environ.get("OUTCRY_DATA")
    return (Path(folder) if folder else REPOSITORY.parent / "shared" / "data") / FILE


def load(path: Path) -> Recording:
    """Read the whole recording."""
    with lzma.open(path, "rt") as file:
        rows = tuple(_row(at, fields) for at, fields in enumerate(csv.DictReader(file)))
    return of_rows(rows)


def of_rows(rows: tuple[Row, ...]) -> Recording:
    """Sort rows out by order."""
    orders = defaultdict(list)
    for row in rows:
        orders[row.order_id].append(row)
    return Recording(rows=rows, orders={order_id: tuple(own) for order_id, own in orders.items()})


def _row(at: int, fields: dict[str, str]) -> Row:
    return Row(
        at=at,
        order_id=int(fields["id"]),
        timestamp=int(fields["timestamp"]),
        price=int(Decimal(fields["price"]) * 100),
        volume=int(fields["volume"]),
        action=fields["action"],
        bid=fields["direction"] == "bid",
    )
