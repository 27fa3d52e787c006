"""What a hold knows of its order, so that a trade can be settled without asking anybody else.

In Redis it is text behind the amount: `left asset per_unit side symbol base quote tick_lot lot`; a
withdrawal's is `left asset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import Side

from outcry_services.common.errors import IntegrityError

if TYPE_CHECKING:
    from outcry.v1.instruction_pb2 import OrderCreated

__all__ = ["Facts", "parse_hold"]

WITHDRAWAL_WORDS, ORDER_WORDS = 2, 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Of one order; nothing in it changes while the order lives."""

    asset: str
    """What is held: the quote asset of a buy, the base asset of a sale."""
    per_unit: int
    """What each lot (by quote: each tick-lot) that remains needs; 0: all stays held to the end."""
    side: Side.ValueType
    symbol: str
    base: str
    quote: str
    tick_lot: int
    """Quote ledger units of a tick-lot."""
    lot: int
    """Base ledger units of a lot."""

    @classmethod
    def of(cls, created: OrderCreated) -> Facts:
        """Of an order as it was created."""
        return cls(
            asset=created.hold_asset,
            per_unit=created.hold_per_unit,
            side=created.order.side,
            symbol=created.symbol,
            base=created.base_asset,
            quote=created.quote_asset,
            tick_lot=created.quote_units_per_tick_lot,
            lot=created.base_units_per_lot,
        )

    @property
    def received(self) -> str:
        """The asset that a trade brings."""
        return self.base if self.side == Side.SIDE_BUY else self.quote

    def tail(self) -> str:
        """What stands behind amount and asset."""
        return (
            f" {self.per_unit} {self.side} {self.symbol} {self.base} {self.quote} {self.tick_lot} {self.lot}"
        )

    def keep(self, remaining: int) -> str:
        """What stays held at most while so much remains, as the scripts take it (see `fees.hold_step`)."""
        if remaining == 0:
            return "0"
        return str(self.per_unit * remaining) if self.per_unit else ""


def parse_hold(text: str) -> tuple[int, str, Facts | None]:
    """What is left, its asset, and the facts (None: a withdrawal's); raises `IntegrityError`."""
    words = text.split(" ")
    if len(words) == WITHDRAWAL_WORDS:
        return int(words[0]), words[1], None
    if len(words) != ORDER_WORDS:
        raise IntegrityError(f"{text[:80]!r} is no hold")
    left, asset, per_unit, side, symbol, base, quote, tick_lot, lot = words
    facts = Facts(
        asset=asset,
        per_unit=int(per_unit),
        side=_side(int(side)),
        symbol=symbol,
        base=base,
        quote=quote,
        tick_lot=int(tick_lot),
        lot=int(lot),
    )
    return int(left), asset, facts


def _side(number: int) -> Side.ValueType:
    if number not in (Side.SIDE_BUY, Side.SIDE_SELL):
        raise IntegrityError(f"side {number} of a hold neither buys nor sells")
    return Side.SIDE_BUY if number == Side.SIDE_BUY else Side.SIDE_SELL
