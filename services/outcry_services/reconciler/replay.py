"""Some users' money, recomputed from the logs alone: `orders`, `order-events` and `events.{symbol}`. Pure.

Neither Redis nor the ledger is asked, so the answer tells which of the two is wrong. Feed whole logs,
instructions first: what an order holds and what its trades pay is in the record that created it. Records may
repeat.

The result is a list of postings, so that a user can be shown at any cut that the logs fed so far cover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from outcry.v1.types_pb2 import Side

from outcry_services.common.fees import Proceeds, hold_step, proceeds
from outcry_services.common.ids import SHARDS
from outcry_services.common.legs import legs_of
from outcry_services.reconciler.state import INSTRUCTIONS, Cut, Posting, View, add_postings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch, OrderCreated
    from outcry.v1.journal_pb2 import JournalBatch
    from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch

    from outcry_services.common.legs import Leg

__all__ = ["HoldFacts", "Origin", "Replay", "Told"]


JOURNAL_KEY = "journal in Redis"


class Origin(NamedTuple):
    """A record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """What a hold must know for its trades; of a withdrawal only the asset."""

    asset: str
    per_unit: int = 0
    side: Side.ValueType = Side.SIDE_UNSPECIFIED
    symbol: str = ""
    base: str = ""
    quote: str = ""
    tick_lot: int = 0
    lot: int = 0

    @property
    def is_order(self) -> bool:
        """Whether it belongs to an order rather than to a withdrawal."""
        return self.symbol != ""


@dataclass(frozen=True, slots=True)
class Told:
    """One cause in the log, in words, for a person who looks at a difference."""

    source: str
    position: int
    origin: Origin
    what: str


@dataclass(slots=True)
class _User:
    facts: dict[int, HoldFacts] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)
    assumed: dict[int, Posting] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    asked: int = 0
    assumed_end: int = 0
    journal: int = 0
    incarnation: int = 0


