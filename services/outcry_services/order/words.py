"""Between the words that clients write and the enums of the schema: `BUY` is `SIDE_BUY`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from outcry.v1.types_pb2 import OrderType, RejectReason, SelfTradePrevention, Side, TimeInForce

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor

__all__ = ["PREVENTIONS", "REASONS", "SIDES", "TIMES", "TYPES", "Words"]


class _Enum(Protocol):
    @property
    def DESCRIPTOR(self) -> EnumDescriptor: ...  # noqa: N802 - protobuf's name


class Words:
    """One enum: its words without the prefix, both ways; 0 has the empty word."""

    def __init__(self, kind: _Enum, prefix: str) -> None:
        values = kind.DESCRIPTOR.values
        self._numbers = {value.name.removeprefix(prefix): value.number for value in values if value.number}
        self._words = {number: word for word, number in self._numbers.items()}

    def number(self, word: str) -> int | None:
        """Of a word; 0 for an empty one, None for one that is not of this enum."""
        return self._numbers.get(word) if word else 0

    def word(self, number: int) -> str:
        """Of a number; empty for 0 and for one that this release doesn't know."""
        return self._words.get(number, "")

    def all(self) -> str:
        """Every word, for a message."""
        return ", ".join(self._numbers)


SIDES = Words(Side, "SIDE_")
TYPES = Words(OrderType, "ORDER_TYPE_")
TIMES = Words(TimeInForce, "TIME_IN_FORCE_")
PREVENTIONS = Words(SelfTradePrevention, "SELF_TRADE_PREVENTION_")
REASONS = Words(RejectReason, "REJECT_REASON_")
