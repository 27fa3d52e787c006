"""What the bodies of `outcry.v1` hold, field by field: the schema once more, for the checker alone.

A letter for each field from number 1 on: `u` uint64, `w` uint32, `i` int64, `e` an enum or int32, `z`
sint32, `b` bool, `m` a message, whose own shape is `inner`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from e2e.checker.wire import BYTES, VARINT, WireError, fields, number_of
from e2e.oracle import commands, events

__all__ = ["COMMANDS", "EVENTS", "Shape"]


class Shape(NamedTuple):
    """Letters of a message's fields, and what is made of their values."""

    make: type[Any]
    letters: str
    inner: Shape | None = None

    def empty(self) -> list[Any]:
        """The values of a message without fields."""
        return [self.inner.empty() if letter == "m" and self.inner else 0 for letter in self.letters]

    def read(self, data: bytes, values: list[Any]) -> None:
        """Put the fields of a message over what is there already, as protobuf merges them."""
        for number, kind, value in fields(data):
            if number > len(self.letters):
                continue
            letter = self.letters[number - 1]
            if kind != (BYTES if letter == "m" else VARINT):
                raise WireError(f"field {number} has wire type {kind}")
            if isinstance(value, int):
                values[number - 1] = number_of(value, letter)
            elif self.inner is not None:
                self.inner.read(value, values[number - 1])

    def body(self, values: list[Any]) -> Any:  # noqa: ANN401 - whatever the shape makes
        """The oracle's command or event with these values."""
        if self.inner is None:
            return self.make(*values)
        made = (self.inner.body(value) if isinstance(value, list) else value for value in values)
        return self.make(*made)


ORDER = Shape(commands.NewOrder, "uueeeiiiiieeui")
FILTERS = Shape(commands.Filters, "eiiiiibiwwwww")
COMMANDS: dict[int, Shape] = {
    5: ORDER,
    6: Shape(commands.CancelOrder, "uu"),
    7: Shape(commands.PairSettings, "ewiiizziim", FILTERS),
    8: Shape(commands.Tick, "i"),
    9: Shape(commands.AmendOrder, "uui"),
    10: Shape(commands.CancelReplace, "uem", ORDER),
    11: Shape(commands.NewOco, "uuueiiiiieeeu"),
    12: Shape(commands.MassCancel, "ue"),
    13: Shape(commands.SetDisconnectTimer, "uu"),
}
EVENTS: dict[int, Shape] = {
    6: Shape(events.OrderAccepted, "uueeeiiiiieieu"),
    7: Shape(events.OrderRejected, "uue"),
    8: Shape(events.TradeExecuted, "uiiuuuueiizz"),
    9: Shape(events.OrderCancelled, "uui"),
    10: Shape(events.OrderExpired, "uuie"),
    11: Shape(events.CancelRejected, "uue"),
    12: Shape(events.SettingsChanged, "ewiiizzii"),
    13: Shape(events.SettingsRejected, "e"),
    14: Shape(events.FiltersChanged, FILTERS.letters),
    15: Shape(events.OrderTriggered, "uui"),
    16: Shape(events.OrderAmended, "uuii"),
    17: Shape(events.AmendRejected, "uue"),
    18: Shape(events.SelfTradePrevented, "iiuuuueii"),
    19: Shape(events.MassCancelled, "ueu"),
    20: Shape(events.MassCancelRejected, "ue"),
    21: Shape(events.DisconnectTimerSet, "ui"),
    22: Shape(events.DisconnectTimerRejected, "ue"),
    23: Shape(events.DisconnectTimerFired, "uu"),
    24: Shape(events.AuctionIndicative, "iiei"),
    25: Shape(events.AuctionUncrossed, "iiei"),
}
