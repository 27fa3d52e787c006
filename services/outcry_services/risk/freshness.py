"""Whether the view is complete, and as of when.

A reader that gets nothing can't tell an idle log from one that it doesn't reach. So the ends of all logs are
asked for, and a partition is known to be complete as of the moment of that question once it was read up to
the end that was answered. Pure; times are seconds of one clock that never goes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Freshness", "Place"]

Place = tuple[str, int]
"""A topic and a partition."""


class Freshness:
    """How far each partition was read, and how old that makes it."""

    def __init__(self) -> None:
        self._read: dict[Place, int] = {}
        self._asked: dict[Place, tuple[int, float]] = {}
        self._complete: dict[Place, float] = {}

    def read(self, place: Place, position: int) -> None:
        """A partition was read up to a position."""
        self._read[place] = position
        self._settle(place)

    def ends(self, ends: Mapping[Place, int], *, asked: float) -> None:
        """The ends of partitions as they were at some moment after `asked`.

        A question that is still open stays: in a busy log every new end would be out of reach.
        """
        for place, end in ends.items():
            if place not in self._asked:
                self._asked[place] = (end, asked)
                self._settle(place)

    def age(self, places: Iterable[Place], *, now: float) -> float | None:
        """Seconds since all of these were complete; None: one of them never was."""
        times = [self._complete.get(place) for place in places]
        known = [time for time in times if time is not None]
        if len(known) < len(times):
            return None
        return now - min(known, default=now)

    def forget(self, place: Place) -> None:
        """The partition is read no more, or begins anew."""
        for kept in (self._read, self._asked, self._complete):
            kept.pop(place, None)

    def _settle(self, place: Place) -> None:
        end, asked = self._asked.get(place, (None, 0.0))
        if end is not None and self._read.get(place, 0) >= end:
            del self._asked[place]
            self._complete[place] = asked
