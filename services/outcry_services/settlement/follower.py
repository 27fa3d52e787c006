"""Keeps the books: what the logs hold goes into the ledger, batch by batch, exactly once.

A batch is one database transaction: its postings, its cursors and its positions in the logs are written
together or not at all. Whatever goes wrong, what was in memory is thrown away and the merge begins again from
what the database says: a commit whose answer was lost is simply found there.

`Settler` is one batch at a time and nothing else; `Follower` reads the logs for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from outcry_services.common.errors import InternalError, ServiceError, UnavailableError
from outcry_services.common.kafka import PositionLostError, TopicMissingError
from outcry_services.common.order_log import EVENTS_PREFIX, ORDER_EVENTS, ORDERS, partition_of
from outcry_services.settlement.books import (
    Books,
    Change,
    balances_needed,
    holds_needed,
    may_be_covered,
)
from outcry_services.settlement.errors import SupersededError
from outcry_services.settlement.intake import Intake
from outcry_services.settlement.model import Balance
from outcry_services.settlement.steps import places_of, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from outcry_services.common.kafka import Batch
    from outcry_services.settlement.books import Counts, UserAsset
    from outcry_services.settlement.ledger_store import LedgerBatch, LedgerStore, Opened
    from outcry_services.settlement.metrics import SettlementMetrics
    from outcry_services.settlement.ports import LogReader, Logs, Pause
    from outcry_services.settlement.steps import Place, Step

__all__ = ["Follower", "Settler"]

log = logging.getLogger(__name__)

T = TypeVar("T")

GATHER_SECONDS = 0.1
"""Between two transactions while little comes."""
LOOK_AGAIN_SECONDS = 5.0
"""Between two looks at funds that an instruction lacks."""


class Settler:
    """Applies what an intake has ready, as the writer of one epoch."""

    def __init__(self, store: LedgerStore, opened: Opened, intake: Intake, *, most_steps: int = 500) -> None:
        self._store = store
        self._epoch = opened.epoch
        self._written = dict(opened.offsets)
        self._most = most_steps
        self.intake = intake

    async def step(self) -> Counts | None:
        """Apply the next batch; None: nothing is ready. After any exception the intake is void."""
        while steps := self.intake.take(self._most):
            change = await self._apply(steps)
            if change is not None:
                self._written.update(change.positions)
                if change.counts.events:
                    self.intake.wake_short()
                return change.counts
        return None

    async def keep_positions(self) -> None:
        """Write how far the logs were read where nothing of it changed the books: repeats, or poison."""
        change = Change(positions=self._moved())
        if change.positions:
            async with self._store.batch(self._epoch) as batch:
                await batch.write(change)
            self._written.update(change.positions)

    async def _apply(self, steps: Sequence[Step]) -> Change | None:
        """One transaction; None: every step must wait for funds."""
        async with self._store.batch(self._epoch) as batch:
            holds = await batch.holds(holds_needed(steps))
            balances = await batch.balances(balances_needed(steps, holds))
            books = Books(holds, balances, untrue=await self._untrue(batch, balances, steps))
            left = books.apply(steps)
            self.intake.give_back(left)
            if len(left) == len(steps):
                return None
            change = books.change
            change.positions = self._moved()
            change.cursors = self.intake.cursors(sources_of(steps))
            await batch.write(change)
        return change

    async def _untrue(
        self, batch: LedgerBatch, balances: Mapping[UserAsset, Balance], steps: Sequence[Step]
    ) -> set[UserAsset]:
        """Balances that seem too small, but only because their rows are wrong: the reconciler mends those."""
        said = await batch.available_by_entries(may_be_covered(steps))
        found = {key for key, amount in said.items() if balances.get(key, Balance(0, 0)).available != amount}
        if found:
            log.warning(
                "balances are not what their entries say: nothing is covered", extra={"rows": sorted(found)}
            )
        return found

    def _moved(self) -> dict[Place, int]:
        """The positions that are not written yet."""
        positions = {place: self.intake.position(place) for place in self.intake.places()}
        return {
            place: position for place, position in positions.items() if self._written.get(place) != position
        }


class Follower:
    """Follows the logs of all pairs for as long as the process lives."""

    def __init__(
        self,
        *,
        store: LedgerStore,
        logs: Logs,
        symbols: Callable[[], Iterable[str]],
        partitions: int,
        metrics: SettlementMetrics,
        pause: Pause = asyncio.sleep,
        most_pending: int = 20_000,
        most_steps: int = 500,
    ) -> None:
        self._store = store
        self._logs = logs
        self._symbols = symbols
        self._partitions = partitions
        self._metrics = metrics
        self._pause = pause
        self._most_pending = most_pending
        self._most_steps = most_steps
        self._followed: frozenset[str] = frozenset()
        self._lost: set[str] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._stuck = False
        self._fault: str | None = "the ledger was not opened yet"
        self.intake: Intake | None = None
        self.ends: dict[Place, int] = {}
        """Where each partition ended when it was read last."""

    def problem(self) -> str | None:
        """What keeps the books from moving; None: nothing."""
        return self._fault

    def unopened(self) -> str | None:
        """What keeps the process from being ready: statements need no more than this."""
        return None if self.intake else self._fault

    def pairs_changed(self) -> None:
        """`symbols` gives others than before: begin again with those."""
        if self._followed != self._to_follow():
            self._news.set()

    def gaps(self) -> list[str]:
        """Sources that don't go on although there is more, in words."""
        lost = [f"{symbol} lost what comes next" for symbol in sorted(self._lost)]
        return lost + (self.intake.gaps() if self.intake else [])

    async def run(self) -> None:
        """Follow for ever.

        A database or a broker that is away is asked again; so are books that can't be kept (they contradict
        the logs, an amount leaves its range), which stay as they are until somebody has repaired them:
        `problem` and a metric say why. A pair's log that lacks what comes next (trimmed unread, or made anew
        under the same name) is left alone until the process begins again, and the other pairs go on; one that
        all pairs share ends the process: only a restore helps.
        """
        while True:
            try:
                await self._follow()
            except PositionLostError as error:
                if not error.topic.startswith(EVENTS_PREFIX):
                    raise
                self._give_up(error)
            except TopicMissingError:
                raise
            except ServiceError as error:
                self._fault = error.message
                self._metrics.failed(error)
                log.warning("the books stand still", extra={"error_name": error.name}, exc_info=error)
                # Who was superseded leaves the other one time, or they would take turns at every batch.
                await self._pause(5.0 if isinstance(error, SupersededError) else 1.0)

    def _give_up(self, error: PositionLostError) -> None:
        self._lost.add(error.topic.removeprefix(EVENTS_PREFIX))
        log.error("a pair can't be followed", extra={"topic": error.topic, "why": error.message})

    def _to_follow(self) -> frozenset[str]:
        return frozenset(self._symbols()) - self._lost

    async def _follow(self) -> None:
        """Until the pairs change."""
        opened = await self._store.open()
        self._followed = self._to_follow()
        intake = self.intake = Intake(opened.cursors, most_pending=self._most_pending)
        places = places_of(sorted(self._followed), partitions=self._partitions)
        for place in places:
            intake.follow(place, opened.offsets.get(place))
        self._fault = None
        self._stuck = False
        settler = Settler(self._store, opened, intake, most_steps=self._most_steps)
        tasks = [
            asyncio.ensure_future(self._read(self._logs.instructions, ORDERS, intake.offer_instructions)),
            asyncio.ensure_future(self._read(self._logs.answers, ORDER_EVENTS, intake.offer_answers)),
            asyncio.ensure_future(self._read(self._logs.events, EVENTS_PREFIX, intake.offer_events)),
            asyncio.ensure_future(self._settle(settler)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(*tasks)
        for task in done:
            task.result()

    async def _read(self, reader: LogReader[T], topics: str, offer: Callable[[Batch[T]], None]) -> None:
        """Bring one kind of log in, no faster than it can be applied."""
        intake = self._intake()
        positions = {
            place: intake.read_from(place) for place in intake.places() if place[0].startswith(topics)
        }
        while True:
            if positions:
                await reader.assign(positions)
            taking = asyncio.ensure_future(self._take_in(reader, offer))
            again = asyncio.ensure_future(self._until_again(topics))
            try:
                await asyncio.wait((taking, again), return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel(taking, again)
            positions = again.result() if again.done() and not again.cancelled() else taking.result()

    async def _take_in(self, reader: LogReader[T], offer: Callable[[Batch[T]], None]) -> NoReturn:
        async for batch in reader.batches():
            offer(batch)
            self.ends[batch.topic, batch.partition] = batch.end
            self._news.set()
            await self._until_room((batch.topic, batch.partition))
        raise InternalError("a log ended")

    async def _until_again(self, topics: str) -> dict[Place, int | None]:
        """Wait until partitions whose records were refused have room; from where to read all of them."""
        intake = self._intake()
        while (again := intake.to_read_again(topics)) is None:
            self._room.clear()
            await self._room.wait()
        return dict(again)

    async def _until_room(self, place: Place) -> None:
        """Wait while a partition's memory is full, unless nothing moves: others may bring what it lacks."""
        intake = self._intake()
        while not intake.has_room(place) and not self._stuck:
            self._room.clear()
            await self._room.wait()

    async def _settle(self, settler: Settler) -> None:
        while self._followed == self._to_follow():
            # Before the look, not behind it: what comes meanwhile is looked at next.
            self._news.clear()
            counts = await settler.step()
            if counts is not None:
                self._stuck = False
                self._metrics.applied(counts)
                self._room.set()
                if counts.instructions + counts.events < self._most_steps // 2:
                    # What comes meanwhile shares the next transaction, which costs little more for many.
                    await self._pause(GATHER_SECONDS)
            elif await self._resolve(settler.intake):
                self._room.set()
            else:
                await settler.keep_positions()
                self._metrics.going()
                self._stuck = True
                self._room.set()
                await self._until_news(settler.intake)

    async def _until_news(self, intake: Intake) -> None:
        """Wait for records; who lacks funds looks again now and then, as a row may have been put right."""
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS if intake.short() else None):
                await self._news.wait()
        except TimeoutError:
            intake.wake_short()

    async def _resolve(self, intake: Intake) -> bool:
        """Whether a pair or a shard can go on because what it waits for is in no log."""
        return await self._resolve_pairs(intake) or await self._resolve_funds(intake)

    async def _resolve_pairs(self, intake: Intake) -> bool:
        waiting = [(one, partition_of(one.shard, self._partitions)) for one in intake.waiting()]
        # Asked after the waiting events were read, as `known_end` wants it.
        numbers = sorted({number for _, number in waiting})
        ends = {number: await self._logs.answers.end(ORDER_EVENTS, number) for number in numbers}
        moved = [intake.known_end(one, (ORDER_EVENTS, number), ends[number]) for one, number in waiting]
        return any(moved)

    async def _resolve_funds(self, intake: Intake) -> bool:
        short = intake.short()
        if not short or self._lost or await self._store.symbols_held() - self._followed:
            # A pair that isn't followed may bring the funds.
            return False
        places = [place for place in intake.places() if place[0].startswith(EVENTS_PREFIX)]
        ends = {place: await self._logs.events.end(*place) for place in places}
        return intake.known_ends(short, ends)

    def _intake(self) -> Intake:
        if self.intake is None:
            raise UnavailableError("the ledger was not opened yet")
        return self.intake


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    """End them all, whatever they say to it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
