"""A chain, as far as money cares: of all transactions that spend one point it accepts one, for ever."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FakeChain", "Paid"]


@dataclass(frozen=True, slots=True)
class Paid:
    """A transaction in the chain; `withdrawal` 0: it pays nobody."""

    transaction_id: str
    withdrawal: int


@dataclass
class FakeChain:
    """It never dies, and its nodes take a transaction once."""

    pool: dict[str, list[Paid]] = field(default_factory=dict)
    """What was broadcast, by the point that it spends."""
    blocks: dict[str, Paid] = field(default_factory=dict)
    """What was accepted."""

    def broadcast(self, conflict_point: str, paid: Paid) -> None:
        """Hand a transaction to the nodes."""
        known = self.pool.setdefault(conflict_point, [])
        if paid not in known:
            known.append(paid)

    def mine(self, conflict_point: str, choice: int) -> Paid | None:
        """Accept one of those that spend a point, unless one is accepted; None: there is none yet."""
        known = self.pool.get(conflict_point, [])
        if conflict_point not in self.blocks and known:
            self.blocks[conflict_point] = known[choice % len(known)]
        return self.blocks.get(conflict_point)

    def paid(self) -> list[int]:
        """The withdrawals that were paid, once for each time."""
        return [one.withdrawal for one in self.blocks.values() if one.withdrawal]
