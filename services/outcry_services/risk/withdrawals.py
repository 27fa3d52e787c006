"""Withdrawals that users asked for and that have not ended, as the log has them. Pure.

What is reviewed is held against this: a wallet that is in somebody else's hands can't invent a withdrawal,
or change where it goes. A withdrawal counts once its funds are held, until it is completed, released or
returned. Instructions and answers are read side by side, so the answer may be read first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outcry.v1.risk_view_pb2 import RiskWithdrawal

if TYPE_CHECKING:
    from outcry.v1.instruction_pb2 import Instruction

__all__ = ["AskedFor", "Withdrawals"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedFor:
    """What the user asked for."""

    user_id: int
    asset: str
    amount: int
    """Ledger units."""
    address: str
    """As the user wrote it."""
    network: str
    """Empty: the asset's only one."""
    held: bool


class Withdrawals:
    """By id."""

    def __init__(self) -> None:
        self._open: dict[int, AskedFor] = {}
        self._held_early: set[int] = set()

    def held_for(self, withdrawal_id: int) -> AskedFor | None:
        """One that has not ended, and whose funds are held or under way."""
        found = self._open.get(withdrawal_id)
        return found if found is not None and found.held else None

    def is_open(self, withdrawal_id: int) -> bool:
        """Whether it was asked for and has not ended."""
        return withdrawal_id in self._open

    def instruction(self, it: Instruction) -> None:
        """One of `orders` that position has not refused."""
        body = it.WhichOneof("body")
        if body == "withdrawal_requested":
            self._requested(it)
        elif body == "withdrawal_completed":
            self._open.pop(it.withdrawal_completed.withdrawal_id, None)
        elif body == "withdrawal_released":
            self._open.pop(it.withdrawal_released.withdrawal_id, None)
        elif body == "withdrawal_returned":
            self._open.pop(it.withdrawal_returned.withdrawal_id, None)

    def refused(self, withdrawal_id: int) -> None:
        """Position had no funds for it; of an order's id nothing is here."""
        self._open.pop(withdrawal_id, None)

    def held(self, withdrawal_id: int, *, early: bool) -> None:
        """Its funds are held; `early`: its instruction was not read yet."""
        found = self._open.get(withdrawal_id)
        if found is not None:
            self._open[withdrawal_id] = replace(found, held=True)
        elif early:
            self._held_early.add(withdrawal_id)

    def all(self) -> list[RiskWithdrawal]:
        """As it is kept."""
        return [
            *(
                RiskWithdrawal(
                    withdrawal_id=id_,
                    user_id=one.user_id,
                    asset=one.asset,
                    amount=one.amount,
                    address=one.address,
                    network=one.network,
                    held=one.held,
                )
                for id_, one in self._open.items()
            ),
            *(RiskWithdrawal(withdrawal_id=id_, held=True) for id_ in self._held_early),
        ]

    def restore(self, one: RiskWithdrawal) -> None:
        """What was kept."""
        if not one.user_id:
            self._held_early.add(one.withdrawal_id)
            return
        self._open[one.withdrawal_id] = AskedFor(
            user_id=one.user_id,
            asset=one.asset,
            amount=one.amount,
            address=one.address,
            network=one.network,
            held=one.held,
        )

    def _requested(self, it: Instruction) -> None:
        asked = it.withdrawal_requested
        held = asked.withdrawal_id in self._held_early
        self._held_early.discard(asked.withdrawal_id)
        self._open[asked.withdrawal_id] = AskedFor(
            user_id=it.user_id,
            asset=asked.asset,
            amount=asked.amount,
            address=asked.address,
            network=asked.network,
            held=held,
        )
