"""The part of the ledger that one batch of steps touches, in memory, and what the steps make of it.

Pure. A batch is planned in two looks: the holds that its steps name, then the balances that those holds and
the answered instructions move. Applying the steps leaves a `Change`: all that is to be written, at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from outcry_services.common.ids import OrderId
from outcry_services.common.money import checked
from outcry_services.settlement.errors import NegativeBalanceError
from outcry_services.settlement.model import HOUSE, Account, Balance, Entry, Hold, Kind, Transaction
from outcry_services.settlement.postings import (
    arrived,
    credited,
    ended_hold,
    funds_needed,
    held,
    hold_of,
    moved_asset,
    settled,
    unheld,
)
from outcry_services.settlement.steps import Answered, Happened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from outcry_services.common.legs import Leg
    from outcry_services.settlement.steps import Cursor, Place, Step

__all__ = ["Books", "Change", "Counts", "Posted", "UserAsset", "balances_needed", "holds_needed"]

UserAsset = tuple[int, str]
HouseAccount = tuple[Account, str, str]
"""Account, scope, asset."""

_NOTHING = Balance(0, 0)


class Posted(NamedTuple):
    """A transaction, and for each of its entries what is in the user's account then; None: the house's."""

    transaction: Transaction
    balances: tuple[int | None, ...]


@dataclass(slots=True)
class Counts:
    """What the metrics tell of a batch."""

    instructions: int = 0
    events: int = 0
    transactions: int = 0
    covers: int = 0
    """Entries by which the house paid what was missing: each is an alert."""
    unheld: int = 0
    """Legs of orders for which no funds were ever held: nothing is posted."""


@dataclass(slots=True)
class Change:
    """What a batch writes. `balances` come with their last cause."""

    posted: list[Posted] = field(default_factory=list)
    balances: dict[UserAsset, tuple[Balance, str, int]] = field(default_factory=dict)
    house: dict[HouseAccount, int] = field(default_factory=dict)
    """Differences, not values."""
    holds: dict[int, Hold | None] = field(default_factory=dict)
    """None: gone."""
    cursors: dict[str, Cursor] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)


def holds_needed(steps: Iterable[Step]) -> set[int]:
    """The holds to look up."""
    found: set[int] = set()
    for step in steps:
        if isinstance(step, Happened):
            found.update(leg.order_id for leg in step.legs)
        elif number := ended_hold(step.instruction):
            found.add(number)
    return found


def balances_needed(steps: Iterable[Step], holds: Mapping[int, Hold]) -> set[UserAsset]:
    """The balances to look up, given the holds that were there. Raises `ContradictionError`."""
    found = {key for hold in holds.values() for key in _of_hold(hold)}
    for step in steps:
        if isinstance(step, Answered):
            asset = moved_asset(step.instruction, step.answer)
            if asset is not None:
                found.add((step.instruction.user_id, asset))
            if step.instruction.WhichOneof("body") == "order_created" and asset is not None:
                found.update(_of_hold(hold_of(step.instruction)))
    return found


def may_be_covered(steps: Iterable[Step]) -> set[UserAsset]:
    """The balances for which the house may pay. Raises `ContradictionError`."""
    found = set()
    for step in steps:
        if isinstance(step, Answered) and step.may_cover:
            asset = moved_asset(step.instruction, step.answer)
            if asset is not None:
                found.add((step.instruction.user_id, asset))
    return found


def _of_hold(hold: Hold) -> set[UserAsset]:
    return {(hold.user_id, asset) for asset in (hold.asset, hold.base, hold.quote) if asset}


def _follows(step: Happened, shards: Mapping[int, int]) -> bool:
    """Whether an event touches an order from behind an instruction that waits."""
    orders = (OrderId.of(leg.order_id) for leg in step.legs)
    return any(shards.get(order.shard, order.number + 1) <= order.number for order in orders)


class Books:
    """Applies steps, in order. `change` is what they make; nothing is written before all are in it."""

    def __init__(
        self,
        holds: Mapping[int, Hold],
        balances: Mapping[UserAsset, Balance],
        *,
        untrue: Collection[UserAsset] = frozenset(),
    ) -> None:
        """`untrue` are balances whose rows are not what their entries say: of those nothing is covered."""
        self._holds: dict[int, Hold | None] = dict(holds)
        self._balances = dict(balances)
        self._untrue = untrue
        self.change = Change()

    def apply(self, steps: Sequence[Step]) -> list[Step]:
        """Apply steps; those that must wait for funds, or for a step that does, are given back in order.

        Raises an `IntegrityError` by which nothing of them may be written.
        """
        while True:
            left = self._pass(steps)
            # Trades later in the batch may have brought the funds.
            if len(left) in (0, len(steps)):
                return left
            steps = left

    def _pass(self, steps: Sequence[Step]) -> list[Step]:
        left: list[Step] = []
        shards: dict[int, int] = {}
        pairs: set[str] = set()
        for step in steps:
            if isinstance(step, Answered):
                if step.shard in shards or self._lacks_funds(step):
                    shards.setdefault(step.shard, step.number)
                    left.append(step)
                else:
                    self._answered(step)
            elif step.symbol in pairs or _follows(step, shards):
                pairs.add(step.symbol)
                left.append(step)
            else:
                self._happened(step)
        return left

    def _lacks_funds(self, step: Answered) -> bool:
        asset = moved_asset(step.instruction, step.answer)
        if asset is None or (step.may_cover and (step.instruction.user_id, asset) not in self._untrue):
            return False
        return funds_needed(step.instruction) > self._available(step, asset)

    def _available(self, step: Answered, asset: str) -> int:
        return self._balance((step.instruction.user_id, asset)).available

    def _answered(self, step: Answered) -> None:
        self.change.counts.instructions += 1
        instruction = step.instruction
        asset = moved_asset(instruction, step.answer)
        if asset is None:
            return
        available = self._available(step, asset)
        said = step.answer.WhichOneof("body")
        if said in ("funds_sent", "funds_released"):
            number = ended_hold(instruction)
            self._post(unheld(instruction, self._holds.get(number)))
            self._keep(number, None)
        elif said in ("funds_paid_out", "funds_returned"):
            self._post(arrived(instruction))
        elif said == "funds_held":
            hold = hold_of(instruction)
            self._post(held(instruction, hold, available=available))
            self._keep(hold.id, hold)
        else:
            self._post(credited(instruction, available=available))

    def _happened(self, step: Happened) -> None:
        self.change.counts.events += 1
        for leg in step.legs:
            self._leg(leg, step)

    def _leg(self, leg: Leg, step: Happened) -> None:
        hold = self._holds.get(leg.order_id)
        if hold is None:
            self.change.counts.unheld += 1
            return
        transaction, after = settled(
            leg, hold, symbol=step.symbol, time_unix_nanos=step.event.time_unix_nanos
        )
        self._keep(leg.order_id, after)
        if transaction.entries:
            self._post(transaction)

    def _keep(self, hold_id: int, hold: Hold | None) -> None:
        self._holds[hold_id] = hold
        self.change.holds[hold_id] = hold

    def _post(self, transaction: Transaction) -> None:
        after = tuple(self._move(entry, transaction) for entry in transaction.entries)
        self.change.posted.append(Posted(transaction, after))
        self.change.counts.transactions += 1

    def _move(self, entry: Entry, transaction: Transaction) -> int | None:
        if entry.user_id == HOUSE:
            self._move_house(entry, transaction)
            return None
        key = (entry.user_id, entry.asset)
        balance = self._balance(key)
        if entry.account is Account.AVAILABLE:
            balance = Balance(checked(balance.available + entry.amount), balance.held)
            after = balance.available
        else:
            balance = Balance(balance.available, checked(balance.held + entry.amount))
            after = balance.held
        if after < 0:
            raise NegativeBalanceError(
                f"{transaction.key} would leave user {entry.user_id} {after} {entry.asset} {entry.account}: "
                "the row is not what its entries say; run `outcry ledger check`"
            )
        self._balances[key] = balance
        self.change.balances[key] = (balance, transaction.source, transaction.position)
        return after

    def _move_house(self, entry: Entry, transaction: Transaction) -> None:
        scope = transaction.symbol if entry.account in (Account.FEES, Account.CLEARING) else ""
        account = (entry.account, scope, entry.asset)
        self.change.house[account] = self.change.house.get(account, 0) + entry.amount
        self.change.counts.covers += entry.kind is Kind.COVER

    def _balance(self, key: UserAsset) -> Balance:
        return self._balances.get(key, _NOTHING)
