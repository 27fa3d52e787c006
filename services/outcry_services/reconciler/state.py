"""A user's money as one view shows it at a cut, and the cut itself.

A cut names, for each source of changes, the last one that is in: the user's instructions (`i`, by their
number in the shard) and each pair's events (by `legs.mark_of`). Both views carry it, so that two of them are
compared where they stand at the same place; what one view has and the other one not yet is lag, and no
difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["INSTRUCTIONS", "Balance", "Cut", "Posting", "View", "add_postings", "latest", "ledger_source"]

INSTRUCTIONS = "i"

Cut = dict[str, int]


@dataclass(frozen=True, slots=True)
class Balance:
    """Ledger units."""

    available: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Posting:
    """What one cause did to one asset of the user: changes, not balances."""

    source: str
    position: int
    asset: str
    available: int
    held: int
    id: int = 0
    """The order or the withdrawal whose hold `held` belongs to; 0: none."""


@dataclass(frozen=True, slots=True)
class View:
    """Balances by asset and what is left of each hold by its id; what is 0 may be missing."""

    balances: Mapping[str, Balance] = field(default_factory=dict)
    holds: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def latest(*cuts: Mapping[str, int]) -> Cut:
    """The cut at which everything is in that any of these has."""
    found: Cut = {}
    for cut in cuts:
        for source, position in cut.items():
            found[source] = max(position, found.get(source, 0))
    return found


def ledger_source(source: str, user_id: int) -> str:
    """A source as the ledger names it: instructions of all users of a shard are one sequence."""
    return f"{INSTRUCTIONS}:{user_id % SHARDS}" if source == INSTRUCTIONS else source


def add_postings(view: View, postings: Iterable[Posting], *, sign: int = 1) -> View:
    """The view with these changes done, or, with sign -1, undone."""
    balances = dict(view.balances)
    holds = dict(view.holds)
    for one in postings:
        before = balances.get(one.asset, Balance())
        balances[one.asset] = Balance(before.available + sign * one.available, before.held + sign * one.held)
        if one.id and one.held:
            _, left = holds.get(one.id, (one.asset, 0))
            holds[one.id] = (one.asset, left + sign * one.held)
    return View(balances, {number: hold for number, hold in holds.items() if hold[1]})
