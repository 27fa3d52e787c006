"""The running operator: a queue, workers that empty it, and those who fill it.

kopf's handlers, Consul's watch and the sweep only say that a pair needs a run; what that run does is
decided from what is there when its turn comes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from outcry_operator.errors import OperatorError
from outcry_operator.metrics import Metrics
from outcry_operator.pair.conditions import condition_of
from outcry_operator.pair.reconcile import reconcile
from outcry_operator.pair.trim import trim
from outcry_operator.queue import WorkQueue
from outcry_operator.sweep import find_drifted, list_pairs
from outcry_operator.watch import ConsulWatch

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from outcry_operator.pair.names import Key
    from outcry_operator.pair.outcome import Outcome
    from outcry_operator.pair.world import World

log = logging.getLogger(__name__)

TRIM_SECONDS = 3600.0
END_SECONDS = 10.0


class App:
    """Made inside a running event loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queue = WorkQueue()
        self.metrics = Metrics(waiting=lambda: len(self.queue))
        self._watch = ConsulWatch(world.consul, self.queue.add)
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False
        self._trimmed_at = 0.0

    def start(self) -> None:
        """Start to work."""
        self._watch.start()
        workers = (self._work() for _ in range(self.world.settings.workers))
        parts: list[Coroutine[Any, Any, None]] = [*workers, self._sweep_for_ever()]
        self._tasks = [asyncio.create_task(part) for part in parts]

    def seen(self, key: Key) -> None:
        """The pair, or something of it, was made, changed or removed."""
        self._watch.follow(key)
        self.queue.add(key)

    def touched(self, key: Key) -> None:
        """Something that a pair owns changed."""
        self.queue.add(key)

    def unhealthy(self) -> str | None:
        """Why the process should be restarted, or None."""
        dead = [task for task in self._tasks if task.done()]
        return f"{len(dead)} of {len(self._tasks)} parts ended" if dead and not self._ending else None

    async def close(self) -> None:
        """Let the runs at hand end, then stop; what they leave undone is found by the next operator."""
        self._ending = True
        await self._watch.close()
        self.queue.close()
        idle = asyncio.create_task(self.queue.idle())
        await asyncio.wait({idle}, timeout=END_SECONDS)
        for task in (idle, *self._tasks):
            task.cancel()
        await asyncio.gather(idle, *self._tasks, return_exceptions=True)
        await self.world.close()

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._run(key)
            finally:
                self.queue.done(key)

    async def _run(self, key: Key) -> None:
        began = time.monotonic()
        result = "crashed"
        try:
            outcome = await reconcile(key, self.world)
            result = outcome.result
            self._follow_up(key, outcome)
        except OperatorError as error:
            result = error.reason
            seconds = self.queue.add_failed(key)
            log.warning(
                "run failed", extra={"pair": key.name, "error": str(error), "again_in_seconds": seconds}
            )
        except Exception:
            # A fault of ours in one pair must not stop the others.
            self.queue.add_failed(key)
            log.exception("run crashed", extra={"pair": key.name, "namespace": key.namespace})
        finally:
            self.metrics.ran(result=result, seconds=time.monotonic() - began)

    def _follow_up(self, key: Key, outcome: Outcome) -> None:
        log.debug("ran", extra={"pair": key.name, "result": outcome.result, "ready": outcome.ready})
        if outcome.gone:
            self._watch.forget(key)
            self.queue.forget(key)
            self.metrics.forget(key)
            return
        self.metrics.ready[key] = outcome.ready
        if outcome.again_seconds is not None:
            self.queue.add_later(key, outcome.again_seconds)
        if not outcome.back_off:
            self.queue.succeeded(key)
            return
        seconds = self.queue.add_failed(key)
        # Without a reason it only awaits the core's answer, as after every change of the settings.
        level = logging.WARNING if outcome.failed else logging.DEBUG
        log.log(
            level,
            "not done",
            extra={"pair": key.name, "reasons": outcome.failed, "again_in_seconds": seconds},
        )

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except OperatorError as error:
                log.warning("sweep failed", extra={"error": str(error)})
            await asyncio.sleep(self.world.settings.sweep_seconds)

    async def _sweep(self) -> None:
        for key in await find_drifted(self.world):
            self.queue.add(key)
        self.metrics.swept_at = time.time()
        if time.monotonic() - self._trimmed_at > TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            await self._trim()

    async def _trim(self) -> None:
        for pair in await list_pairs(self.world):
            ready = condition_of(pair.status, "TopicsReady")
            if not pair.spec.paused and not pair.deleting and ready is not None and ready.status == "True":
                await trim(pair, self.world)
