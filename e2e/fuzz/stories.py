"""A story: commands, and the events and the book that the oracle makes of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from e2e.fuzz.flow import Flow
from e2e.fuzz.source import Choices
from e2e.oracle import Oracle
from e2e.oracle.commands import CancelReplace, Command, NewOco, NewOrder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.oracle import Level, OpenOrder, Totals
    from e2e.oracle.events import Event


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the oracle said: the events of each command and the book after the last one."""

    commands: list[Command]
    events: list[list[Event]]
    depth: tuple[list[Level], list[Level]]
    open_orders: list[OpenOrder]
    # Ids in the order of their turn: bids, asks, waiting stops, triggered ones.
    queues: tuple[list[int], ...]
    totals: Totals
    # Whether a command ever ended with triggered stops left for the next.
    left_over: bool = field(default=False)

    @property
    def orders(self) -> int:
        """How many orders were sent, in whatever command."""
        return sum(isinstance(command.body, (NewOrder, NewOco, CancelReplace)) for command in self.commands)


def of_seed(seed: int, length: int) -> Told:
    """The story of a seed; any two of the same seed and length are equal."""
    uniform = random.Random(seed).random
    oracle = Oracle()
    flow = Flow(Choices(lambda bound: int(uniform() * bound)), oracle.market)
    return _told(oracle, (flow.next() for _ in range(length)))


def of_commands(commands: Iterable[Command]) -> Told:
    """The story that these commands make."""
    return _told(Oracle(), commands)


def _told(oracle: Oracle, commands: Iterable[Command]) -> Told:
    sent: list[Command] = []
    said: list[list[Event]] = []
    left_over = False
    for command in commands:
        sent.append(command)
        said.append(oracle.apply(command))
        left_over = left_over or (oracle.market.budget == 0 and bool(oracle.market.queue))
    return Told(
        commands=sent,
        events=said,
        depth=oracle.depth(),
        open_orders=oracle.open_orders(),
        queues=oracle.queue_order(),
        totals=oracle.totals(),
        left_over=left_over,
    )
