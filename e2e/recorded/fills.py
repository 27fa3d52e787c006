"""What the recording says about fills: which rows are fills, of how much, and against whom.

A row without a counterpart of equal volume nearby fills an order whose size was never recorded,
because it rested before the recording began: that is how those orders get their size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.recorded.rows import Recording, Row

# Rows of one trade stand this near to each other, in rows and in milliseconds.
_NEAR_ROWS = 6
_NEAR_MS = 500
# The exchange computed in floating point: the two sides of a trade may differ by this many lots.
ROUNDING = 2


def fill_rows(recording: Recording) -> dict[int, int]:
    """The volume that each row filled, by the row's place; a row with a new price fills nothing."""
    filled: dict[int, int] = {}
    for rows in recording.orders.values():
        before: Row | None = None
        for row in in_order(rows):
            if before is not None and before.price == row.price and before.volume > row.volume:
                filled[row.at] = before.volume - row.volume
            before = row
    return filled


def recorded_fill(rows: tuple[Row, ...], filled: dict[int, int]) -> int:
    """The volume that an order filled in all."""
    return sum(filled.get(row.at, 0) for row in rows)


def in_order(rows: tuple[Row, ...]) -> list[Row]:
    """An order's rows with its creation first: a few were received after their own end."""
    return sorted(rows, key=lambda row: (row.action != "created", row.at))


def opening_volumes(recording: Recording, filled: dict[int, int]) -> dict[int, int]:
    """The size of each order that rested before the recording began, as far as it can be known."""
    lonely = _without_counterpart(recording, filled)
    volumes: dict[int, int] = {}
    resting = [own for own in recording.orders.values() if not created(own)]
    for rows in sorted(resting, key=lambda own: own[0].at):
        first = rows[0]
        volume = first.volume
        if not first.cancels:
            taker = next((row for row in _near(recording, first) if row.at in lonely), None)
            if taker is not None:
                volume += lonely.pop(taker.at)
        if volume > 0:
            volumes[first.order_id] = volume
    return volumes


def created(rows: tuple[Row, ...]) -> bool:
    """Whether the recording saw the order's beginning."""
    return any(row.action == "created" for row in rows)


def _without_counterpart(recording: Recording, filled: dict[int, int]) -> dict[int, int]:
    lonely = dict(filled)
    for at in sorted(filled):
        if at not in lonely:
            continue
        near = _near(recording, recording.rows[at])
        other = next((row for row in near if abs(lonely.get(row.at, -9) - filled[at]) <= ROUNDING), None)
        if other is not None:
            del lonely[at], lonely[other.at]
    return lonely


def _near(recording: Recording, row: Row) -> list[Row]:
    """Rows of the other side that may belong to the same trade, nearest first."""
    window = recording.rows[max(0, row.at - _NEAR_ROWS) : row.at + _NEAR_ROWS + 1]
    others = [other for other in window if other.bid != row.bid and _close(other, row)]
    return sorted(others, key=lambda other: abs(other.at - row.at))


def _close(one: Row, other: Row) -> bool:
    return abs(one.timestamp - other.timestamp) <= _NEAR_MS
