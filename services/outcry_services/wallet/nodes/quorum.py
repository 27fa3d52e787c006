"""What more than half of a pool says. Pure.

Counted against all nodes of the configuration, never against those that happen to answer: of five nodes
that are cut in two, at most one side can reach three.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

__all__ = ["Agreement", "agree", "granted", "majority"]

T = TypeVar("T", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Agreement(Generic[T]):
    """What the majority says, who says it, and who says something else."""

    value: T
    holders: frozenset[str]
    dissenters: frozenset[str]


def majority(members: int) -> int:
    """How many of so many are more than half."""
    return members // 2 + 1


def agree(views: Mapping[str, T], *, members: int) -> Agreement[T] | None:
    """The value that more than half of all `members` give; None when there is none. There can't be two."""
    if not views:
        return None
    value, count = Counter(views.values()).most_common(1)[0]
    if count < majority(members):
        return None
    holders = frozenset(name for name, view in views.items() if view == value)
    return Agreement(value, holders, frozenset(views) - holders)


def granted(numbers: Iterable[int], *, members: int) -> int | None:
    """The highest number that more than half of all `members` reach; None when fewer than that are given.

    A minority can neither raise it above what an honest node says nor, while a majority is honest and
    answers, lower it below.
    """
    ordered = sorted(numbers, reverse=True)
    needed = majority(members)
    return ordered[needed - 1] if len(ordered) >= needed else None
