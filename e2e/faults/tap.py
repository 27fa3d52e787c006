"""Listens to `events.{symbol}` as a consumer does, and remembers when what arrived."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.checker.schema import decode_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.checker.records import Record

__all__ = ["Arrival", "EventTap"]

KEPT = 200_000


@dataclass(frozen=True)
class Arrival:
    """A record that brought new events. `at` is this machine's monotonic clock."""

    at: float
    epoch: int
    replica: str
    first_new_seq: int
    last_seq: int


class EventTap:
    """Give `take` to a `Recorder` as its `seen`."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._changed = threading.Condition()
        self._arrivals: deque[Arrival] = deque(maxlen=KEPT)
        self._answered: dict[int, tuple[int, int]] = {}
        self.last: Arrival | None = None

    def take(self, records: list[Record], at: float) -> None:
        """Remember the records that hold something new."""
        for record in records:
            if record.value is None:
                continue
            events = decode_events(record.value, self._symbol)
            seq = self.last.last_seq if self.last else 0
            if not events or events[-1].seq <= seq:
                continue
            newest = events[-1]
            first_new = max(seq + 1, events[0].seq)
            epoch = int(record.headers.get("epoch", "0"))
            replica = record.headers.get("replica", "")
            arrival = Arrival(at, epoch, replica, first_new, newest.seq)
            with self._changed:
                for event in events:
                    self._answered[event.source] = (event.incarnation, event.number)
                self.last = arrival
                self._arrivals.append(arrival)
                self._changed.notify_all()

    def wait(self, wanted: Callable[[Arrival], bool], *, since: float, seconds: float) -> Arrival | None:
        """The first arrival not before `since` that is wanted; `None` when none came in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for arrival in reversed(self._since(since)):
                    if wanted(arrival):
                        return arrival
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def answered(self, source: int) -> tuple[int, int]:
        """(incarnation, number) of a source's last command that has an event: its numbers only rise."""
        return self._answered.get(source, (0, 0))

    def longest_silence(self, *, since: float, until: float) -> float:
        """The longest time without a new event between two instants, in seconds."""
        times = [since, *(a.at for a in reversed(self._since(since)) if a.at <= until), until]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def takeovers(self, *, since: float) -> int:
        """How many changes of epoch arrived since an instant."""
        before = 0
        epochs = set()
        for arrival in list(self._arrivals):
            if arrival.at < since:
                before = arrival.epoch
            else:
                epochs.add(arrival.epoch)
        return len(epochs - {before}) - (before == 0 and bool(epochs))

    def _since(self, instant: float) -> list[Arrival]:
        """Newest first."""
        found = []
        for arrival in reversed(self._arrivals):
            if arrival.at < instant:
                break
            found.append(arrival)
        return found
