"""Processes of a simulation: what runs together, keeps its order, and dies together.

Within a process callbacks run in the order in which they became ready, as asyncio promises; between
processes there is no order. A killed process runs nothing any more, not even a `finally`: that is what
SIGKILL does, and a cancel would be kinder than any real crash.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["WORLD", "Process", "current_process", "process_of"]

_process: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


class Process:
    """One of them. `context` is what its callbacks and timers are scheduled in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.ready: deque[asyncio.Handle] = deque()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.failure: BaseException | None = None
        self.buried: list[Process] = []
        """Of the world: who was killed in this loop."""
        self.context = contextvars.copy_context()
        self.context.run(_process.set, self)
        self._mourners: list[Callable[[], None]] = []

    def start(self, work: Coroutine[Any, Any, None], *, name: str = "main") -> asyncio.Task[None]:
        """Run `work` in this process; its failure is the failure of the process."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, name=f"{self.name}.{name}", context=self.context.copy())
        task.add_done_callback(self._ended, context=self.context.copy())
        return task

    def at_death(self, call: Callable[[], None]) -> None:
        """Call when this process is killed: a server that sees the connection go."""
        self._mourners.append(call)

    def kill(self) -> None:
        """At once, between two steps. What its tasks hold is kept until the loop ends: nothing of it runs."""
        if not self.alive:
            return
        self.alive = False
        self.ready.clear()
        # To be collected would run its generators' ends, in whoever's step that happens.
        WORLD.buried.append(self)
        for task in self.tasks:
            # Nobody will wait for it, on purpose.
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
        for call in self._mourners:
            call()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and self.failure is None:
            self.failure = error


WORLD = Process("world")
"""Everything that never dies: the servers, the network, the story and its judges."""


def current_process() -> Process:
    """Whose code is running."""
    return _process.get(WORLD)


def process_of(context: contextvars.Context) -> Process:
    """Whose code runs in a context."""
    return context.get(_process, WORLD)
