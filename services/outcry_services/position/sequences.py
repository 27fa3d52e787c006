"""Numbers that may come twice, and never out of order: what is next, what was seen, what is too far ahead."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Numbers", "Seq", "Verdict"]


class Verdict(Enum):
    """What a number is."""

    NEXT = auto()
    REPEAT = auto()
    AHEAD = auto()
    """Something before it was not seen yet: it comes again, behind that."""


class Numbers:
    """The instructions of many shards: for each the last (incarnation, number)."""

    def __init__(self, last: dict[int, tuple[int, int]] | None = None) -> None:
        self.last: dict[int, tuple[int, int]] = dict(last or {})
        self.ahead: dict[int, int] = {}
        """Shards with a gap, and the number that is missing."""

    def take(self, shard: int, incarnation: int, number: int) -> Verdict:
        """Judge a number, and remember it when it is the next.

        Numbers go on in a new incarnation, but what the old one lost leaves a gap: so its first is taken as
        it is.
        """
        last_incarnation, last = self.last.get(shard, (0, 0))
        if last_incarnation in (incarnation, 0):
            if number <= last:
                return Verdict.REPEAT
            if number > last + 1:
                self.ahead[shard] = last + 1
                return Verdict.AHEAD
        elif incarnation < last_incarnation:
            return Verdict.REPEAT
        self.last[shard] = (incarnation, number)
        self.ahead.pop(shard, None)
        return Verdict.NEXT


class Seq:
    """The events of one pair; `last` None: whatever comes first is next."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.missing: int | None = None
        """What a gap lacks."""

    def take(self, seq: int) -> Verdict:
        """Judge a seq, and remember it when it is the next."""
        if self.last is not None:
            if seq <= self.last:
                return Verdict.REPEAT
            if seq > self.last + 1:
                self.missing = self.last + 1
                return Verdict.AHEAD
        self.last = seq
        self.missing = None
        return Verdict.NEXT
