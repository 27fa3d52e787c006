"""How far position is behind, seen from here: instructions that were committed and have no answer yet.

A position service that is dead says nothing of itself, and silence is not pressure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.pressure import Backlog, Lag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PositionLag"]


class PositionLag:
    """One backlog a partition of `orders`: position answers each of them in order."""

    def __init__(self, *, partitions: int, clock: Callable[[], float]) -> None:
        self._backlogs: list[Backlog[tuple[int, int]]] = [Backlog(clock=clock) for _ in range(partitions)]

    def committed(self, shard: int, rows: Sequence[tuple[int, bytes]]) -> None:
        """These numbers of a shard wait for their answer from now on."""
        backlog = self._backlogs[shard % len(self._backlogs)]
        for number, _ in rows:
            backlog.add((shard, number))

    def answered(self, shard: int, number: int) -> None:
        """This one has it, and so have all that were committed before it in its partition."""
        self._backlogs[shard % len(self._backlogs)].answered((shard, number))

    def lag(self, *, allowed_records: int, allowed_millis: int) -> Lag:
        """Of every pair: position's input is shared by all."""
        return Lag(
            symbol="",
            records=sum(map(len, self._backlogs)),
            allowed_records=allowed_records,
            millis=max(backlog.millis() for backlog in self._backlogs),
            allowed_millis=allowed_millis,
        )