class Replay:
    """The money of these users, as the logs fed so far tell it."""

    def __init__(self, users: Iterable[int]) -> None:
        self._users = {user: _User() for user in users}
        self._shards = {user % SHARDS for user in self._users}
        self._answered: dict[int, int] = {}
        self._seqs: dict[str, int] = {}

    @property
    def users(self) -> tuple[int, ...]:
        """Whose money."""
        return tuple(self._users)

    def instructions(self, batch: InstructionBatch) -> None:
        """A record of `orders`."""
        for one in batch.instructions:
            user = self._users.get(one.user_id)
            if user is None:
                continue
            user.asked = max(user.asked, one.number)
            if one.HasField("order_created"):
                user.facts[one.order_created.order.order_id] = _facts(one.order_created)
            elif one.HasField("withdrawal_requested"):
                asked = one.withdrawal_requested
                user.facts[asked.withdrawal_id] = HoldFacts(asked.asset)

    def answers(self, batch: OrderEventBatch, origin: Origin) -> None:
        """A record of `order-events`."""
        if batch.shard not in self._shards:
            return
        for one in batch.events:
            if one.number <= self._answered.get(batch.shard, 0):
                continue
            self._answered[batch.shard] = one.number
            user = self._users.get(one.user_id)
            if user is not None and one.number not in user.assumed:
                self._answer(user, one, origin)

    def events(self, batch: EventBatch, origin: Origin) -> None:
        """A record of `events.{symbol}`."""
        for event in batch.events:
            if event.seq <= self._seqs.get(batch.symbol, 0):
                continue
            self._seqs[batch.symbol] = event.seq
            for leg in legs_of(event):
                user = None if leg.foreign else self._users.get(leg.user_id)
                if user is not None:
                    self._leg(user, batch.symbol, leg, origin)

    def journal(self, batch: JournalBatch) -> None:
        """A record of `journal`: of it only the last number of each user counts."""
        for entry in batch.entries:
            user = self._users.get(entry.user_id)
            if user is not None:
                user.journal = max(user.journal, entry.number)

    def symbols(self) -> set[str]:
        """The pairs in which these users have orders; the others move nothing of theirs."""
        return {
            facts.symbol for user in self._users.values() for facts in user.facts.values() if facts.symbol
        }

    def assume(self, user_id: int, postings: Iterable[Posting], end: int) -> None:
        """Take over what was carried out up to `end` and not answered yet: position tells later."""
        user = self._users[user_id]
        for one in postings:
            if one.position in user.assumed:
                continue
            user.assumed[one.position] = one
            user.postings.append(one)
            if one.held > 0:
                user.left[one.id] = one.held
                user.begun[one.id] = one.position
            elif one.held < 0:
                user.ended[one.id] = one.position
            origin = Origin(JOURNAL_KEY, user_id, 0)
            user.told.append(Told(INSTRUCTIONS, one.position, origin, f"not told yet: {one}"))
        user.assumed_end = max(user.assumed_end, end)

    def answered(self, user_id: int) -> int:
        """The number of the user's last instruction that is answered in the log."""
        user = self._users[user_id]
        numbers = [told.position for told in user.told if told.source == INSTRUCTIONS]
        return max((number for number in numbers if number not in user.assumed), default=0)

    def unanswered(self, user_id: int, postings: Iterable[Posting]) -> list[Posting]:
        """Those of the user's instructions in these that are neither answered in the log nor assumed."""
        last, assumed = self.answered(user_id), self._users[user_id].assumed
        return [one for one in postings if one.position > last and one.position not in assumed]

    def covers(self, user_id: int, cut: Mapping[str, int]) -> bool:
        """Whether everything up to this cut was fed that can touch the user."""
        mine = {facts.symbol for facts in self._users[user_id].facts.values()} | {INSTRUCTIONS}
        return all(
            position <= self._end(user_id, source) for source, position in cut.items() if source in mine
        )

    def view(self, user_id: int, cut: Mapping[str, int]) -> View:
        """The user's money there."""
        return add_postings(View(), self.postings(user_id, cut))

    def postings(self, user_id: int, cut: Mapping[str, int]) -> list[Posting]:
        """The user's changes up to there."""
        return [one for one in self._users[user_id].postings if one.position <= cut.get(one.source, 0)]

    def newest(self, user_id: int) -> Cut:
        """The user's last cause of each source in the logs, answered or not: no cursor can be beyond it."""
        user = self._users[user_id]
        found: Cut = {INSTRUCTIONS: user.asked}
        for told in user.told:
            found[told.source] = max(told.position, found.get(told.source, 0))
        return found

    def last(self, user_id: int, cut: Mapping[str, int]) -> Cut:
        """The user's own last cause of each source there: what a cursor must at least say."""
        found: Cut = {}
        for told in self._users[user_id].told:
            if told.position <= cut.get(told.source, 0):
                found[told.source] = max(told.position, found.get(told.source, 0))
        return found

    def around(self, user_id: int, cut: Mapping[str, int], *, most: int = 8) -> list[Told]:
        """The user's last causes up to the cut and the first ones behind it."""
        told = self._users[user_id].told
        before = [one for one in told if one.position <= cut.get(one.source, 0)]
        behind = [one for one in told if one.position > cut.get(one.source, 0)]
        return [*before[-most:], *behind[:most]]

    def holds(self, user_id: int, cut: Mapping[str, int]) -> dict[int, tuple[str, int]]:
        """Every hold that is open there, also one of which nothing is left: its order lives on."""
        user = self._users[user_id]
        left = self.view(user_id, cut).holds
        found = {}
        for number, begun in user.begun.items():
            facts = user.facts[number]
            ended = user.ended.get(number)
            over = ended is not None and ended <= cut.get(facts.symbol or INSTRUCTIONS, 0)
            if begun <= cut.get(INSTRUCTIONS, 0) and not over:
                found[number] = left.get(number, (facts.asset, 0))
        return found

    def facts(self, user_id: int) -> Mapping[int, HoldFacts]:
        """What the user's holds must know, by id."""
        return self._users[user_id].facts

    def journal_number(self, user_id: int) -> int:
        """The last of the user's journal numbers that Kafka has."""
        return self._users[user_id].journal

    def incarnation(self, user_id: int) -> int:
        """Of the user's last instruction."""
        return self._users[user_id].incarnation

    def _end(self, user_id: int, source: str) -> int:
        if source == INSTRUCTIONS:
            return max(self._answered.get(user_id % SHARDS, 0), self._users[user_id].assumed_end)
        return self._seqs.get(source, 0) * 2 + 1

    def _answer(self, user: _User, one: OrderEvent, origin: Origin) -> None:
        user.incarnation = one.incarnation
        kind = one.WhichOneof("body")
        posting = None
        if kind == "funds_held":
            held = one.funds_held
            user.left[held.id] = held.amount
            user.begun[held.id] = one.number
            posting = Posting(INSTRUCTIONS, one.number, held.asset, -held.amount, held.amount, held.id)
            what = f"{held.amount} {held.asset} held for {held.id}"
        elif kind in ("funds_credited", "funds_adjusted"):
            moved = getattr(one, kind)
            posting = Posting(INSTRUCTIONS, one.number, moved.asset, moved.amount, 0)
            what = f"{kind.removeprefix('funds_')} {moved.amount} {moved.asset}"
        elif kind in ("funds_sent", "funds_released", "funds_returned"):
            moved = getattr(one, kind)
            freed = 0 if kind == "funds_sent" else moved.amount
            unheld = 0 if kind == "funds_returned" else moved.amount
            posting = Posting(INSTRUCTIONS, one.number, moved.asset, freed, -unheld, moved.id)
            if unheld:
                user.left.pop(moved.id, None)
                user.ended[moved.id] = one.number
            what = f"{kind.removeprefix('funds_')} {moved.amount} {moved.asset} of {moved.id}"
        else:
            what = f"{kind}"
        if posting is not None:
            user.postings.append(posting)
        user.told.append(Told(INSTRUCTIONS, one.number, origin, what))

    def _leg(self, user: _User, symbol: str, leg: Leg, origin: Origin) -> None:
        facts = user.facts.get(leg.order_id)
        left = user.left.get(leg.order_id)
        what = f"leg {leg.leg} of seq {leg.seq}, order {leg.order_id}"
        if facts is None or left is None:
            user.told.append(Told(symbol, leg.mark, origin, f"{what}: no hold"))
            return
        traded = _proceeds(facts, leg)
        step = hold_step(left=left, per_unit=facts.per_unit, remaining=leg.remaining, paid=traded.paid)
        if leg.remaining:
            user.left[leg.order_id] = step.left
        else:
            del user.left[leg.order_id]
            user.ended[leg.order_id] = leg.mark
        unheld = step.from_hold + step.released
        user.postings.append(Posting(symbol, leg.mark, facts.asset, step.released, -unheld, leg.order_id))
        if leg.fill is not None:
            received = facts.base if facts.asset == facts.quote else facts.quote
            user.postings.append(Posting(symbol, leg.mark, received, traded.received, 0))
            what += f", pays {traded.paid} {facts.asset}, gets {traded.received} {received}"
        user.told.append(Told(symbol, leg.mark, origin, f"{what}, releases {step.released}"))


def _facts(created: OrderCreated) -> HoldFacts:
    return HoldFacts(
        asset=created.hold_asset,
        per_unit=created.hold_per_unit,
        side=created.order.side,
        symbol=created.symbol,
        base=created.base_asset,
        quote=created.quote_asset,
        tick_lot=created.quote_units_per_tick_lot,
        lot=created.base_units_per_lot,
    )


def _proceeds(facts: HoldFacts, leg: Leg) -> Proceeds:
    if leg.fill is None:
        return Proceeds(0, 0, 0, 0)
    return proceeds(
        facts.side,
        price=leg.fill.price,
        quantity=leg.fill.quantity,
        quote_units_per_tick_lot=facts.tick_lot,
        base_units_per_lot=facts.lot,
        fee_ppm=leg.fill.fee_ppm,
    )
