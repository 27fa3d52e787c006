"""Where a story's choices come from: one number below a bound at a time.

A seeded generator makes millions of them for the daily run; hypothesis makes those that it can shrink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")


class Choices:
    """Choices made of `below(n)`, which gives a whole number from 0 to n - 1."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the others."""
        return options[self.below(len(options))]

    def percent(self, chance: int) -> bool:
        """Whether something of so many percent happens; the plain case is the one with small numbers."""
        return self.below(100) >= 100 - chance

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends inside."""
        return least + self.below(most - least + 1)

    def weighted(self, weights: Mapping[T, int]) -> T:
        """One of the keys, as likely as its weight says."""
        at = self.below(sum(weights.values()))
        for option, weight in weights.items():
            at -= weight
            if at < 0:
                return option
        raise AssertionError("a weight was below 0")
