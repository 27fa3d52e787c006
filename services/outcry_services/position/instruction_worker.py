"""One partition of `orders`: every instruction carried out once, answered once, and passed on once."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.ids import shard_of_user
from outcry_services.position import instructions
from outcry_services.position.answers import answer_to, command_of
from outcry_services.position.delivery import Outputs
from outcry_services.position.entries import PASSED, Entry, Said, parse_entry
from outcry_services.position.errors import PositionCorruptError
from outcry_services.position.facts import Facts
from outcry_services.position.rounds import Chain, Step, carry_out
from outcry_services.position.sequences import Numbers, Verdict
from outcry_services.position.topics import answer_records, journal_records, matching_topic

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from outcry.v1.command_pb2 import Command
    from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
    from outcry.v1.journal_pb2 import JournalEntry
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.kafka import Batch
    from outcry_services.position.cache import FactsCache
    from outcry_services.position.marks import InstructionsMark
    from outcry_services.position.metrics import Metrics
    from outcry_services.position.ports import Scripts, Sent, Topics
    from outcry_services.position.progress import Progress

__all__ = ["InstructionWorker", "Recorded"]

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Recorded:
    """Answers of a partition that `order-events` holds already, by shard, incarnation and number."""

    answers: dict[tuple[int, int, int], OrderEvent]
    again: dict[tuple[int, int, int], OrderEvent]
    """Of instructions that are behind the mark, whose commands the pairs may lack all the same."""
    end: int | None
    """The offset behind them; None: there is none."""


@dataclass(slots=True)
class _Planned:
    instruction: Instruction
    recorded: OrderEvent | None
    step: Step


class InstructionWorker:
    """Carries out the batches of its partition, one after the other.

    While answers are recorded it makes them true again and decides nothing; what nobody has decided yet
    waits until the events that were there at the start are carried out too (`replayed`), for their credits
    may pay for it.
    """

    def __init__(
        self,
        *,
        partition: int,
        partitions: int,
        mark: InstructionsMark,
        recorded: Recorded,
        replayed: asyncio.Event,
        progress: Progress,
        scripts: Scripts,
        topics: Topics,
        facts: FactsCache,
        sent: Sent,
        touch: Callable[[Iterable[int]], None],
        metrics: Metrics,
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self.numbers = Numbers(mark.numbers)
        self.position = mark.offset
        """The offset behind what was carried out; None: nothing was."""
        self.carried = {shard: number for shard, (_, number) in mark.numbers.items()}
        """For each shard the last number that was carried out."""
        self._behind_answers = mark.answers
        self._resend = mark.resend
        self._recorded = recorded
        self._replayed = replayed
        self._progress = progress
        self._scripts = scripts
        self._topics = topics
        self._facts = facts
        self._sent = sent
        self._touch = touch
        self._metrics = metrics
        self._chain = Chain()
        self._waits = False

    @property
    def replayed_all(self) -> bool:
        """Whether nothing is on record any more that can be carried out before something new is decided."""
        return self._waits or not (self._recorded.answers or (self.position or 0) < self._resend)

    async def take(self, batch: Batch[InstructionBatch]) -> Outputs:
        """Carry out a batch; what is to be told of it. Raises what `carry_out` raises."""
        found = self._news(batch)
        self._touch(it.user_id for it in found)
        old = [it for it in found if self._answer_of(it) is not None]
        new = [it for it in found if self._answer_of(it) is None]
        planned = [await self._plan(it) for it in old]
        await self._carry_out(planned)
        # Said at once: the events that a new decision waits for may wait for these.
        self.carried |= {shard_of_user(it.user_id): it.number for it in old}
        self._progress.moved()
        if new:
            self._waits = True
            self._progress.moved()
            await self._replayed.wait()
            self._waits = False
            decided = [await self._plan(it) for it in new]
            await self._carry_out(decided)
            planned += decided
        outputs = await self._outputs(planned, batch.position, await self._again(batch))
        self.position = batch.position
        self.carried |= {shard_of_user(it.user_id): it.number for it in found}
        self._progress.moved()
        return outputs

    def _news(self, batch: Batch[InstructionBatch]) -> list[Instruction]:
        found = []
        for item in batch.items:
            for it in item.value.instructions:
                verdict = self.numbers.take(item.value.shard, it.incarnation, it.number)
                if verdict is Verdict.NEXT:
                    found.append(it)
                else:
                    self._metrics.skipped("orders", verdict)
        return found

    async def _again(self, batch: Batch[InstructionBatch]) -> dict[str, list[Command]]:
        """Commands that were perhaps never sent: the watermark that knew it is lost (see `rebuild`)."""
        commands: dict[str, list[Command]] = defaultdict(list)
        for item in batch.items:
            for it in item.value.instructions if item.record.offset < self._resend else ():
                await self._send_again(it, self._recorded.again.pop(_key(it), None), commands)
        return commands

    async def _send_again(
        self, it: Instruction, answer: OrderEvent | None, commands: dict[str, list[Command]]
    ) -> None:
        """The command of what was answered before; its engine drops it if it has it."""
        symbol = instructions.symbol_of(it)
        if answer is None or answer.WhichOneof("body") == "refused" or not symbol:
            return
        command = command_of(it, Entry(number=0, kind=PASSED, id=0))
        if command is not None and await self._takes(symbol):
            commands[symbol].append(command)

    def _answer_of(self, it: Instruction) -> OrderEvent | None:
        return self._recorded.answers.get(_key(it))

    async def _plan(self, it: Instruction) -> _Planned:
        recorded = self._answer_of(it)
        symbol = instructions.symbol_of(it)
        known = not symbol or recorded is not None or await self._topics.exists(matching_topic(symbol))
        after = self._chain.follow(it.user_id, it.number)
        call = instructions.call_for(it, after=after, recorded=recorded, known_pair=known)
        return _Planned(it, recorded, Step(it.user_id, it.number, after, call))

    async def _carry_out(self, planned: Sequence[_Planned]) -> None:
        async def unblock(blocked: Sequence[Step], seen: int) -> None:
            self._tell_carried(planned, blocked)
            await self._wait(blocked, seen)

        await carry_out(
            self._scripts,
            [one.step for one in planned],
            unblock=unblock,
            moves=lambda: self._progress.count,
        )

    def _tell_carried(self, planned: Sequence[_Planned], blocked: Sequence[Step]) -> None:
        """What is carried out of these: the events that the blocked ones wait for may wait for that."""
        first: dict[int, int] = {}
        for step in blocked:
            shard = shard_of_user(step.user)
            first[shard] = min(step.place, first.get(shard, step.place))
        carried = dict(self.carried)
        for one in planned:
            shard, number = shard_of_user(one.instruction.user_id), one.instruction.number
            if shard not in first or number < first[shard]:
                carried[shard] = max(number, carried.get(shard, 0))
        if carried != self.carried:
            self.carried = carried
            self._progress.moved()

    async def _wait(self, blocked: Sequence[Step], seen: int) -> None:
        """For credits that events bring: the log says that these funds were there."""
        self._metrics.waiting(len(blocked))
        log.info(
            "the funds of a recorded answer are not here yet",
            extra={"user": blocked[0].user, "steps": len(blocked)},
        )
        try:
            await self._progress.after(seen)
        finally:
            self._metrics.waiting(-len(blocked))

    async def _outputs(
        self, planned: Sequence[_Planned], position: int, commands: dict[str, list[Command]]
    ) -> Outputs:
        answers: dict[int, list[OrderEvent]] = defaultdict(list)
        journal: list[JournalEntry] = []
        drained: dict[int, list[str]] = defaultdict(list)
        sent: list[tuple[str, int, int]] = []
        for one in planned:
            it, answer = one.instruction, one.step.done
            self._recorded.answers.pop(_key(it), None)
            if not answer.text:
                _require_told(one)
                # Its command was sent, too, unless the cursor said so before it was true.
                await self._send_again(it, one.recorded, commands)
                continue
            entry = parse_entry(answer.text)
            drained[it.user_id].append(instructions.field_of(it))
            if one.recorded is None:
                answers[shard_of_user(it.user_id)].append(answer_to(it, entry))
            if entry.number:
                message = entry.message(user_id=it.user_id, symbol="", cause=it.number, leg=0)
                journal.append(message)
            self._note(it, entry, fresh=answer.said is Said.NEW)
            command = command_of(it, entry)
            symbol = instructions.symbol_of(it)
            if command is None or not await self._takes(symbol):
                continue
            commands[symbol].append(command)
            if answer.said is Said.NEW and one.recorded is None:
                sent.append((symbol, command.source, command.number))
        # Known now: a later batch may use the last of them before this one's mark is written.
        replaying = bool(self._recorded.answers) or position < self._resend
        numbers = {
            shard: self.numbers.last[shard]
            for shard in {shard_of_user(one.instruction.user_id) for one in planned}
        }
        return Outputs(
            answers=tuple(answer_records(answers, partitions=self._partitions)),
            journal=tuple(journal_records(journal, partitions=self._partitions)),
            commands=commands,
            drained=drained,
            marks=lambda behind: self._marks(position, numbers, behind, replaying=replaying),
            published=lambda: self._count(sent),
        )

    def _note(self, it: Instruction, entry: Entry, *, fresh: bool) -> None:
        if it.WhichOneof("body") == "order_created" and not entry.refused:
            self._facts.put(it.order_created.order.order_id, Facts.of(it.order_created))
        if fresh:
            self._metrics.carried_out(entry.kind)

    async def _takes(self, symbol: str) -> bool:
        """Whether there is a log to write to: a pair may have been deleted since the order was held."""
        if await self._topics.exists(matching_topic(symbol)):
            return True
        log.error("a command has no pair any more", extra={"symbol": symbol})
        return False

    def _count(self, sent: Sequence[tuple[str, int, int]]) -> None:
        for symbol, source, number in sent:
            self._sent.sent(symbol, source, number)

    def _marks(
        self,
        position: int,
        numbers: Mapping[int, tuple[int, int]],
        behind: int | None,
        *,
        replaying: bool,
    ) -> dict[str, str]:
        """While recorded answers are left, their place stays: they came in other batches than these."""
        if not replaying:
            known = [
                place for place in (behind, self._recorded.end, self._behind_answers) if place is not None
            ]
            self._behind_answers = max(known, default=None)
        fields = {f"o{self._partition}": str(position)}
        if self._behind_answers is not None:
            fields[f"a{self._partition}"] = str(self._behind_answers)
        for shard, (incarnation, number) in numbers.items():
            fields[f"s{shard}"] = f"{incarnation} {number}"
        return fields


def _require_told(one: _Planned) -> None:
    """What is done and has no entry left was told: the log had its answer when this worker began.

    Another process may have told it since then, and a new beginning finds it; else the cursor says too much,
    and to go on would leave the instruction without an answer for ever.
    """
    if one.recorded is None:
        it = one.instruction
        raise PositionCorruptError(
            f"the cursor of user {it.user_id} says that {it.number} is done, and no log had an answer of it: "
            "it is looked up once more, and waits for the cursor's repair if there is none",
            name="POSITION_UNTOLD",
        )


def _key(it: Instruction) -> tuple[int, int, int]:
    return shard_of_user(it.user_id), it.incarnation, it.number
