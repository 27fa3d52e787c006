"""What the market said, read from `events.{symbol}` from its first event to its last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from e2e.checker import read_topic
from e2e.checker.schema import decode_events
from e2e.oracle.events import OrderAccepted, OrderRejected, TradeExecuted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.checker.schema import Event

__all__ = ["Log", "read_log", "take"]


@dataclass
class Log:
    """Every event counted once, however often it was published."""

    events: int = 0
    repeats: int = 0
    entered: Counter[int] = field(default_factory=Counter)
    """How often the pair accepted or rejected each order."""
    executed: Counter[int] = field(default_factory=Counter)
    """Lots that each order traded."""
    legs: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Legs of trades, by trade and order."""
    trades: int = 0
    faults: list[str] = field(default_factory=list)
    """Numbers left out, and repeats that say something else."""
    said: dict[int, int] = field(default_factory=dict, repr=False)
    """A hash of each event's bytes, by seq."""


def read_log(kafka: str, symbol: str) -> Log:
    """Raises `ValueError` when the topic's beginning is gone or a record is no batch of events."""
    log = Log()
    for record in read_topic(kafka, f"events.{symbol}"):
        if record.value is not None:
            take(log, decode_events(record.value, symbol))
    return log


def take(log: Log, events: Iterable[Event]) -> None:
    """Count what comes next in the topic."""
    for event in events:
        digest = hash(event.raw)
        if event.seq <= log.events:
            log.repeats += 1
            if log.said.get(event.seq) != digest:
                log.faults.append(f"event {event.seq} was repeated with other bytes")
            continue
        if event.seq != log.events + 1:
            log.faults.append(f"event {log.events} is followed by {event.seq}")
        log.events = event.seq
        log.said[event.seq] = digest
        _count(log, event)


def _count(log: Log, event: Event) -> None:
    body = event.body
    if isinstance(body, OrderAccepted | OrderRejected):
        log.entered[body.order_id] += 1
    elif isinstance(body, TradeExecuted):
        log.trades += 1
        if body.trade_id != log.trades:
            log.faults.append(f"trade {log.trades} has the number {body.trade_id}")
        for order in (body.maker_order_id, body.taker_order_id):
            log.executed[order] += body.quantity
            log.legs[body.trade_id, order] += 1
