"""An event loop with virtual time, in which one seed decides which process takes the next step.

Time moves when nobody has anything left to do, straight to the next timer: an hour of waiting costs nothing,
and the same seed gives the same run to the last step. One step is one callback, so whatever happens `before`
a step happens at an await.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from e2e.simulation.errors import EndlessError, StalledError
from e2e.simulation.processes import WORLD, Process, current_process, process_of

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Coroutine

    from e2e.simulation.chance import Chance

__all__ = ["SimulatedLoop", "simulate"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGIN = 1_000_000_000.0
"""The loop's clock at its beginning: far from 0, which would hide a time that was never set."""


class _Task(asyncio.Task[Any]):
    """Its place in a set doesn't depend on its address: whoever goes through one goes the same way."""

    numbers = itertools.count()

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401
        self._number = next(_Task.numbers)
        super().__init__(*given, **named)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimulatedLoop(asyncio.BaseEventLoop):
    """`before_step(n)` is called before step `n`, and may kill processes."""

    def __init__(
        self,
        chance: Chance,
        *,
        most_steps: int = 1_000_000,
        before_step: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.steps = 0
        self._chance = chance
        self._most = most_steps
        self._before = before_step
        self._now = BEGIN
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle]] = []
        self._count = itertools.count()
        self._runnable: list[Process] = []
        self._owners: WeakKeyDictionary[asyncio.Task[Any], Process] = WeakKeyDictionary()
        self.complaints: list[str] = []
        """What asyncio had nobody to tell: an error in a callback, a task whose error nobody looked at."""
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._complain)
        _Task.numbers = itertools.count()
        WORLD.ready.clear()
        WORLD.buried.clear()

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Behind everything that is ready in the process whose context this is."""
        handle = asyncio.Handle(callback, args, self, context)
        self._make_ready(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Timers of one moment run in an order of the seed's."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, self._chance.fraction(), next(self._count), handle))
        return handle

    def run_in_executor(  # type: ignore[override]
        self,
        executor: object,
        call: Callable[..., T],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.Future[T]:
        """There are no threads: the call is made at once, and its end is seen later."""
        future: asyncio.Future[T] = self.create_future()
        try:
            result = call(*args)
        except Exception as error:
            self.call_soon(_set, future.set_exception, future, error)
        else:
            self.call_soon(_set, future.set_result, future, result)
        return future

    def close(self) -> None:
        """What is left of its tasks is thrown away now, and not while another loop runs."""
        tasks = asyncio.all_tasks(self)
        super().close()
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
            with suppress(BaseException):
                task.get_coro().close()

    def _make_ready(self, handle: asyncio.Handle) -> None:
        process = process_of(handle._context)  # type: ignore[attr-defined]  # noqa: SLF001
        # What is left of a story that has ended may still call: of the world there is one for all loops.
        if not process.alive or self.is_closed():
            return
        if not process.ready:
            self._runnable.append(process)
        process.ready.append(handle)

    def _run_once(self) -> None:
        """One step; called by `run_forever` until it is told to stop."""
        self._take_due()
        while not self._runnable:
            if not self._timers:
                raise StalledError(f"after {self.steps} steps nobody has anything left to do")
            self._now = max(self._now, self._timers[0][0])
            self._take_due()
        if self._before is not None:
            self._before(self.steps)
        self.steps += 1
        if self.steps > self._most:
            raise EndlessError(f"not at its end after {self._most} steps")
        handle = self._next()
        if handle is not None and not handle.cancelled():
            handle._run()  # noqa: SLF001

    def _next(self) -> asyncio.Handle | None:
        runnable = self._runnable
        if not runnable:
            return None
        at = self._chance.below(len(runnable))
        process = runnable[at]
        handle = process.ready.popleft() if process.ready else None
        if not process.ready:
            runnable[at] = runnable[-1]
            runnable.pop()
        return handle

    def _take_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._now:
            handle = heapq.heappop(self._timers)[3]
            if not handle.cancelled():
                self._make_ready(handle)

    def _make_task(
        self,
        _: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any],
        **named: Any,  # noqa: ANN401
    ) -> asyncio.Task[Any]:
        """A task that its process keeps until it is done."""
        task = _Task(work, loop=self, **named)
        context = named.get("context")
        process = current_process() if context is None else process_of(context)
        if process is not WORLD:
            self._owners[task] = process
            process.tasks.add(task)
            task.add_done_callback(process.tasks.discard)
        return task

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        task = context.get("task") or context.get("future")
        process = self._owners.get(task, WORLD) if isinstance(task, asyncio.Task) else current_process()
        if process.alive and not self.is_closed():
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by asyncio; a cancelled timer is passed over when its time comes."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""


def _set(setter: Callable[[Any], None], future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        setter(value)


def simulate(work: Coroutine[Any, Any, T], chance: Chance, **named: Any) -> T:  # noqa: ANN401
    """Run `work` in a loop of its own, as `asyncio.run` does."""
    loop = SimulatedLoop(chance, **named)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
