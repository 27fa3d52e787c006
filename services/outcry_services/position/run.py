"""Everything that is carried out between one beginning at the watermark and the next."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.kafka import TopicMissingError
from outcry_services.common.order_log import ORDERS, events_topic, partition_of
from outcry_services.common.redis import Call
from outcry_services.position import keys, library
from outcry_services.position.cache import FactsCache
from outcry_services.position.delivery import Delivery
from outcry_services.position.instruction_worker import InstructionWorker
from outcry_services.position.leg_worker import LegWorker
from outcry_services.position.marks import BORN, KNOWN
from outcry_services.position.pool import Pool
from outcry_services.position.progress import Progress
from outcry_services.position.slots import tag_on
from outcry_services.position.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry.v1.event_pb2 import EventBatch
    from outcry.v1.instruction_pb2 import InstructionBatch

    from outcry_services.common.redis_servers import Master
    from outcry_services.position.instruction_worker import Recorded
    from outcry_services.position.marks import Marks
    from outcry_services.position.metrics import Metrics
    from outcry_services.position.ports import Logs, Pairs, Publishing, Reading, Sent, Store, Topics
    from outcry_services.position.proof import Proof

__all__ = ["Means", "Run"]

log = logging.getLogger(__name__)

MOST_BATCHES = 8
"""Of a stream, carried out and not told yet."""

LOOK_SECONDS = 1.0
"""Between two looks at Redis when nothing else is asked of it."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the work is done with."""

    store: Store
    logs: Logs
    publishing: Publishing
    topics: Topics
    pairs: Pairs
    sent: Sent
    metrics: Metrics
    partitions: int
    """Of `orders`, `order-events` and `journal` alike."""


@dataclass(frozen=True, slots=True)
class _PairTasks:
    """Who works on a pair."""

    delivery: Delivery
    tasks: tuple[asyncio.Task[None], ...]


