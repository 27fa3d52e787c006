"""A chain of blocks: of all that spend one point it takes one, and its newest block may be undone.

Two kinds of point: coins, spent in any order, and numbers of one account, which are used in turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.simulation.chance import Chance

__all__ = ["ACCOUNT", "CONFIRMATIONS", "Pays", "SagaChain", "Transfer"]

ACCOUNT = "0xhot"
CONFIRMATIONS = 2
"""Only a block above this depth may be undone."""

Pays = tuple[tuple[int, str, int], ...]
"""Withdrawal, address, units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """A whole transaction."""

    txid: str
    points: tuple[str, ...]
    """What it spends."""
    pays: Pays = ()
    fee: int = 0
    unsigned: bytes = b""
    """Without its signatures."""

    @classmethod
    def of(cls, raw: bytes) -> Transfer:
        """From its signed form."""
        signed = json.loads(raw)
        whole = json.loads(signed["unsigned"])
        return cls(
            txid=signed["txid"],
            points=tuple(whole["points"]),
            pays=tuple((number, address, units) for number, address, units in whole["pays"]),
            fee=whole["fee"],
            unsigned=signed["unsigned"].encode(),
        )

    def raw(self) -> bytes:
        """Its signed form."""
        return json.dumps({"txid": self.txid, "unsigned": self.unsigned.decode()}).encode()


class SagaChain:
    """It never dies, and whatever it was offered it has."""

    def __init__(self) -> None:
        self.blocks: list[tuple[Transfer, ...]] = []
        self._offered: dict[str, Transfer] = {}

    @property
    def height(self) -> int:
        """Of the newest block; 0: there is none."""
        return len(self.blocks)

    def offer(self, transfer: Transfer) -> None:
        """Hand a transaction to the nodes."""
        self._offered.setdefault(transfer.txid, transfer)

    def mine(self, chance: Chance, *, most: int) -> None:
        """One more block, of at most so many of what was offered; of rivals whichever comes first."""
        waiting = [it for it in self._offered.values() if self.where(it.txid) is None]
        taken: list[Transfer] = []
        self.blocks.append(())
        while len(taken) < most and (fitting := [it for it in waiting if self._fits(it)]):
            found = fitting[chance.below(len(fitting))]
            waiting.remove(found)
            taken.append(found)
            self.blocks[-1] = tuple(taken)

    def undo(self) -> None:
        """The newest block leaves the chain."""
        self.blocks.pop()

    def where(self, txid: str) -> int | None:
        """The height of the block that has it."""
        heights = (
            height for height, block in enumerate(self.blocks, 1) if any(it.txid == txid for it in block)
        )
        return next(heights, None)

    def knows(self, txid: str) -> bool:
        """Whether nodes have it, mined or not."""
        return txid in self._offered

    def spender(self, point: str) -> tuple[Transfer, int] | None:
        """What spent a point, and at which height."""
        for height, block in enumerate(self.blocks, 1):
            for it in block:
                if point in it.points:
                    return it, height
        return None

    def next_number(self) -> int:
        """Of the account, the first that is not used."""
        numbers = [int(point.rpartition(":")[2]) for point in self._spent() if point.startswith(ACCOUNT)]
        return max(numbers, default=-1) + 1

    def mined(self) -> list[Transfer]:
        """All of them."""
        return [it for block in self.blocks for it in block]

    def paid(self) -> list[int]:
        """The withdrawals that were paid, once for each time."""
        return [number for it in self.mined() for number, _, _ in it.pays]

    def _spent(self) -> set[str]:
        return {point for it in self.mined() for point in it.points}

    def _fits(self, transfer: Transfer) -> bool:
        if self._spent() & set(transfer.points):
            return False
        mine = [point for point in transfer.points if point.startswith(ACCOUNT)]
        return all(int(point.rpartition(":")[2]) == self.next_number() for point in mine)
