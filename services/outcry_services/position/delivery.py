"""From what Redis did to what the world knows: publish, and only then forget.

The answer goes first, and the pair's command once it is acknowledged: a command that an engine carries out
always has its answer in the log, so a replay after a loss of Redis finds what was decided and never decides
anew. When all is acknowledged, the journal's copy in Redis is drained and the watermark moves.

Batches that come together, of several streams, are told together: a pair's commands in one record, and one
watermark for all of them. What Kafka, Redis and this process do for a record is many times what they do for
one more message in it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.redis import Call
from outcry_services.position import keys, library
from outcry_services.position.topics import command_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outcry.v1.command_pb2 import Command

    from outcry_services.common.kafka import Record
    from outcry_services.position.ports import Publishing, Scripts

__all__ = ["Delivery", "Outputs", "Round"]


MOST_ROUNDS = 8


@dataclass(kw_only=True, slots=True)
class Outputs:
    """What became of one batch."""

    answers: Sequence[Record] = ()
    journal: Sequence[Record] = ()
    commands: Mapping[str, Sequence[Command]] = field(default_factory=dict)
    """Of each pair."""
    drained: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Fields of each user's journal that Kafka has when all is acknowledged."""
    marks: Callable[[int | None], Mapping[str, str]]
    """The watermark's fields, told the offset behind the last answer (None: there was none)."""
    published: Callable[[], None] = lambda: None
    """Called once the commands are acknowledged."""


@dataclass(frozen=True, slots=True)
class Round:
    """Batches that are told together."""

    batches: Sequence[Outputs]
    behind: Sequence[int | None]
    """For each the offset behind its last answer; None: it has none."""
    commands: asyncio.Future[list[int]]


class Delivery:
    """Outputs of one or more streams, in order: while one round waits for Kafka, the next is carried out."""

    def __init__(
        self,
        *,
        scripts: Scripts,
        publishing: Publishing,
        tags: Sequence[str],
        most_batches: int = 8,
    ) -> None:
        self._scripts = scripts
        self._publishing = publishing
        self._tags = tags
        self._given: asyncio.Queue[Outputs] = asyncio.Queue(most_batches)
        self._told: asyncio.Queue[Round] = asyncio.Queue(MOST_ROUNDS)

    async def put(self, outputs: Outputs) -> None:
        """Take a batch's outputs; waits while too many are on their way."""
        await self._given.put(outputs)

    async def settled(self) -> None:
        """Wait until all that was put is delivered, watermark included."""
        await self._given.join()
        await self._told.join()

    async def run(self) -> None:
        """Deliver for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell())
            group.create_task(self._finish())

    async def _tell(self) -> None:
        while True:
            batches = [await self._given.get()]
            while not self._given.empty():
                batches.append(self._given.get_nowait())
            behind = await self._answer(batches)
            commands: dict[str, list[Command]] = defaultdict(list)
            for outputs in batches:
                for symbol, given in outputs.commands.items():
                    commands[symbol] += given
            sent = asyncio.ensure_future(self._publishing.publish_all(tuple(command_records(commands))))
            await self._told.put(Round(batches, behind, sent))
            for _ in batches:
                self._given.task_done()

    async def _answer(self, batches: Sequence[Outputs]) -> list[int | None]:
        """Publish answers and journal; for each batch the offset behind its last answer."""
        records = [record for outputs in batches for record in (*outputs.answers, *outputs.journal)]
        offsets = await self._publishing.publish_all(records)
        at = 0
        behind: list[int | None] = []
        for outputs in batches:
            told = offsets[at : at + len(outputs.answers)]
            behind.append(max(told) + 1 if told else None)
            at += len(outputs.answers) + len(outputs.journal)
        return behind

    async def _finish(self) -> None:
        while True:
            done = await self._told.get()
            await done.commands
            fields: dict[str, str] = {}
            drains = []
            for outputs, behind in zip(done.batches, done.behind, strict=True):
                outputs.published()
                fields |= outputs.marks(behind)
                drains += [
                    Call(library.DRAIN, (keys.journal(user),), tuple(names))
                    for user, names in outputs.drained.items()
                ]
            words = tuple(word for pair in fields.items() for word in pair)
            marks = [Call(library.MARK, (keys.mark(tag),), words) for tag in self._tags if words]
            for reply in await self._scripts.run_all([*drains, *marks]):
                if isinstance(reply, ServiceError):
                    raise reply
            self._told.task_done()
