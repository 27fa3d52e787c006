"""What a client tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from outcry_engine.feed.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The book is another one, right after event `sequence`: at the beginning, or because events are gone."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The next event has been applied to the book. Times are Unix nanoseconds."""

    sequence: int
    epoch: int
    received_unix_nanos: int
    """When the oldest command of its packet came in, by the sender's clock."""
    sent_unix_nanos: int
    """When its packet was handed to the socket, by the same clock."""
    arrived_unix_nanos: int | None
    """When its packet came, by the network card or the kernel; None from the recovery channel."""
    messages: tuple[Message, ...]
    """Empty for an event that the market does not see."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over for good."""


Update: TypeAlias = Snapshot | Event | Ended
