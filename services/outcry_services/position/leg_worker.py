"""The events of one pair: every leg settled or released once."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.ids import SHARD_BITS, SHARDS, shard_of_user
from outcry_services.common.legs import legs_of
from outcry_services.position.delivery import Outputs
from outcry_services.position.entries import Said, parse_entry
from outcry_services.position.facts import parse_hold
from outcry_services.position.legs import absent_call, facts_call, field_of, leg_call
from outcry_services.position.rounds import Chain, Step, carry_out
from outcry_services.position.sequences import Seq, Verdict
from outcry_services.position.topics import journal_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from outcry.v1.event_pb2 import Event, EventBatch
    from outcry.v1.journal_pb2 import JournalEntry

    from outcry_services.common.kafka import Batch
    from outcry_services.common.legs import Leg
    from outcry_services.position.cache import FactsCache
    from outcry_services.position.entries import Entry
    from outcry_services.position.facts import Facts
    from outcry_services.position.marks import EventsMark
    from outcry_services.position.metrics import Metrics
    from outcry_services.position.ports import Horizon, Scripts, Sent
    from outcry_services.position.progress import Progress

__all__ = ["LegWorker"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Planned:
    leg: Leg
    step: Step


class LegWorker:
    """Carries out the batches of its pair, one after the other.

    The legs of a trade are of two users: one script each, and a crash between them leaves one to be done.
    """

    def __init__(
        self,
        *,
        symbol: str,
        partitions: int,
        mark: EventsMark,
        progress: Progress,
        horizon: Horizon,
        scripts: Scripts,
        facts: FactsCache,
        sent: Sent,
        touch: Callable[[Iterable[int]], None],
        metrics: Metrics,
    ) -> None:
        self.symbol = symbol
        self.seq = Seq(mark.seq)
        self.position = mark.offset
        """The offset behind what was carried out; None: nothing was."""
        self._partitions = partitions
        self._progress = progress
        self._horizon = horizon
        self._scripts = scripts
        self._facts = facts
        self._sent = sent
        self._touch = touch
        self._metrics = metrics
        self._chain = Chain()

    async def take(self, batch: Batch[EventBatch]) -> Outputs:
        """Carry out a batch; what is to be told of it. Raises what `carry_out` raises."""
        events = self._news(batch)
        legs = [leg for event in events for leg in legs_of(event) if not leg.foreign]
        self._touch(leg.user_id for leg in legs)
        known = await self._facts_of(legs)
        planned = [self._plan(leg, known.get(leg.order_id)) for leg in legs]
        of_step = {id(one.step): one.leg for one in planned}

        async def unblock(blocked: Sequence[Step], _: int) -> None:
            await self._unblock([(step, of_step[id(step)]) for step in blocked])

        await carry_out(self._scripts, [one.step for one in planned], unblock=unblock)
        outputs = self._outputs(planned, batch.position)
        for event in events:
            if event.source < SHARDS:
                self._sent.answered(self.symbol, event.source, event.number)
        self.position = batch.position
        self._progress.moved()
        return outputs

    def _news(self, batch: Batch[EventBatch]) -> list[Event]:
        found = []
        for item in batch.items:
            for event in item.value.events:
                verdict = self.seq.take(event.seq)
                if verdict is Verdict.NEXT:
                    found.append(event)
                else:
                    self._metrics.skipped("events", verdict)
        return found

    async def _facts_of(self, legs: Sequence[Leg]) -> dict[int, Facts]:
        """What is known of the orders: at hand, or in Redis."""
        known: dict[int, Facts] = {}
        asked: dict[int, set[int]] = defaultdict(set)
        for leg in legs:
            if (facts := self._facts.get(leg.order_id)) is not None:
                known[leg.order_id] = facts
            else:
                asked[leg.user_id].add(leg.order_id)
        if not asked:
            return known
        orders = {user: tuple(sorted(ids)) for user, ids in asked.items()}
        replies = await self._scripts.run_all([facts_call(user, ids) for user, ids in orders.items()])
        for ids, reply in zip(orders.values(), replies, strict=True):
            if isinstance(reply, ServiceError):
                raise reply
            for order_id, text in zip(ids, reply, strict=True):
                facts = parse_hold(text.decode())[2] if text else None
                if facts is not None:
                    known[order_id] = facts
                    self._facts.put(order_id, facts)
        return known

    def _plan(self, leg: Leg, facts: Facts | None) -> _Planned:
        after = self._chain.follow(leg.user_id, leg.mark)
        if facts is None:
            call = absent_call(self.symbol, leg, after=after, final=False)
        else:
            call = leg_call(self.symbol, leg, facts, after=after)
        return _Planned(leg, Step(leg.user_id, leg.mark, after, call))

    async def _unblock(self, blocked: Sequence[tuple[Step, Leg]]) -> None:
        """Find out whether a hold that is missing is still to come, and try again with what is known then."""
        # The others of this batch are carried out: whoever brings that hold may wait for what they paid.
        self._progress.moved()
        final = set()
        for step, leg in blocked:
            if step.done.said is Said.AHEAD:
                await self._horizon.reach(shard_of_user(leg.user_id), leg.order_id >> SHARD_BITS)
                final.add(leg.mark)
            # What was at hand is not what Redis has.
            self._facts.drop(leg.order_id)
        known = await self._facts_of([leg for _, leg in blocked])
        for step, leg in blocked:
            facts = known.get(leg.order_id)
            step.call = (
                leg_call(self.symbol, leg, facts, after=step.after)
                if facts is not None
                else absent_call(self.symbol, leg, after=step.after, final=leg.mark in final)
            )

    def _outputs(self, planned: Sequence[_Planned], position: int) -> Outputs:
        journal: list[JournalEntry] = []
        drained: dict[int, list[str]] = defaultdict(list)
        for one in planned:
            leg, answer = one.leg, one.step.done
            if leg.remaining == 0:
                self._facts.drop(leg.order_id)
            if not answer.text:
                if answer.said is Said.NEW:
                    self._miss(leg)
                continue
            entry = parse_entry(answer.text)
            message = entry.message(user_id=leg.user_id, symbol=self.symbol, cause=leg.seq, leg=leg.leg)
            journal.append(message)
            drained[leg.user_id].append(field_of(self.symbol, leg))
            if answer.said is Said.NEW:
                self._note(leg, entry)
        seq = self.seq.last or 0
        return Outputs(
            journal=tuple(journal_records(journal, partitions=self._partitions)),
            drained=drained,
            marks=lambda _: {f"e{self.symbol}": f"{position} {seq}"},
        )

    def _note(self, leg: Leg, entry: Entry) -> None:
        self._metrics.carried_out(entry.kind)
        if entry.short:
            asset = entry.changes[0].asset
            self._metrics.short(asset)
            log.error(
                "the hold of an order was short; the house paid",
                extra={"order": leg.order_id, "asset": asset, "short": entry.short, "seq": leg.seq},
            )

    def _miss(self, leg: Leg) -> None:
        self._metrics.absent(self.symbol)
        log.error(
            "a leg of an order without a hold; nothing was moved",
            extra={"symbol": self.symbol, "seq": leg.seq, "order": leg.order_id, "user": leg.user_id},
        )
