"""Whether two views of a user can be compared now, and what comes of it. Pure.

The cut is Redis's own, raised to the floor: what the ledger has and Redis must have, because Redis's
watermark is behind it. So a change that Redis lost is a difference, and one that it has not met yet is not.
The ledger is taken back to the cut by its own entries behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.reconciler.compare import Difference, Place, differences
from outcry_services.reconciler.state import INSTRUCTIONS, Cut, View, add_postings, latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.reconciler.ledger_view import Floor, LedgerView
    from outcry_services.reconciler.redis_view import RedisView
    from outcry_services.reconciler.state import Posting

__all__ = ["Compared", "Waiting", "compare"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The ledger is not where Redis is yet, in these sources."""

    behind: Cut


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Both views at one cut; equal when `differences` is empty."""

    user_id: int
    cut: Cut
    redis: View
    ledger: View
    differences: tuple[Difference, ...]
    untold: tuple[Posting, ...] = ()
    """What Redis has carried out up to the cut and the log didn't tell: in the ledger's view, too."""

    @property
    def unasked(self) -> frozenset[str]:
        """Assets for which Redis was not asked: the ledger, read later, had its first row of them by then.

        What differs in them is no difference.
        """
        return frozenset(self.ledger.balances) - frozenset(self.redis.balances)


def compare(
    redis: RedisView,
    ledger: LedgerView,
    floor: Floor,
    *,
    untrue: frozenset[str] = frozenset(),
    untold: Sequence[Posting] | None = None,
) -> Compared | Waiting:
    """Compare the two views at the one cut where both can stand.

    `untrue` are sources in which Redis claims to be beyond the end of the log: there the floor counts alone,
    and of instructions the ledger's place, as the cut must have the holds of all trades that are in it.
    `untold` is what Redis has carried out and no log tells yet, and the ledger can't have: it is added there.
    """
    true = {source: at for source, at in redis.cut.items() if source not in untrue}
    back = INSTRUCTIONS in true and true[INSTRUCTIONS] < redis.carried_out
    if back:
        # There the orders would have no hold that Redis has.
        true[INSTRUCTIONS] = redis.carried_out
    behind = {source: at for source, at in true.items() if at > ledger.at.get(source, 0)}
    if untold is not None:
        behind.pop(INSTRUCTIONS, None)
    if behind:
        return Waiting(behind=behind)
    low = floor.cut(redis.user_id)
    cut = latest(true, low, {source: ledger.at.get(source, 0) for source in untrue & {INSTRUCTIONS}})
    later = [one for one in ledger.tail if one.position > cut.get(one.source, 0)]
    there = add_postings(add_postings(ledger.view, later, sign=-1), untold or ())
    found = [
        *differences(redis.view, there),
        *_shapes(redis, ledger),
        *(_cursors(redis, ledger, low) or ([_back(redis)] if back else [])),
        *(_beyond(source, redis.cut[source], ledger) for source in sorted(untrue)),
    ]
    return Compared(
        user_id=redis.user_id,
        cut=cut,
        redis=redis.view,
        ledger=there,
        differences=tuple(found),
        untold=tuple(untold or ()),
    )


def _shapes(redis: RedisView, ledger: LedgerView) -> list[Difference]:
    here = [
        Difference(place=Place.SHAPE, asset=fault.asset, redis=f"{fault.key} = {fault.found}", ledger="")
        for fault in redis.faults
    ]
    there = [
        Difference(place=Place.SHAPE, asset=fault.asset, redis="", ledger=f"{fault.key} = {fault.found}")
        for fault in ledger.faults
    ]
    return here + there


def _beyond(source: str, at: int, ledger: LedgerView) -> Difference:
    """Whatever comes next would be taken for done."""
    return Difference(
        place=Place.CURSOR,
        asset="",
        redis=f"{source} {at}, beyond the end of the log",
        ledger=f"{source} {ledger.at.get(source, 0)}",
    )


def _back(redis: RedisView) -> Difference:
    """It is below what Redis itself has the trace of."""
    return Difference(
        place=Place.CURSOR,
        asset="",
        redis=f"{INSTRUCTIONS} {redis.cut[INSTRUCTIONS]}, and {redis.carried_out} was carried out",
        ledger="",
    )


def _cursors(redis: RedisView, ledger: LedgerView, low: Cut) -> list[Difference]:
    """A cursor that is behind what is in would let a replay do it a second time."""
    return [
        Difference(
            place=Place.CURSOR,
            asset="",
            redis=f"{source} {redis.cut.get(source, 0)}",
            ledger=f"{source} {last}",
        )
        for source, last in sorted(ledger.last.items())
        if redis.cut.get(source, 0) < last <= low.get(source, 0)
    ]
