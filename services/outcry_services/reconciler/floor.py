"""The floor: a place in all sources that both views have passed, moved up again and again.

Redis says by its watermark how far each source was carried out there (`mark:{t}`, one for each master,
written behind the effects; `s17` is a shard's `incarnation number`, `eBTC-USDT` a pair's `offset seq`), the
ledger by its cursors. What is below the floor and not in Redis is lost there, not late. Pure but for `Marks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.legs import mark_of
from outcry_services.reconciler.ledger_view import Floor
from outcry_services.reconciler.state import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_services.common.redis import Redis

__all__ = ["Floors", "positions_of", "read_marks"]

MARKS = "mark:{*}"


class Floors:
    """The floor in force, and the place of the ledger at which it rises next."""

    def __init__(self) -> None:
        self._floor: Floor | None = None
        self._next: Floor | None = None

    @property
    def floor(self) -> Floor | None:
        """None until both views were seen at one place for the first time."""
        return self._floor

    def begin(self) -> None:
        """Let a first floor be there, though Redis was not where the ledger had been: below all entries.

        Whoever is to raise Redis's watermark may wait for a repair.
        """
        self._floor = self._floor or Floor(cursors={}, entry=0)

    def move(self, ledger: Floor, redis: Mapping[str, int]) -> None:
        """Take in where the ledger was, and where Redis has been since then."""
        target = self._next = self._next or ledger
        if all(redis.get(source, 0) >= at for source, at in target.cursors.items()):
            self._floor, self._next = target, None
        if self._floor is None:
            return
        # Sources move apart: one that stands still keeps the entry, not the others.
        cursors = {
            source: max(min(at, redis.get(source, 0)), self._floor.cursors.get(source, 0))
            for source, at in ledger.cursors.items()
        }
        self._floor = Floor(cursors=cursors, entry=self._floor.entry)


async def read_marks(redis: Redis) -> dict[str, int]:
    """How far every master is, by source as the ledger names it."""
    found = []
    async for keys in redis.keys(MARKS):
        for key in keys:
            fields = await redis.command("HGETALL", key)
            found.append(positions_of({name.decode(): text.decode() for name, text in fields.items()}))
    return least_of(found)


def positions_of(fields: Mapping[str, str]) -> dict[str, int]:
    """One watermark's sources."""
    positions = {}
    for name, text in fields.items():
        if name[:1] == "s" and name[1:].isdecimal():
            positions[f"{INSTRUCTIONS}:{name[1:]}"] = int(text.split(" ")[1])
        elif name[:1] == "e":
            positions[name[1:]] = mark_of(int(text.split(" ")[1]), 1)
    return positions


def least_of(marks: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Where all masters are."""
    found: dict[str, int] | None = None
    for mark in marks:
        if found is None:
            found = dict(mark)
        else:
            found = {source: min(at, mark[source]) for source, at in found.items() if source in mark}
    return found or {}
