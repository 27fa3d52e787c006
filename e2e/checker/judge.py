"""The verdict: what the log holds against what the oracle makes of the input."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.checker.schema import PoisonError, decode_commands, decode_events
from e2e.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from e2e.checker.records import Record
    from e2e.checker.schema import Event
    from e2e.oracle.commands import Command
    from e2e.oracle.events import Event as Expected

__all__ = ["Difference", "Judge", "Report", "Takeover"]

KEPT_DIFFERENCES = 20


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it must be."""

    seq: int
    what: str


@dataclass(frozen=True)
class Takeover:
    """The first new event under a new epoch."""

    epoch: int
    replica: str
    seq: int
    offset: int
    published_unix_nanos: int


@dataclass
class Report:
    """Counts over a whole log; `fine` says whether the engine kept its promises."""

    symbol: str
    input_records: int = 0
    poison_records: int = 0
    commands: int = 0
    repeated_commands: int = 0
    event_records: int = 0
    events: int = 0
    trades: int = 0
    raw_repeats: int = 0
    lost: int = 0
    unlogged: int = 0
    different: int = 0
    stale_epochs: int = 0
    differences: list[Difference] = field(default_factory=list)
    takeovers: list[Takeover] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Nothing lost, nothing different, nothing acknowledged that isn't in the log."""
        return not (self.lost or self.different or self.unlogged or self.stale_epochs)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "fine": self.fine}

    def totals(self) -> dict[str, int]:
        """The counts alone."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, int)}

    def note(self, seq: int, what: str) -> None:
        """Count a difference, and keep it if it is among the first."""
        self.different += 1
        if len(self.differences) < KEPT_DIFFERENCES:
            self.differences.append(Difference(seq, what))


class Judge:
    """Compares one pair's events with the oracle's, in one pass over both logs."""

    def __init__(self, *, symbol: str, commands: Iterable[Record]) -> None:
        self.report = Report(symbol=symbol)
        self.book = Oracle()
        self._symbol = symbol
        self._input = self._commands(commands)
        self._due: deque[Expected] = deque()
        # A short hash of every event by seq - 1: repeats must be the same bytes.
        self._seen = array("Q")
        self._epoch = 0
        self._applied: Counter[tuple[int, int]] = Counter()

    def commands(self, records: Iterable[Record]) -> None:
        """Go on with more of `matching.{symbol}`, once `finish` has used up what was there before."""
        self._input = self._commands(records)

    def events(self, records: Iterable[Record]) -> None:
        """Judge the records of `events.{symbol}` in their order."""
        for record in records:
            if record.value is None:
                continue
            self.report.event_records += 1
            try:
                events = decode_events(record.value, self._symbol)
            except ValueError as error:
                self.report.note(len(self._seen), f"record at {record.offset} does not decode: {error}")
                continue
            for event in events:
                self._event(event, record)

    def finish(self, *, acknowledged: Mapping[tuple[int, int], int] | None = None) -> Report:
        """Count what never came.

        `acknowledged` is how many commands, numbered from 1, Kafka acknowledged to each (source,
        incarnation): those that the book never applied were lost before they could be matched. What
        others sent after the last of them may still be answered, so it is left for the next time.
        """
        rest: list[Expected] = []
        while self._fill():
            rest.append(self._due.popleft())
        lost = len(rest)
        if acknowledged is not None:
            own = (at for at, due in enumerate(rest) if _is_acknowledged(due, acknowledged))
            lost = max(own, default=-1) + 1
        self._due.extend(rest[lost:])
        for due in rest[:lost]:
            self.report.lost += 1
            if self.report.lost <= KEPT_DIFFERENCES:
                missing = f"lost: {due[1:]}"
                self.report.differences.append(Difference(len(self._seen) + self.report.lost, missing))
        short = (number - self._applied[sender] for sender, number in (acknowledged or {}).items())
        self.report.unlogged = sum(count for count in short if count > 0)
        return self.report

    def _event(self, event: Event, record: Record) -> None:
        digest = int.from_bytes(hashlib.blake2b(event.raw, digest_size=8).digest(), "little")
        if event.seq <= len(self._seen):
            self.report.raw_repeats += 1
            if event.seq == 0 or self._seen[event.seq - 1] != digest:
                self.report.note(event.seq, f"repeated at {record.offset} with other bytes")
            return
        if event.seq != len(self._seen) + 1:
            self.report.note(event.seq, f"gap: {len(self._seen)} is followed by {event.seq}")
            return
        self._seen.append(digest)
        self.report.events += 1
        self.report.trades += event.kind == "trade_executed"
        self._check_epoch(event, record)
        self._check_content(event)

    def _check_epoch(self, event: Event, record: Record) -> None:
        epoch = int(record.headers.get("epoch", "0"))
        if epoch < self._epoch:
            self.report.stale_epochs += 1
        if epoch > self._epoch:
            self._epoch = epoch
            published = int(record.headers.get("published-unix-nanos", "0"))
            replica = record.headers.get("replica", "")
            self.report.takeovers.append(Takeover(epoch, replica, event.seq, record.offset, published))

    def _check_content(self, event: Event) -> None:
        if not self._fill():
            self.report.note(event.seq, f"{event.kind} {event.body} without a command that causes it")
            return
        # All but the seq, which has been looked at, and the raw bytes.
        expected, found = self._due.popleft()[1:], event[1:-1]
        if expected != found:
            self.report.note(event.seq, f"expected {expected}, found {found}")

    def _fill(self) -> bool:
        """Apply input until an event is due; false at the end of the input."""
        while not self._due:
            command = next(self._input, None)
            if command is None:
                return False
            if self.book.repeats(command):
                self.report.repeated_commands += 1
                continue
            self._applied[command.source, command.incarnation] += 1
            self._due.extend(self.book.apply(command))
        return True

    def _commands(self, records: Iterable[Record]) -> Iterator[Command]:
        for record in records:
            self.report.input_records += 1
            try:
                commands = decode_commands(record.value, self._symbol)
            except PoisonError:
                self.report.poison_records += 1
                continue
            self.report.commands += len(commands)
            yield from commands


def _is_acknowledged(due: Expected, acknowledged: Mapping[tuple[int, int], int]) -> bool:
    return due.number <= acknowledged.get((due.source, due.incarnation), 0)
