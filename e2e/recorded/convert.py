"""The recording as commands.

- Orders that rested before the recording began come first, with the size that `fills` could find.
- `created` is a limit order, good till cancelled. `deleted` with something left is a cancel.
- A fill is no command: the book makes it. So `changed` and `deleted` with nothing left say nothing,
- except when `changed` brings a new price: the exchange re-prices a market order as it walks through
  the book. That is a cancel and a new order with the volume that is left, under an id of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.recorded.fills import created, fill_rows, opening_volumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.recorded.rows import Recording, Row

# Ids of re-priced orders begin here, far above the recorded ones.
FIRST_OWN_ID = 10**12
USER = 1


@dataclass(frozen=True, kw_only=True)
class New:
    """A limit order, good till cancelled."""

    order_id: int
    bid: bool
    price: int
    volume: int
    timestamp: int


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The end of an order."""

    order_id: int
    timestamp: int


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """The commands, and which recorded order each order of ours stands for."""

    commands: tuple[New | Cancel, ...]
    recorded_ids: dict[int, int]


def convert(recording: Recording) -> Conversion:
    """Turn the recording into commands."""
    converter = _Converter(recording)
    return Conversion(commands=tuple(converter.commands()), recorded_ids=converter.recorded_ids)


class _Converter:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.recorded_ids = {order_id: order_id for order_id in recording.orders}
        # Where each live order is now: its id in our book, and its price.
        self._live: dict[int, tuple[int, int]] = {}
        self._ended: set[int] = set()
        self._next_own_id = FIRST_OWN_ID

    def commands(self) -> Iterator[New | Cancel]:
        yield from self._opening()
        for row in self._recording.rows:
            if row.action == "created" and row.order_id not in self._ended:
                self._live[row.order_id] = (row.order_id, row.price)
                yield _new(row.order_id, row)
            elif row.action == "changed":
                yield from self._reprice(row)
            elif row.action == "deleted":
                self._ended.add(row.order_id)
                if row.cancels:
                    yield Cancel(order_id=self._live_id(row), timestamp=row.timestamp)

    def _opening(self) -> Iterator[New]:
        recording = self._recording
        volumes = opening_volumes(recording, fill_rows(recording))
        for order_id in sorted(volumes):
            first = recording.orders[order_id][0]
            self._live[order_id] = (order_id, first.price)
            start = recording.rows[0].timestamp
            yield New(
                order_id=order_id,
                bid=first.bid,
                price=first.price,
                volume=volumes[order_id],
                timestamp=start,
            )

    def _reprice(self, row: Row) -> Iterator[New | Cancel]:
        live = self._live.get(row.order_id)
        if live is None or live[1] == row.price or not created(self._recording.orders[row.order_id]):
            return
        yield Cancel(order_id=live[0], timestamp=row.timestamp)
        own_id = self._next_own_id
        self._next_own_id += 1
        self.recorded_ids[own_id] = row.order_id
        self._live[row.order_id] = (own_id, row.price)
        if row.volume > 0:
            yield _new(own_id, row)

    def _live_id(self, row: Row) -> int:
        return self._live.get(row.order_id, (row.order_id, 0))[0]


def _new(order_id: int, row: Row) -> New:
    return New(order_id=order_id, bid=row.bid, price=row.price, volume=row.volume, timestamp=row.timestamp)
