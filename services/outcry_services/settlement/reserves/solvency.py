"""hot + cold = owed + in flight + house + in transit + difference, for each asset. Pure.

The books stand at one cut, each wallet at one block, and a movement may be on one side alone:

    a deposit in a block, not in the books yet          in transit, +
    one in the books, of a block beyond the wallet's    in transit, -
    a payout in a block, not ended in the books         in transit, - (with its fee; the amount is still held
                                                        or in flight)
    one ended in the books beyond the wallet's block    in transit, +

A wallet names each movement near its block, and what the books changed by it is looked up under that name. So
the difference is what nobody accounts for: it is 0 to the unit, or coins are missing, or too many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AssetSolvency", "Booked", "Owed", "Status", "WalletAsset", "WalletMove", "compare"]


class Status(StrEnum):
    """How chain and books stand to one another."""

    EXACT = "EXACT"
    SURPLUS = "SURPLUS"
    """The chain has more than anybody accounts for."""
    SHORT = "SHORT"
    """It has less."""
    UNWATCHED = "UNWATCHED"
    """Something is owed, and no wallet looks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What the books say of an asset, in ledger units."""

    users: int
    """Available and held."""
    in_flight: int
    outside: int
    """What chains must have."""


@dataclass(frozen=True, slots=True)
class WalletMove:
    """A movement near the wallet's block; `units` are the chain's."""

    reference: str
    units: int
    on_chain: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WalletAsset:
    """What a wallet has of an asset, in units of 10^-`scale`."""

    asset: str
    scale: int
    ledger_scale: int
    hot: int
    cold: int
    house: int
    moves: tuple[WalletMove, ...]


Booked = tuple[str, str]
"""A movement's name and an asset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetSolvency:
    """One asset, in units of 10^-`scale`; None: nobody knows its decimals, they are ledger units."""

    asset: str
    status: Status
    scale: int | None
    hot: int = 0
    cold: int = 0
    owed: int
    in_flight: int
    house: int
    in_transit: int = 0

    @property
    def difference(self) -> int:
        """What nobody accounts for."""
        return self.hot + self.cold - self.owed - self.in_flight - self.house - self.in_transit

    @property
    def is_covered(self) -> bool:
        """Whether what is owed is there."""
        return self.status in (Status.EXACT, Status.SURPLUS)


def compare(
    books: Mapping[str, Owed],
    wallets: Sequence[WalletAsset],
    booked: Mapping[Booked, int],
    *,
    scales: Mapping[str, int],
) -> list[AssetSolvency]:
    """Every asset that is owed, or that a wallet has; by name. `scales`: the ledger's decimals."""
    found = []
    for asset in sorted({*books, *(it.asset for it in wallets)}):
        owed = books.get(asset, Owed(users=0, in_flight=0, outside=0))
        having = [it for it in wallets if it.asset == asset]
        if having:
            found.append(_watched(asset, owed, having, booked))
        elif owed.users or owed.in_flight or owed.outside:
            found.append(
                AssetSolvency(
                    asset=asset,
                    status=Status.UNWATCHED,
                    scale=scales.get(asset),
                    owed=owed.users,
                    in_flight=owed.in_flight,
                    house=owed.outside - owed.users - owed.in_flight,
                )
            )
    return found


def _watched(
    asset: str, owed: Owed, having: Sequence[WalletAsset], booked: Mapping[Booked, int]
) -> AssetSolvency:
    # In the finest of all units.
    scale = max(max(it.scale, it.ledger_scale) for it in having)
    ledger = 10 ** (scale - having[0].ledger_scale)
    transit = house = hot = cold = 0
    for it in having:
        unit = 10 ** (scale - it.scale)
        hot, cold, house = hot + it.hot * unit, cold + it.cold * unit, house + it.house * unit
        for move in it.moves:
            transit += move.units * unit * move.on_chain - booked.get((move.reference, asset), 0) * ledger
    sides = AssetSolvency(
        asset=asset,
        status=Status.EXACT,
        scale=scale,
        hot=hot,
        cold=cold,
        owed=owed.users * ledger,
        in_flight=owed.in_flight * ledger,
        house=(owed.outside - owed.users - owed.in_flight) * ledger + house,
        in_transit=transit,
    )
    return _judged(sides)


def _judged(sides: AssetSolvency) -> AssetSolvency:
    if sides.difference == 0:
        return sides
    return replace(sides, status=Status.SHORT if sides.difference < 0 else Status.SURPLUS)
