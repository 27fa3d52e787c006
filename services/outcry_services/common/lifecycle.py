"""From start to a graceful end: SIGTERM takes a process out of rotation, then ends its parts in order.

    lifecycle = Lifecycle(health=health, drain_seconds=20)
    lifecycle.at_end("publisher", publisher.close)   # begun first, ended last
    lifecycle.at_end("grpc", server.drain)           # begun last, ended first
    await lifecycle.run()

A background task that dies ends the process, too: half a service is worse than none. So does one that ends
as cancelled although nobody here cancelled it: a time-out or a library below may have lost its way.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from outcry_services.common.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from outcry_services.common.health import Health

__all__ = ["Lifecycle"]

log = logging.getLogger(__name__)


class Lifecycle:
    """One process's life; `drain_seconds` is what all endings together may take."""

    def __init__(self, *, health: Health, drain_seconds: float) -> None:
        self._seconds = drain_seconds
        self._told = asyncio.Event()
        self._ends: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._running = False
        health.ready_if("lifecycle", lambda: "draining" if self._told.is_set() else None)

    @property
    def draining(self) -> bool:
        """Whether the end has begun."""
        return self._told.is_set()

    def at_end(self, name: str, end: Callable[[], Awaitable[None]]) -> None:
        """Call `end` when the process drains, before those that were named earlier."""
        self._ends.append((name, end))

    def background(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run `work` beside the rest; its failure ends the process, and the drain cancels it first of all."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def dismiss(self, task: asyncio.Task[None]) -> None:
        """End background work that is needed no more, while the rest goes on."""
        self._tasks.discard(task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def stop(self) -> None:
        """Begin to drain, as SIGTERM does."""
        self._told.set()

    async def run(self) -> None:
        """Wait to be told, drain; raises what ended a background task, or `InternalError` out of time."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        self._running = True
        try:
            await self._told.wait()
            await self._drain()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
        if self._failure is not None:
            raise self._failure

    async def _drain(self) -> None:
        log.info("draining", extra={"seconds": self._seconds})
        part = "background tasks"
        try:
            async with asyncio.timeout(self._seconds):
                tasks = list(self._tasks)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for name, end in reversed(self._ends):
                    part = name
                    await end()
        except TimeoutError:
            raise InternalError(
                f"{part} did not end within {self._seconds:g} s; "
                "raise OUTCRY_DRAIN_SECONDS if there is so much to do"
            ) from self._failure

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task not in self._tasks:
            return
        self._tasks.discard(task)
        error = self._fault(task)
        if error is None:
            return
        # A start that fails ends the loop, and with it what was begun: that is not worth a word of its own.
        if self._running or not task.cancelled():
            log.error("a background task failed", extra={"task": task.get_name()}, exc_info=error)
        self._failure = self._failure or error
        self.stop()

    def _fault(self, task: asyncio.Task[None]) -> BaseException | None:
        """Why a task that ended should not have."""
        if not task.cancelled():
            error = task.exception()
            return error or (None if self.draining else InternalError(f"{task.get_name()} ended by itself"))
        if self.draining:
            return None
        fault = InternalError(f"{task.get_name()} was cancelled, and nobody asked for that")
        try:
            task.result()
        except asyncio.CancelledError as cancelled:
            # Its traceback tells where.
            fault.__cause__ = cancelled
        return fault
