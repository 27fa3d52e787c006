"""Asking again until something answers, where there is nothing that could be awaited."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from e2e.cluster.errors import ClusterError, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["wait_for"]

PAUSE_SECONDS = 0.2


def wait_for(
    what: str,
    attempt: Callable[[], object],
    *,
    seconds: float,
    hint: str = "",
    error: type[Exception] = CommandError,
) -> None:
    """Call `attempt` until it doesn't raise `error`; raises ClusterError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except error as why:
            if time.monotonic() > deadline:
                raise ClusterError(f"{what} isn't there after {seconds:.0f} s: {why}{hint}") from why
            time.sleep(PAUSE_SECONDS)
        else:
            return
