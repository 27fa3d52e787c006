"""From what Redis did to what the world knows: publish, and only then forget.

The answer goes first, and the pair's command once it is acknowledged: a command that an engine carries out
always has its answer in the log, so a replay after a loss of Redis finds what was decided and never decides
anew. When all is acknowledged, the journal's copy in Redis is drained and the watermark moves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.redis import Call
from outcry_services.position import keys, library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outcry_services.common.kafka import Record
    from outcry_services.position.ports import Publishing, Scripts

__all__ = ["Delivery", "Outputs"]


@dataclass(kw_only=True, slots=True)
class Outputs:
    """What became of one batch."""

    answers: Sequence[Record] = ()
    journal: Sequence[Record] = ()
    commands: Sequence[Record] = ()
    drained: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Fields of each user's journal that Kafka has when all is acknowledged."""
    marks: Callable[[int | None], Mapping[str, str]]
    """The watermark's fields, told the offset behind the last answer (None: there was none)."""
    published: Callable[[], None] = lambda: None
    """Called once the commands are acknowledged."""


class Delivery:
    """One stream's outputs, in order: while one batch waits for Kafka, the next is carried out."""

    def __init__(
        self, *, scripts: Scripts, publishing: Publishing, tags: Sequence[str], most_batches: int = 8
    ) -> None:
        self._scripts = scripts
        self._publishing = publishing
        self._tags = tags
        self._given: asyncio.Queue[Outputs] = asyncio.Queue(most_batches)
        self._told: asyncio.Queue[tuple[Outputs, int | None, asyncio.Future[list[int]]]] = asyncio.Queue(
            most_batches
        )

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
            outputs = await self._given.get()
            offsets = await self._publishing.publish_all([*outputs.answers, *outputs.journal])
            last = max(offsets[: len(outputs.answers)], default=None)
            commands = asyncio.ensure_future(self._publishing.publish_all(outputs.commands))
            await self._told.put((outputs, None if last is None else last + 1, commands))
            self._given.task_done()

    async def _finish(self) -> None:
        while True:
            outputs, behind, commands = await self._told.get()
            await commands
            outputs.published()
            drains = [
                Call(library.DRAIN, (keys.journal(user),), tuple(fields))
                for user, fields in outputs.drained.items()
            ]
            fields = outputs.marks(behind)
            words = tuple(word for pair in fields.items() for word in pair)
            marks = [Call(library.MARK, (keys.mark(tag),), words) for tag in self._tags if words]
            for reply in await self._scripts.run_all([*drains, *marks]):
                if isinstance(reply, ServiceError):
                    raise reply
            self._told.task_done()
