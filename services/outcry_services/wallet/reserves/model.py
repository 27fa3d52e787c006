"""A wallet's coins at one block of its chain. Amounts are in the chain's units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.model import Tip
    from outcry_services.wallet.settings import AssetSettings

__all__ = ["AssetReserves", "Move", "Reserves", "ReservesView"]


@dataclass(frozen=True, slots=True)
class Move:
    """A deposit or a payout that chain and books may not agree on yet."""

    reference: str
    """As the books name it."""
    units: int
    """By how much it changes what the wallet has; a deposit's are whole ledger units."""
    on_chain: bool
    """Whether a block up to that of the reserves holds it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetReserves:
    """hot + cold, and where it came from."""

    asset: AssetSettings
    hot: int
    cold: int
    house: int
    """Paid in by others than users, less what the chain took for moves of our own; and what lies below a
    ledger unit of users' deposits."""
    kept_aside: int
    moves: tuple[Move, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Reserves:
    """All assets, up to this block."""

    block: Tip
    assets: tuple[AssetReserves, ...]


class ReservesView(Protocol):
    """A chain's way to tell."""

    async def read(self) -> Reserves:
        """As it stands. Raises `UnavailableError` while its followers stand on different chains."""
