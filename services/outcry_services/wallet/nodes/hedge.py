"""A read that doesn't wait for one slow node: after a while a second one is asked, too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

__all__ = ["hedged"]

T = TypeVar("T")


async def hedged(
    attempts: Sequence[Callable[[], Coroutine[Any, Any, T]]], *, after: float, unless: type[Exception]
) -> T:
    """The first answer. The next attempt begins when one fails with `unless`, or `after` seconds later.

    The others are cancelled, and have ended when this returns. Any other exception than `unless` is an
    answer, too, and is raised. When all fail, the last failure is raised; ValueError without attempts.
    """
    if not attempts:
        raise ValueError("nobody to ask")
    waiting = list(reversed(attempts))
    running: set[asyncio.Task[T]] = set()
    failure: Exception | None = None
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(waiting.pop()()))
            done, running = await asyncio.wait(
                running,
                timeout=after if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None:
                    return task.result()
                if not isinstance(error, unless):
                    raise error
                failure = error
        raise failure or ValueError("nobody to ask")
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
