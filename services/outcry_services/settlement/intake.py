"""Merges the logs into one order of steps that the books can be kept in.

What arrives is in order within a partition alone. A step is ready when everything before it is in:

- An instruction and its answer meet under their number, and follow the number before in their shard.
- An event follows the seq before in its pair, and the orders it touches have had their funds held. A trade
  may be read before the answer that held its funds (their topics differ): its pair waits, others go on.

What was seen is dropped by its number, what is too far ahead is kept until the gap closes. The position to
store for a partition is that of the first record which is not wholly applied, so that a restart reads again
whatever was only in memory. Pure: no clock, no I/O.

What doesn't come is known by where the logs end. An order that generators wrote may carry an id that looks
like the order service's; position has the answer acknowledged before it sends the command: so a pair that
waits although `order-events` was applied up to where it ended *after* the event was read waits for an answer
that doesn't exist (`known_end`). Likewise funds that no event brings (`known_ends`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.ids import SHARD_BITS, SHARDS
from outcry_services.common.legs import legs_of, mark_of
from outcry_services.common.order_log import EVENTS_PREFIX, ORDER_EVENTS, ORDERS
from outcry_services.settlement.errors import ContradictionError
from outcry_services.settlement.lanes import PairLane, ShardLane
from outcry_services.settlement.steps import Answered, Cursor, Happened, Step, Waiting
from outcry_services.settlement.trail import Pending, Trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
    from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch

    from outcry_services.common.kafka import Batch, RawRecord
    from outcry_services.common.legs import Leg
    from outcry_services.settlement.steps import Place

__all__ = ["Intake"]

M = TypeVar("M", "Instruction", "OrderEvent")


class Intake:
    """The state of the merge; built anew from the ledger's cursors whenever a batch fails."""

    def __init__(self, cursors: Mapping[str, Cursor], *, most_pending: int = 20_000) -> None:
        self._most = most_pending
        self._shards: dict[int, ShardLane] = {}
        self._pairs: dict[str, PairLane] = {}
        self._trails: dict[Place, Trail] = {}
        self._awake_shards: dict[int, None] = {}
        self._awake_pairs: dict[str, None] = {}
        self._waiters: dict[int, dict[str, None]] = {}
        self._in_hand = False
        for source, cursor in cursors.items():
            if source.startswith("i:"):
                self._shards[int(source[2:])] = ShardLane(cursor.incarnation, cursor.position)
            else:
                self._pairs[source] = PairLane(seq=cursor.position // 2)

    def follow(self, place: Place, position: int | None) -> None:
        """A partition is read from here; None: from its beginning."""
        self._trails[place] = Trail(most=self._most, read=position or 0)

    def has_room(self, place: Place) -> bool:
        """Whether another batch of a partition fits."""
        return self._trails[place].has_room

    # What comes in.

    def offer_instructions(self, batch: Batch[InstructionBatch]) -> None:
        """Records of `orders`."""
        trail = self._trails[batch.topic, batch.partition]
        if not trail.admits(batch.position):
            return
        for item in batch.items:
            shard = item.value.shard
            self._keep(shard, item.value.instructions, self._shard(shard).instructions, trail, item.record)

    def offer_answers(self, batch: Batch[OrderEventBatch]) -> None:
        """Records of `order-events`."""
        trail = self._trails[batch.topic, batch.partition]
        if not trail.admits(batch.position):
            return
        for item in batch.items:
            shard = item.value.shard
            self._keep(shard, item.value.events, self._shard(shard).answers, trail, item.record)

    def _keep(
        self, shard: int, messages: Iterable[M], kept: dict[int, M], trail: Trail, record: RawRecord
    ) -> None:
        """Keep what is new of a shard until the other side of it is here."""
        lane = self._shard(shard)
        for one in messages:
            if self._is_new(lane, one.incarnation, one.number) and one.number not in kept:
                kept[one.number] = one
                trail.pending.append(Pending(record.offset, shard, one.number, record.timestamp_ms))
        self._awake(shard)

    def offer_events(self, batch: Batch[EventBatch]) -> None:
        """Records of `events.{symbol}`."""
        trail = self._trails[batch.topic, batch.partition]
        if not trail.admits(batch.position):
            return
        symbol = batch.topic.removeprefix(EVENTS_PREFIX)
        pair = self._pairs.setdefault(symbol, PairLane())
        for item in batch.items:
            for one in item.value.events:
                if one.seq > pair.seq and one.seq not in pair.events:
                    pair.events[one.seq] = one
                    trail.pending.append(Pending(item.record.offset, 0, one.seq, item.record.timestamp_ms))
        self._awake_pairs[symbol] = None

    # What goes out.

    def take(self, most: int) -> list[Step]:
        """The next steps, in an order in which they can be applied.

        They are in hand until `give_back` says which of them could not be: positions stay where they are.
        """
        steps: list[Step] = []
        while len(steps) < most and (self._awake_shards or self._awake_pairs):
            if self._awake_shards:
                shard = next(iter(self._awake_shards))
                steps.extend(self._answered(shard, most - len(steps)))
            else:
                symbol = next(iter(self._awake_pairs))
                steps.extend(self._happened(symbol, most - len(steps)))
        self._in_hand = bool(steps)
        return steps

    def give_back(self, steps: Sequence[Step]) -> None:
        """Steps that couldn't be applied: the last ones taken of their sources, in order; the others are.

        An instruction among them waits for funds until `wake_short` or `known_ends`, and the pairs that need
        an answer from behind it wait for it.
        """
        for step in reversed(steps):
            if isinstance(step, Answered):
                shard = self._shards[step.shard]
                shard.incarnation, shard.number = step.before.incarnation, step.before.position
                shard.instructions[step.number], shard.answers[step.number] = step.instruction, step.answer
                shard.short = step.number
                self._awake_shards.pop(step.shard, None)
            else:
                pair = self._pairs[step.symbol]
                pair.seq = step.event.seq - 1
                pair.events[step.event.seq] = step.event
                self._awake_pairs[step.symbol] = None
        self._in_hand = False

    def wake_short(self) -> None:
        """Events were applied: funds may be there now."""
        for number in self.short():
            self._shards[number].short = 0
            self._awake_shards[number] = None

    def short(self) -> dict[int, int]:
        """Shards whose next instruction waits for funds, and its number."""
        return {number: shard.short for number, shard in self._shards.items() if shard.short}

    def known_ends(self, short: Mapping[int, int], ends: Mapping[Place, int]) -> bool:
        """All logs of events ended here, after these short instructions were read.

        Whether that lets any of them go on: no event can bring the funds any more. It does so once; who is
        short then still has a row that isn't what its entries say.
        """
        if any(self.position(place) < end for place, end in ends.items()):
            return False
        given_up = [
            lane
            for number, waiting in short.items()
            if (lane := self._shards[number]).short == waiting != lane.may_cover
        ]
        for lane in given_up:
            lane.may_cover = lane.short
        if given_up:
            self.wake_short()
        return bool(given_up)

    def waiting(self) -> list[Waiting]:
        """Pairs that wait for an answer."""
        return [pair.waiting for pair in self._pairs.values() if pair.waiting]

    def known_end(self, waiting: Waiting, place: Place, end: int) -> bool:
        """The partition of an awaited answer ended at `end`, after the waiting event was read.

        Whether that lets the pair go on.
        """
        pair = self._pairs[waiting.symbol]
        if pair.waiting != waiting or self.position(place) < end:
            return False
        pair.without = waiting.seq
        self._awake_pairs[waiting.symbol] = None
        return True

    # How far it is.

    def cursors(self, sources: Iterable[str]) -> dict[str, Cursor]:
        """How far these sources are."""
        return {source: self._cursor(source) for source in sources}

    def places(self) -> list[Place]:
        """All partitions that are followed."""
        return list(self._trails)

    def read_from(self, place: Place) -> int | None:
        """From where a partition is to be read now; None: from its first record."""
        return self._trails[place].read or None

    def position(self, place: Place) -> int:
        """From where a partition must be read when all that is in memory is lost."""
        trail = self._trails[place]
        # Who asks while steps are in hand (the lag meter does) must not forget what comes back.
        return trail.position if self._in_hand else trail.settle(partial(self._is_applied, place))

    def oldest_ms(self, place: Place) -> int | None:
        """When the first record that is not applied was written, Unix milliseconds; None: all is applied."""
        self.position(place)
        trail = self._trails[place]
        return trail.pending[0].milliseconds if trail.pending else None

    def pending(self, place: Place) -> int:
        """Messages of a partition that are in memory and not applied."""
        self.position(place)
        return len(self._trails[place].pending)

    def gaps(self) -> list[str]:
        """Sources that miss a message although later ones are here, in words."""
        shards = (
            f"i:{shard} misses {it.number + 1}"
            for shard, it in self._shards.items()
            if it.answers and it.number + 1 not in it.answers and it.following() is None
        )
        pairs = (
            f"{symbol} misses {it.seq + 1}"
            for symbol, it in self._pairs.items()
            if it.events and it.seq + 1 not in it.events
        )
        return [*shards, *pairs]

    def to_read_again(self, topics: str) -> dict[Place, int] | None:
        """From where to read the partitions of some topics again, once a refused one has room; else None."""
        mine = {place: trail for place, trail in self._trails.items() if place[0].startswith(topics)}
        if not any(trail.cut and self.pending(place) < self._most // 2 for place, trail in mine.items()):
            return None
        for trail in mine.values():
            trail.cut = False
        return {place: trail.read for place, trail in mine.items()}

    # Inside.

    def _awake(self, shard: int) -> None:
        if not self._shard(shard).short:
            self._awake_shards[shard] = None

    def _shard(self, shard: int) -> ShardLane:
        return self._shards.setdefault(shard, ShardLane())

    @staticmethod
    def _is_new(shard: ShardLane, incarnation: int, number: int) -> bool:
        if number > shard.number:
            return incarnation >= shard.incarnation
        if incarnation > shard.incarnation and shard.number:
            raise ContradictionError(
                f"number {number} came again under incarnation {incarnation}: numbers must go on rising "
                "when a shard is restored"
            )
        return False

    def _is_applied(self, place: Place, one: Pending) -> bool:
        if place[0] in (ORDERS, ORDER_EVENTS):
            return one.number <= self._shards[one.lane].number
        return one.number <= self._pairs[place[0].removeprefix(EVENTS_PREFIX)].seq

    def _answered(self, shard: int, most: int) -> Iterator[Answered]:
        it = self._shards[shard]
        for _ in range(most):
            number = it.following()
            if number is None:
                del self._awake_shards[shard]
                break
            instruction, answer = it.instructions.pop(number), it.answers.pop(number)
            if instruction.incarnation != answer.incarnation:
                raise ContradictionError(
                    f"i:{shard}:{number} is of incarnation {instruction.incarnation}, "
                    f"its answer of {answer.incarnation}"
                )
            before = Cursor(it.incarnation, it.number)
            it.incarnation, it.number = instruction.incarnation, number
            yield Answered(instruction, answer, before, may_cover=it.may_cover == number)
        for symbol in self._waiters.pop(shard, ()):
            self._awake_pairs[symbol] = None

    def _happened(self, symbol: str, most: int) -> Iterator[Happened]:
        it = self._pairs[symbol]
        for _ in range(most):
            event = it.events.get(it.seq + 1)
            if event is None:
                del self._awake_pairs[symbol]
                return
            legs = tuple(leg for leg in legs_of(event) if not leg.foreign)
            it.waiting = None if it.without == event.seq else self._unseen(symbol, legs)
            if it.waiting:
                self._waiters.setdefault(it.waiting.shard, {})[symbol] = None
                del self._awake_pairs[symbol]
                return
            del it.events[event.seq]
            it.seq = event.seq
            yield Happened(symbol, event, legs)

    def _unseen(self, symbol: str, legs: Iterable[Leg]) -> Waiting | None:
        for leg in legs:
            shard, number = leg.order_id & (SHARDS - 1), leg.order_id >> SHARD_BITS
            if number > self._shard(shard).number:
                return Waiting(symbol, leg.seq, shard, number)
        return None

    def _cursor(self, source: str) -> Cursor:
        if source.startswith("i:"):
            shard = self._shard(int(source[2:]))
            return Cursor(shard.incarnation, shard.number)
        return Cursor(0, mark_of(self._pairs[source].seq, 1))
