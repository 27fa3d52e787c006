"""Two views of one user's money at one cut: every place where they differ. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from outcry_services.reconciler.state import Balance, View

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Difference", "Place", "differences", "worth"]


class Place(StrEnum):
    """What differs."""

    AVAILABLE = "available"
    HELD = "held"
    HOLD = "hold"
    """What is left of one order's or withdrawal's hold."""
    HOLDS = "holds"
    """`held` against the sum of the holds of the same side."""
    CURSOR = "cursor"
    """A view's own note of how far it is: what comes next would be dropped or done twice."""
    SHAPE = "shape"
    """A key that holds no amount at all: another type, other text, or one that nobody writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One place where the views differ, with both values as text: a broken one may be no number."""

    place: Place
    asset: str
    redis: str
    ledger: str
    id: int = 0
    """The order or withdrawal, for a hold."""
    amount: int = 0
    """How far apart, in ledger units of the asset; 0 where that is no amount."""


def differences(redis: View, ledger: View) -> list[Difference]:
    """Balance by balance and hold by hold, then each side's `held` against its own holds."""
    return [*_balances(redis, ledger), *_holds(redis, ledger), *_sums(redis, ledger)]


def worth(found: list[Difference]) -> dict[str, int]:
    """The most that differs of each asset, whichever way it is counted: of balances or of holds."""
    by_place: dict[tuple[str, Place], int] = {}
    for one in found:
        key = one.asset, one.place
        by_place[key] = by_place.get(key, 0) + one.amount
    most: dict[str, int] = {}
    for asset in {asset for asset, _ in by_place if asset}:
        balances = sum(by_place.get((asset, place), 0) for place in (Place.AVAILABLE, Place.HELD))
        holds = max(by_place.get((asset, place), 0) for place in (Place.HOLD, Place.HOLDS))
        most[asset] = max(balances, holds)
    return most


def _balances(redis: View, ledger: View) -> Iterator[Difference]:
    for asset in sorted({*redis.balances, *ledger.balances}):
        here = redis.balances.get(asset, Balance())
        there = ledger.balances.get(asset, Balance())
        if here.available != there.available:
            yield _apart(Place.AVAILABLE, asset, here.available, there.available)
        if here.held != there.held:
            yield _apart(Place.HELD, asset, here.held, there.held)


def _holds(redis: View, ledger: View) -> Iterator[Difference]:
    for number in sorted({*redis.holds, *ledger.holds}):
        here = redis.holds.get(number)
        there = ledger.holds.get(number)
        if here != there:
            asset = (there or here or ("", 0))[0]
            left, right = (here[1] if here else 0), (there[1] if there else 0)
            if left == right and here and there:
                yield Difference(place=Place.HOLD, asset=asset, redis=here[0], ledger=there[0], id=number)
            elif left != right:
                yield _apart(Place.HOLD, asset, left, right, id=number)


def _sums(redis: View, ledger: View) -> Iterator[Difference]:
    """Both sides may agree on a `held` that no open order explains."""
    for asset in sorted({*redis.balances, *ledger.balances}):
        here = redis.balances.get(asset, Balance()).held - _sum(redis, asset)
        there = ledger.balances.get(asset, Balance()).held - _sum(ledger, asset)
        if here or there:
            yield Difference(
                place=Place.HOLDS,
                asset=asset,
                redis=f"{here:+}",
                ledger=f"{there:+}",
                amount=max(abs(here), abs(there)),
            )


def _sum(view: View, asset: str) -> int:
    return sum(left for of, left in view.holds.values() if of == asset)


def _apart(place: Place, asset: str, redis: int, ledger: int, *, id: int = 0) -> Difference:  # noqa: A002
    return Difference(
        place=place, asset=asset, redis=str(redis), ledger=str(ledger), id=id, amount=abs(redis - ledger)
    )
