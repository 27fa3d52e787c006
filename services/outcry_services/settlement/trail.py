"""How far a partition is applied, when what is read can't always be applied at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pending", "Trail"]


class Pending(NamedTuple):
    """A message that was read and is not applied."""

    offset: int
    """Of its record."""
    lane: int
    """The shard; 0 for a pair's events."""
    number: int
    """Its number there, or its seq."""
    milliseconds: int
    """When its record was written, by Kafka's clock."""


@dataclass(slots=True)
class Trail:
    """A partition's messages that are not applied, in the order of the log; at most `most` and a batch."""

    most: int
    read: int
    """Offset behind the last record that was taken in."""
    pending: deque[Pending] = field(default_factory=deque)
    cut: bool = False
    """Records from `read` on were refused: they must be read again."""

    @property
    def has_room(self) -> bool:
        """Whether another batch would be taken in."""
        return not self.cut and len(self.pending) < self.most

    def admits(self, position: int) -> bool:
        """Whether a batch up to `position` is taken in; one that is not is read again later."""
        if not self.has_room:
            self.cut = True
            return False
        self.read = max(self.read, position)
        return True

    @property
    def position(self) -> int:
        """The offset of the first record that is not known to be applied."""
        return self.pending[0].offset if self.pending else self.read

    def settle(self, is_applied: Callable[[Pending], bool]) -> int:
        """Forget what is applied from the front on; the offset of the first record that is not."""
        while self.pending and is_applied(self.pending[0]):
            self.pending.popleft()
        return self.position
