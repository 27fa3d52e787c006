"""What has arrived of one source, and is not in the books yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry.v1.event_pb2 import Event
    from outcry.v1.instruction_pb2 import Instruction
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.settlement.steps import Waiting

__all__ = ["PairLane", "ShardLane"]


@dataclass(slots=True)
class ShardLane:
    """A shard: its last number in the books, and what is here behind it."""

    incarnation: int = 0
    number: int = 0
    instructions: dict[int, Instruction] = field(default_factory=dict)
    answers: dict[int, OrderEvent] = field(default_factory=dict)
    short: int = 0
    """The number that waits for funds; 0: none."""
    may_cover: int = 0
    """The number whose funds will not come."""

    def following(self) -> int | None:
        """The next number, if both sides of it are here."""
        number = self.number + 1
        if number not in self.instructions and self.instructions:
            # A restored store may leave numbers out; its incarnation tells a jump from a gap.
            first = min(self.instructions)
            if self.instructions[first].incarnation > self.incarnation:
                number = first
        return number if number in self.instructions and number in self.answers else None


@dataclass(slots=True)
class PairLane:
    """A pair: its last seq in the books, and what is here behind it."""

    seq: int = 0
    events: dict[int, Event] = field(default_factory=dict)
    waiting: Waiting | None = None
    without: int = 0
    """The seq of an event whose orders have no holds for sure."""
