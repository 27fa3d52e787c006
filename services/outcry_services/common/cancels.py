"""Cancels that a driver below takes for done.

Before Python 3.12 `asyncio.wait_for` gives its result, and forgets a cancel, when what it waited for was done
in the moment in which the cancel came (https://github.com/python/cpython/issues/86296). redis-py writes every
command under one, asyncmy makes its connections under one. A task that works for ever would go on, and the
end of its process would wait for it in vain: nobody cancels a second time.

    asked = cancels()
    reply = await driver.work()
    heed(asked)
"""

from __future__ import annotations

import asyncio

__all__ = ["cancels", "heed"]


def cancels() -> int:
    """How often the running task was asked to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def heed(asked: int) -> None:
    """Raise `CancelledError` when the running task was asked to end more than `asked` times by now."""
    if cancels() > asked:
        raise asyncio.CancelledError
