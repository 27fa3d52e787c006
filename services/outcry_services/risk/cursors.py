"""How far each numbered stream of a log has been read: repeats are dropped, a gap is never stepped over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

__all__ = ["Cursors"]

K = TypeVar("K", bound="Hashable")


class Cursors(Generic[K]):
    """The last (incarnation, number) of each stream.

    What is ahead of a gap counts as not yet seen: whoever publishes goes on from what is missing, so it
    comes again. Until then the stream is behind, and `gaps` says what it waits for.
    """

    def __init__(self) -> None:
        self._last: dict[K, tuple[int, int]] = {}
        self.gaps: dict[K, tuple[int, int]] = {}
        """Streams that wait: the number that is missing, and one that was seen behind it."""

    def take(self, stream: K, number: int, *, incarnation: int = 0) -> bool:
        """Whether a message is new, and the next. The first one of a stream is, whatever its number.

        A higher incarnation begins where its store was restored, so there it may leave numbers out.
        """
        last = self._last.get(stream)
        if last is not None:
            if (incarnation, number) <= last:
                return False
            if number > last[1] + 1 and incarnation == last[0]:
                self.gaps[stream] = (last[1] + 1, number)
                return False
        self._last[stream] = (incarnation, number)
        if self.gaps:
            self.gaps.pop(stream, None)
        return True

    def last(self, stream: K) -> int:
        """The last number that was taken; 0: none."""
        return self._last.get(stream, (0, 0))[1]

    def all(self) -> Mapping[K, tuple[int, int]]:
        """The last (incarnation, number) of every stream."""
        return self._last

    def restore(self, last: Mapping[K, tuple[int, int]]) -> None:
        """Go on from what was kept."""
        self._last = dict(last)

    def forget(self, stream: K) -> None:
        """The stream begins anew."""
        self._last.pop(stream, None)
        self.gaps.pop(stream, None)
