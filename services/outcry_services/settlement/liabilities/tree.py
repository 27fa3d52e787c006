"""Building a tree: levels of nodes, from the leaves to the root. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.liabilities import EMPTY, Step, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry_services.common.liabilities import Leaf, Node

__all__ = ["Tree", "build", "sibling_of"]


@dataclass(frozen=True, slots=True)
class Tree:
    """Leaves in the order in which they stand, and the levels above them; the last has the root alone."""

    leaves: Sequence[Leaf]
    levels: Sequence[Sequence[Node]]

    @property
    def root(self) -> Node:
        """What is published."""
        return self.levels[-1][0]


def build(leaves: Iterable[Leaf]) -> Tree:
    """A tree of at least one leaf.

    Leaves stand by their hashes, which hold a secret of each: a place says nothing about whose it is. Raises
    `IntegrityError` for a negative amount, and ValueError for no leaves.
    """
    placed = sorted(((leaf.node, leaf) for leaf in leaves), key=lambda pair: pair[0].hash)
    if not placed:
        raise ValueError("a tree needs a leaf")
    levels = [[node for node, _ in placed]]
    while len(levels[-1]) > 1:
        below = levels[-1] + [EMPTY] * (len(levels[-1]) % 2)
        levels.append([joined(below[at], below[at + 1]) for at in range(0, len(below), 2)])
    return Tree([leaf for _, leaf in placed], levels)


def sibling_of(place: int, nodes: Mapping[int, Node]) -> Step:
    """The step beside a place of a level; `nodes` by their places, those beyond its end left out."""
    beside = place ^ 1
    return Step(nodes.get(beside, EMPTY), is_left=beside < place)
