"""What becomes of deposits: seen, credited, taken back. Pure.

    SEEN ── confirmations ──→ CREDITED ── its block is gone ──→ ALARMED
      └──── its block is gone ──→ GONE        (found again: CREDITED, credited no second time)
            (found again: SEEN)

A deposit is known by transaction and output, wherever on the chain it is found. It is credited once in its
life.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from outcry_services.wallet.scan.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_services.wallet.nodes.model import Tip

__all__ = ["Book", "Deposit", "Entry", "State"]


class State(StrEnum):
    """Of a deposit."""

    SEEN = "seen"
    CREDITED = "credited"
    GONE = "gone"
    """Its block left the chain before it was credited: nothing was promised."""
    ALARMED = "alarmed"
    """Its block left the chain after it was credited: money is owed that isn't there. A person is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deposit:
    """Coins that came to an address of ours."""

    id: str
    """`chain:txid:output`."""
    user_id: int
    asset: str
    amount: int
    """In the chain's units of the asset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A deposit, how it stands, and the block that holds it or held it last."""

    deposit: Deposit
    state: State
    block: Tip


@dataclass(frozen=True, slots=True)
class Book:
    """Every deposit that may still change."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def scanned(self, block: Tip, deposits: Iterable[Deposit]) -> Book:
        """After a block. Raises `ScanError` when a deposit comes twice or came back as another one."""
        entries = dict(self.entries)
        for deposit in deposits:
            entries[deposit.id] = _found(entries.get(deposit.id), deposit, block)
        return Book(entries)

    def taken_back(self, block: Tip) -> Book:
        """After a block left the chain."""
        return Book({id_: _without(entry, block) for id_, entry in self.entries.items()})

    def due(self, *, height: int, confirmations: Mapping[str, int]) -> list[Entry]:
        """Deposits to credit now, oldest first: seen, and by the asset's `confirmations` deep at `height`.

        An asset without a number is not supported: its deposits stay as they are seen. `height` must be one
        that is scanned, or a reorganisation not yet seen would be paid for.
        """
        ripe = [
            entry
            for entry in self.entries.values()
            if entry.state is State.SEEN
            and entry.deposit.asset in confirmations
            and height - entry.block.height + 1 >= confirmations[entry.deposit.asset]
        ]
        return sorted(ripe, key=lambda entry: (entry.block.height, entry.deposit.id))

    def credited(self, id_: str) -> Book:
        """After a deposit was credited. Raises `ScanError` when it isn't one that may be."""
        entry = self.entries.get(id_)
        if entry is None or entry.state is not State.SEEN:
            raise ScanError(f"deposit {id_} is {entry.state if entry else 'unknown'}, and can't be credited")
        return Book({**self.entries, id_: replace(entry, state=State.CREDITED)})

    def alarms(self) -> list[Entry]:
        """Deposits that were credited and are not on the chain."""
        return [entry for entry in self.entries.values() if entry.state is State.ALARMED]


def _found(before: Entry | None, deposit: Deposit, block: Tip) -> Entry:
    if before is None:
        return Entry(deposit=deposit, state=State.SEEN, block=block)
    if before.deposit != deposit:
        raise ScanError(f"deposit {deposit.id} was found before with another user, asset or amount")
    if before.state not in (State.GONE, State.ALARMED):
        raise ScanError(f"deposit {deposit.id} is in block {before.block.hash} and in {block.hash}")
    state = State.SEEN if before.state is State.GONE else State.CREDITED
    return Entry(deposit=deposit, state=state, block=block)


def _without(entry: Entry, block: Tip) -> Entry:
    if entry.block != block:
        return entry
    gone = {State.SEEN: State.GONE, State.CREDITED: State.ALARMED}
    return replace(entry, state=gone.get(entry.state, entry.state))
