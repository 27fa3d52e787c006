"""From the watermark on, for as long as Redis is the one that it was; then from the watermark again.

Every beginning is the same: learn who serves, make good what a master lost altogether, read the watermarks
and the answers that the log holds, and replay from there. New instructions are decided only once the replay
is over. So nothing needs to be known of what went wrong: a lost connection, a restart, a promoted replica
and a crash of this process all end here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError, UnavailableError
from outcry_services.common.kafka import PositionLostError, PublisherStoppedError
from outcry_services.common.order_log import EVENTS_PREFIX
from outcry_services.position import keys
from outcry_services.position.errors import PositionCorruptError
from outcry_services.position.marks import BORN, KNOWN, Marks
from outcry_services.position.recorded import read_recorded
from outcry_services.position.run import Run
from outcry_services.position.slots import tag_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.common.redis_servers import Master
    from outcry_services.position.instruction_worker import Recorded
    from outcry_services.position.proof import Proof
    from outcry_services.position.rebuild import Rebuild
    from outcry_services.position.run import Means

__all__ = ["Flow"]

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2
"""Before a new beginning: whoever is away is not asked without end."""


class Flow:
    """Carries out every log, for ever."""

    def __init__(self, means: Means, *, rebuild: Rebuild, proof: Proof | None = None) -> None:
        """Without a `proof` (there is no ledger) a replay counts as it is."""
        self._means = means
        self._rebuild = rebuild
        self._proof = proof
        self._run: Run | None = None
        self._lost: set[str] = set()
        self._fault: str | None = "not begun yet"
        self._beginnings = 0
        self._whole = False

    async def run(self) -> None:
        """Begin, and begin again whenever Redis is not what it was; raises what no new beginning mends.

        A pair's log that lacks what comes next (trimmed unread, or made anew under the same name) is left
        alone until the process begins again: the other pairs go on.
        """
        reason = "start"
        while True:
            self._means.metrics.started(reason)
            try:
                # In a task of its own. A group of tasks that fails cancels the task it is in, which stays
                # counted there; to Python before 3.11.3 a time-out of a later beginning would then be a
                # cancel from outside, and end the flow without a word.
                await asyncio.create_task(self._once(), name="one beginning of the flow")
            except ServiceError as error:
                errors = [error]
            except ExceptionGroup as group:
                found, others = group.split(ServiceError)
                if found is None or others is not None:
                    raise
                errors = _flat(found)
            lasting = [error for error in errors if not (self._give_up(error) or _passes(error))]
            if lasting:
                raise lasting[0]
            reason, self._fault = errors[0].name.lower(), errors[0].message
            log.warning("beginning again at the watermark", extra={"why": self._fault})
            self._run = None
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # What failed at the same moment took the place of the cancel; nobody cancels a second time.
                raise asyncio.CancelledError
            await asyncio.sleep(PAUSE_SECONDS)

    def problem(self) -> str | None:
        """What keeps new orders from being carried out, for a health check."""
        if self._run is None or self._fault is not None:
            return self._fault or "beginning"
        if self._run.gaps():
            return "a number is missing in a log"
        return None if self._run.replayed.is_set() else self._run.stage

    def whole(self) -> int | None:
        """The number of the beginning whose balances Redis has; None: it may lack all of somebody's.

        Whoever reads balances asks before and after: another answer in between, and what was read may be of a
        Redis that had lost it.
        """
        return self._beginnings if self._whole else None

    def lags(self) -> tuple[int, dict[str, int]]:
        """Records behind in `orders`, and in the events of each pair."""
        return (0, {}) if self._run is None else self._run.lags()

    def gaps(self) -> int:
        """Logs in which a number is missing, and those that lost what comes next."""
        return len(self._lost) + (0 if self._run is None else self._run.gaps())

    def _give_up(self, error: ServiceError) -> bool:
        """Leave the pair alone whose log lost its place; whether it is that."""
        if not isinstance(error, PositionLostError) or not error.topic.startswith(EVENTS_PREFIX):
            return False
        log.error("a pair can't be followed", extra={"topic": error.topic, "why": error.message})
        self._lost.add(error.topic.removeprefix(EVENTS_PREFIX))
        return True

    async def _once(self) -> None:
        self._whole = False
        self._beginnings += 1
        masters = await self._means.store.masters()
        found = await self._read_marks(masters)
        if any(BORN not in mark for mark in found):
            await self._rebuild.make_good(masters, found)
            found = await self._read_marks(masters)
        self._whole = True
        # An answer that is still on its way is in no log: it would be decided once more, perhaps otherwise.
        await self._means.publishing.settle()
        marks = Marks(found)
        changed = any(mark.get(KNOWN) != master.identity for master, mark in zip(masters, found, strict=True))
        self._run = Run(
            self._means,
            marks=marks,
            recorded=await self._recorded(marks),
            masters=masters,
            lost=frozenset(self._lost),
            proof=self._proof if changed else None,
        )
        self._fault = None
        await self._run.work()

    async def _read_marks(self, masters: Sequence[Master]) -> list[dict[str, str]]:
        found = [await self._means.store.command("HGETALL", keys.mark(tag_on(master))) for master in masters]
        return [{name.decode(): value.decode() for name, value in mark.items()} for mark in found]

    async def _recorded(self, marks: Marks) -> dict[int, Recorded]:
        partitions = self._means.partitions
        reader = self._means.logs.answers()
        try:
            begin = {
                partition: marks.instructions(partition, partitions=partitions)
                for partition in range(partitions)
            }
            return await read_recorded(reader, begin)
        finally:
            await reader.close()


def _flat(group: ExceptionGroup[ServiceError]) -> list[ServiceError]:
    found: list[ServiceError] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, ExceptionGroup) else [error]
    return found


def _passes(error: ServiceError) -> bool:
    """Whether it may be gone at the next beginning: Redis comes back, the reconciler repairs."""
    if isinstance(error, UnavailableError):
        return not isinstance(error, PublisherStoppedError)
    return isinstance(error, PositionCorruptError) or error.name == "REDIS_REFUSED"
