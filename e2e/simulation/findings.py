"""What the reconciler found and did, held to what somebody broke: invariant 11.

A difference is never silent and comes to an end; lag is never one. Whoever broke nothing is not repaired, a
repair is made once and on the side that is wrong, and what is worth too much pauses withdrawals.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from outcry.v1.journal_pb2 import JournalKind

from e2e.simulation.reconciler_side import PAUSE_ABOVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry.v1.journal_pb2 import JournalEntry

    from e2e.simulation.breaking import Broken
    from e2e.simulation.world import World

__all__ = ["faults_of", "of_repair"]

PAUSED = "outcry/withdrawals/paused"
FINDING = "SELECT user_id, closed_unix_nanos, verdict, state, differences, sats FROM reconciler.findings"
REPAIR = "SELECT user_id, side, state FROM reconciler.repairs"


class _Finding(NamedTuple):
    user: int
    closed: int
    verdict: str
    state: str
    differences: str
    sats: int | None


def of_repair(entry: JournalEntry) -> bool:
    """Whether the reconciler wrote this entry of the journal: it has no cause in a log."""
    return entry.kind == JournalKind.JOURNAL_KIND_ADJUST and not entry.cause


def faults_of(world: World) -> list[str]:
    """What is wrong with findings, repairs and the flag; nothing without a reconciler."""
    if "reconciler" not in world.lives:
        return []
    findings = [_Finding(*row) for row in world.mysql.execute(FINDING)]
    repairs = world.mysql.execute(REPAIR)
    return [
        *(f"an open finding: {one}" for one in findings if one.state == "open"),
        *(f"a repair without an end: {one}" for one in repairs if one[2] == "planned"),
        *_silent(world, findings),
        *_flag(world, findings),
        # A Redis that lost its last moments differs, without anybody's hand in it.
        *(() if world.redis_deaths else _unfounded(world, findings, repairs)),
    ]


def _silent(world: World, findings: list[_Finding]) -> list[str]:
    """Whatever was broken was found: at the time, or before, in what was not repaired yet."""
    closed: dict[int, int] = {}
    for one in findings:
        closed[one.user] = max(one.closed, closed.get(one.user, 0))
    return [
        f"never found: {one}"
        for one in world.broken
        if closed.get(one.user, 0) < one.time * 1e9 and not _heals(one, world)
    ]


def _heals(one: Broken, world: World) -> bool:
    """A cursor is put right by the user's next instruction, a hold goes with its order.

    A key of another type where nothing is held says what an absent one says, and is written over. A promoted
    Redis may lack what was broken.
    """
    if one.side == "ledger":
        return one.way.startswith("a hold")
    if one.way == "another type" and not one.held:
        return True
    return one.way in ("cursor back", "cursor deleted") or world.redis_deaths > 0


def _unfounded(world: World, findings: list[_Finding], repairs: list[tuple[Any, ...]]) -> list[str]:
    sides = Counter((one.user, one.side) for one in world.broken)
    users = {one.user for one in world.broken}
    done = Counter((user, side) for user, side, state in repairs if state == "done")
    return [
        *(f"nobody broke this: {one}" for one in findings if one.user not in users),
        *(f"not the side that was broken: {one}" for one in findings if not _right(one, sides)),
        *(f"{key} was repaired {count} times" for key, count in done.items() if count > sides[key]),
    ]


def _right(finding: _Finding, sides: Counter[tuple[int, str]]) -> bool:
    broken = {side for side in ("redis", "ledger") if sides[finding.user, side]}
    wrong = {"both": {"redis", "ledger"}, "neither": set(), "": set()}
    return wrong.get(finding.verdict, {finding.verdict}) <= broken


def _flag(world: World, findings: list[_Finding]) -> list[str]:
    """Withdrawals are paused if what was found is worth too much, or can't be valued, and then alone.

    What was superseded counted until then.
    """
    paused = PAUSED in world.consul.keys
    cleared = world.saga is not None and world.saga.cleared
    must, may = _too_much(one for one in findings if one.state != "superseded"), _too_much(findings)
    faults = (
        [f"worth too much: {must}, and paused: {paused}"]
        if not (must <= (paused or cleared) and paused <= may)
        else []
    )
    return faults + [f"{one} is not worth {one.sats}" for one in findings if not _worth_right(one)]


def _too_much(findings: Iterable[_Finding]) -> bool:
    worth = [one.sats for one in findings]
    return None in worth or sum(one or 0 for one in worth) > PAUSE_ABOVE


def _worth_right(finding: _Finding) -> bool:
    """What differs in BTC alone, of balances or of holds, is worth itself."""
    differences = json.loads(finding.differences)
    if {one["asset"] for one in differences} != {"BTC"}:
        return True
    balances = sum(one["amount"] for one in differences if one["place"] in ("available", "held"))
    holds = max(
        sum(one["amount"] for one in differences if one["place"] == place) for place in ("hold", "holds")
    )
    return bool(finding.sats == max(balances, holds))