class Run:
    """`work` until something fails; also the `Horizon` of the pairs' workers."""

    def __init__(
        self,
        means: Means,
        *,
        marks: Marks,
        recorded: Mapping[int, Recorded],
        masters: Sequence[Master],
        lost: frozenset[str],
        proof: Proof | None,
    ) -> None:
        """`lost` are pairs to leave alone: their logs lack what comes next."""
        self._means = means
        self._lost = lost
        self._masters = masters
        self._proof = proof
        self._touched: set[int] = set()
        self._marks = marks
        self._tags = [tag_on(master) for master in masters]
        self._scripts = Pool(means.store)
        self._orders: Reading[InstructionBatch] = means.logs.instructions()
        self._trades: Reading[EventBatch] = means.logs.events()
        self._instructions = Streams(self._orders)
        self._events = Streams(self._trades)
        self._progress = Progress()
        self._facts = FactsCache()
        self.replayed = asyncio.Event()
        """Set once the events are carried out that were there at the beginning, and the result is proved."""
        self.stage = "replaying"
        """What is done before new work, in words."""
        self._ends: dict[str, int] = {}
        self._legs: dict[str, LegWorker] = {}
        self._workers = [
            self._worker(partition, recorded[partition]) for partition in range(means.partitions)
        ]

    async def work(self) -> None:
        """Replay and go on, until something fails."""
        try:
            async with asyncio.TaskGroup() as group:
                # One for all partitions: what comes of them together is told together.
                delivery = self._delivery(streams=len(self._workers))
                group.create_task(delivery.run())
                for partition, worker in enumerate(self._workers):
                    self._instructions.follow({(ORDERS, partition): worker.position})
                    group.create_task(self._carry_out(partition, worker, delivery))
                symbols = self._means.pairs.symbols()
                gone = await self._left_behind(symbols)
                self._ends = gone | {
                    symbol: await self._trades.end(events_topic(symbol), 0)
                    for symbol in sorted(symbols - self._lost)
                }
                group.create_task(self._instructions.run())
                group.create_task(self._events.run())
                group.create_task(self._follow_pairs(group, symbols, gone))
                group.create_task(self._end_replay())
                group.create_task(self._look_at_store())
        finally:
            await asyncio.gather(self._orders.close(), self._trades.close(), self._scripts.close())

    async def _look_at_store(self) -> None:
        """Whether Redis still is the one that it was, also while nothing happens: others read from it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._means.store.command("PING")

    def lags(self) -> tuple[int, dict[str, int]]:
        """Records behind in `orders`, and in the events of each pair."""
        events = {topic.removeprefix("events."): lag for (topic, _), lag in self._events.lags.items()}
        return sum(self._instructions.lags.values()), events

    def gaps(self) -> int:
        """Logs in which a number is missing."""
        shards = sum(len(worker.numbers.ahead) for worker in self._workers)
        return shards + sum(worker.seq.missing is not None for worker in self._legs.values())

    async def reach(self, shard: int, number: int) -> None:
        """Wait until this instruction was carried out, or all that `orders` holds by now (see `Horizon`)."""
        partition = partition_of(shard, self._means.partitions)
        worker = self._workers[partition]
        end = await self._orders.end(ORDERS, partition)
        while worker.carried.get(shard, 0) < number and (worker.position or 0) < end:
            await self._progress.after(self._progress.count)

    def _worker(self, partition: int, recorded: Recorded) -> InstructionWorker:
        means = self._means
        return InstructionWorker(
            partition=partition,
            partitions=means.partitions,
            mark=self._marks.instructions(partition, partitions=means.partitions),
            recorded=recorded,
            replayed=self.replayed,
            progress=self._progress,
            scripts=self._scripts,
            topics=means.topics,
            facts=self._facts,
            sent=means.sent,
            touch=self._touch,
            metrics=means.metrics,
        )

    def _delivery(self, *, streams: int = 1) -> Delivery:
        return Delivery(
            scripts=self._scripts,
            publishing=self._means.publishing,
            tags=self._tags,
            most_batches=MOST_BATCHES * streams,
        )

    async def _carry_out(self, partition: int, worker: InstructionWorker, delivery: Delivery) -> None:
        while True:
            batch = await self._instructions.take((ORDERS, partition))
            await delivery.put(await worker.take(batch))

    async def _left_behind(self, symbols: frozenset[str]) -> dict[str, int]:
        """Pairs that went before all their events were carried out, and where those end."""
        found = {}
        for symbol in sorted(self._marks.symbols() - symbols - self._lost):
            end = await self._end_of(symbol)
            if (self._marks.events(symbol).offset or 0) < end:
                found[symbol] = end
        return found

    async def _end_of(self, symbol: str) -> int:
        """Where the events of a pair end that is gone; 0: they went with it."""
        try:
            return await self._trades.end(events_topic(symbol), 0)
        except TopicMissingError:
            return 0

    async def _follow_pairs(
        self, group: asyncio.TaskGroup, symbols: frozenset[str], gone: Iterable[str]
    ) -> None:
        """Take up the pairs that are there and those that come; one that went is carried out to its end."""
        known = {symbol: self._take_up(group, symbol) for symbol in gone}
        leaving: dict[str, asyncio.Task[None]] = {}
        while True:
            followed = symbols - self._lost
            for symbol in sorted(followed & leaving.keys()):
                leaving.pop(symbol).cancel()
            for symbol in sorted(followed - known.keys()):
                known[symbol] = self._take_up(group, symbol)
            for symbol in sorted(known.keys() - followed - leaving.keys()):
                leaving[symbol] = group.create_task(self._leave(symbol, known))
            self._progress.moved()
            symbols = await self._means.pairs.changed(symbols)

    async def _leave(self, symbol: str, known: dict[str, _PairTasks]) -> None:
        """End the work on a pair that is gone, once its last events are carried out."""
        end, pair = await self._end_of(symbol), known[symbol]
        while (self._legs[symbol].position or 0) < end:
            await self._progress.after(self._progress.count)
        await pair.delivery.settled()
        log.info("a pair is gone", extra={"symbol": symbol})
        for task in known.pop(symbol).tasks:
            task.cancel()
        self._events.leave((events_topic(symbol), 0))
        self._legs.pop(symbol)
        # A replay doesn't wait for what nobody carries out any more.
        self._ends.pop(symbol, None)
        self._progress.moved()

    def _take_up(self, group: asyncio.TaskGroup, symbol: str) -> _PairTasks:
        means = self._means
        worker = LegWorker(
            symbol=symbol,
            partitions=means.partitions,
            mark=self._marks.events(symbol),
            progress=self._progress,
            horizon=self,
            scripts=self._scripts,
            facts=self._facts,
            sent=means.sent,
            touch=self._touch,
            metrics=means.metrics,
        )
        self._legs[symbol] = worker
        self._events.follow({(events_topic(symbol), 0): worker.position})
        delivery = self._delivery()
        settling = group.create_task(self._settle(symbol, worker, delivery))
        return _PairTasks(delivery, (group.create_task(delivery.run()), settling))

    async def _settle(self, symbol: str, worker: LegWorker, delivery: Delivery) -> None:
        while True:
            batch = await self._events.take((events_topic(symbol), 0))
            await delivery.put(await worker.take(batch))

    def _touch(self, users: Iterable[int]) -> None:
        if not self.replayed.is_set():
            self._touched.update(users)

    async def _end_replay(self) -> None:
        """Wait for the end of the replay, prove it, take note of the masters, and let new work begin."""
        while self._behind():
            await self._progress.after(self._progress.count)
        if self._proof is not None:
            self.stage = "proving the replay by the ledger"
            carried = {shard: number for worker in self._workers for shard, number in worker.carried.items()}
            await self._proof.prove(self._scripts, tuple(self._touched), carried=carried)
        calls = [
            Call(library.MARK, (keys.mark(tag),), (BORN, "1", KNOWN, master.identity))
            for tag, master in zip(self._tags, self._masters, strict=True)
        ]
        for reply in await self._scripts.run_all(calls):
            if isinstance(reply, ServiceError):
                raise reply
        log.info("replayed to the end of the events")
        self.replayed.set()
        self._touched.clear()

    def _behind(self) -> bool:
        """Whether there is more to replay: events that were there, or answers that are on record."""
        for symbol, end in self._ends.items():
            worker = self._legs.get(symbol)
            if worker is None or (worker.position or 0) < end:
                return True
        return not all(worker.replayed_all for worker in self._workers)
