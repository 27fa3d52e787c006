"""Work that was handed on in order, and is answered in that order by another process.

An engine reads one log: an event of one command says that everything written before it is done, too,
also what the engine dropped as a repeat and answered by nothing.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Backlog"]

K = TypeVar("K", bound="Hashable")


class Backlog(Generic[K]):
    """What waits for its answer; `clock` gives seconds that never go back."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: deque[tuple[K, float]] = deque()
        self._keys: set[K] = set()

    def __len__(self) -> int:
        """Records that wait."""
        return len(self._waiting)

    def add(self, key: K) -> None:
        """It was handed on now, behind everything before. One that waits already counts once."""
        if key not in self._keys:
            self._keys.add(key)
            self._waiting.append((key, self._clock()))

    def answered(self, key: K) -> None:
        """It is done, and so is everything before it. A key that doesn't wait (any more) says nothing."""
        while key in self._keys:
            done, _ = self._waiting.popleft()
            self._keys.discard(done)

    def clear(self) -> None:
        """Forget everything: whoever was asked begins again."""
        self._waiting.clear()
        self._keys.clear()

    def millis(self) -> int:
        """How long the oldest has waited; 0 when nothing does."""
        return int((self._clock() - self._waiting[0][1]) * 1000) if self._waiting else 0
