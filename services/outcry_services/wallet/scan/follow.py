"""Which block to scan next, and which to take back. Pure.

A place is the last blocks that were scanned, up to `remembered` of them, one height after the other. Each
step is a function of that place and of what the pool's majority says now, and the caller stores the new place
together with what the block brought: so a crash, a long downtime and a reorganisation are all the same to it,
and no block is skipped or counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.scan.errors import DeepReorgError

if TYPE_CHECKING:
    from outcry_services.wallet.nodes.model import Tip

__all__ = ["Place", "Scan", "Step", "TakeBack", "Wait", "next_step"]


@dataclass(frozen=True, slots=True)
class Place:
    """How far the chain is scanned."""

    blocks: tuple[Tip, ...]
    """Never empty: the first is the block after which scanning began, or the oldest that is remembered."""

    @property
    def last(self) -> Tip:
        """The block that was scanned last."""
        return self.blocks[-1]

    def scanned(self, block: Tip, *, remembered: int) -> Place:
        """After the next block. Raises ValueError for a block that isn't the next one."""
        if block.height != self.last.height + 1:
            raise ValueError(f"block {block.height} doesn't follow {self.last.height}")
        return Place((*self.blocks, block)[-remembered:])

    def taken_back(self) -> Place:
        """Before the last block. Raises `DeepReorgError` when nothing before it is remembered."""
        if len(self.blocks) == 1:
            raise DeepReorgError(
                f"block {self.last.height} ({self.last.hash}) has left the chain of the majority, and "
                "nothing before it is remembered: compare deposits by hand, then set the place to scan from"
            )
        return Place(self.blocks[:-1])


@dataclass(frozen=True, slots=True)
class Scan:
    """Scan the block at this height, whose parent is the last that was scanned."""

    height: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The last block that was scanned is no longer on the chain."""

    block: Tip


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to scan now."""

    on_chain: bool
    """The last block that was scanned is the majority's: what is deep enough below it may be credited."""


Step = Scan | TakeBack | Wait


def next_step(place: Place, *, height: int, block_at_last: str | None) -> Step:
    """What to do, where the majority's chain is `height` long and holds `block_at_last` where we are.

    `block_at_last` is None where that chain doesn't reach us: it is shorter now, for the moment or for good.
    Then the step is to wait, since a chain that wins is longer in the end, and what it replaced is taken back
    then.
    """
    last = place.last
    if block_at_last is None or height < last.height:
        return Wait(on_chain=False)
    if block_at_last != last.hash:
        return TakeBack(last)
    return Scan(last.height + 1) if last.height < height else Wait(on_chain=True)
