"""The watermark: how far each log was carried out, kept in Redis behind the effects.

Each master has one, under a tag that lives there: it reaches a replica behind the effects that it stands
for. So whatever a promoted replica lacks lies behind its mark. One hash, with fields

    o3           the next offset of partition 3 of `orders`
    a3           where its answers begin in `order-events` that are not yet behind the mark
    r3           up to where answered instructions are sent to their pairs once more (see `rebuild`)
    s17          `incarnation number` of the last instruction of shard 17
    eBTC-USDT    `offset seq`: the next offset of the pair's events, and the last seq
    born         written once everything that was lost was made again, and proved
    known        the run of the master with which that was so
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BORN", "KNOWN", "EventsMark", "InstructionsMark", "Marks"]

BORN, KNOWN = "born", "known"


@dataclass(frozen=True, kw_only=True, slots=True)
class InstructionsMark:
    """Of one partition of `orders`; None: from the beginning."""

    offset: int | None = None
    answers: int | None = None
    resend: int = 0
    """Below this offset what was answered is sent to its pair once more; 0: nothing is."""
    numbers: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventsMark:
    """Of one pair's events; None: from the beginning."""

    offset: int | None = None
    seq: int | None = None


class Marks:
    """The watermarks of all masters, as they were read."""

    def __init__(self, found: Sequence[Mapping[str, str]]) -> None:
        self._found = found

    def instructions(self, partition: int, *, partitions: int) -> InstructionsMark:
        """Where the master that is farthest behind stands; one that knows nothing makes it the beginning."""
        name = f"o{partition}"
        if any(name not in mark for mark in self._found):
            return InstructionsMark()
        least = min(self._found, key=lambda mark: int(mark[name]))
        answers = least.get(f"a{partition}")
        return InstructionsMark(
            offset=int(least[name]),
            answers=None if answers is None else int(answers),
            resend=int(least.get(f"r{partition}", "0")),
            numbers={
                shard: min(_pair(mark[f"s{shard}"]) for mark in self._found)
                for shard in range(partition, SHARDS, partitions)
                if all(f"s{shard}" in mark for mark in self._found)
            },
        )

    def events(self, symbol: str) -> EventsMark:
        """Where the master that is farthest behind stands."""
        name = f"e{symbol}"
        if any(name not in mark for mark in self._found):
            return EventsMark()
        offset, seq = min(_pair(mark[name]) for mark in self._found)
        return EventsMark(offset=offset, seq=seq)

    def symbols(self) -> set[str]:
        """Pairs that were followed before."""
        return {name[1:] for mark in self._found for name in mark if name.startswith("e")}


def _pair(text: str) -> tuple[int, int]:
    first, second = text.split(" ")
    return int(first), int(second)
