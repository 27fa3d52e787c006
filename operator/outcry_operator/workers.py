"""Workers that empty a queue: what a run does is decided from what is there when its turn comes.

A fault in one object must not stop the others, and a run that failed comes back by itself, later each time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Generic

from outcry_operator.errors import OperatorError
from outcry_operator.queue import K, WorkQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from outcry_operator.outcome import Outcome

log = logging.getLogger(__name__)

END_SECONDS = 10.0


class Workers(Generic[K]):
    """Runs `run` for each key that is added, `count` of them at a time."""

    def __init__(
        self,
        run: Callable[[K], Awaitable[Outcome]],
        *,
        count: int,
        noun: str,
        ran: Callable[[str, float], None],
        ended: Callable[[K, Outcome], None],
    ) -> None:
        """`ran` is told each run's result and seconds, `ended` what it came to. Logs call a key `noun`."""
        self.queue = WorkQueue[K]()
        self._run = run
        self._count = count
        self._noun = noun
        self._ran = ran
        self._ended = ended

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """What must run for ever."""
        return [self._work() for _ in range(self._count)]

    async def close(self) -> None:
        """Give out nothing more, and let the runs at hand end."""
        self.queue.close()
        idle = asyncio.create_task(self.queue.idle())
        await asyncio.wait({idle}, timeout=END_SECONDS)
        idle.cancel()
        await asyncio.gather(idle, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._run_one(key)
            finally:
                self.queue.done(key)

    async def _run_one(self, key: K) -> None:
        began = time.monotonic()
        result = "crashed"
        namespace, name = key
        try:
            outcome = await self._run(key)
            result = outcome.result
            self._follow_up(key, outcome)
        except OperatorError as error:
            result = error.reason
            seconds = self.queue.add_failed(key)
            log.warning(
                "run failed", extra={self._noun: name, "error": str(error), "again_in_seconds": seconds}
            )
        except Exception:
            # A fault of ours in one object must not stop the others.
            self.queue.add_failed(key)
            log.exception("run crashed", extra={self._noun: name, "namespace": namespace})
        finally:
            self._ran(result, time.monotonic() - began)

    def _follow_up(self, key: K, outcome: Outcome) -> None:
        _, name = key
        log.debug("ran", extra={self._noun: name, "result": outcome.result, "ready": outcome.ready})
        self._ended(key, outcome)
        if outcome.gone:
            self.queue.forget(key)
            return
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
            extra={self._noun: name, "reasons": outcome.failed, "again_in_seconds": seconds},
        )
