"""What a trade moves: what each side pays and gets, the fee, and what becomes of the order's hold.

Position, settlement and order ask here, so that no two of them ever round apart. Everything is an integer of
ledger units, and all functions are pure.

A fee is taken in the asset that is received (the buyer's in base, the seller's in quote), at the millionths
that the trade itself carries. It is rounded up, a rebate is rounded down: toward the house, both times. With
fees of at most the whole (the engine refuses others), no side ever gets less than nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from outcry.v1.types_pb2 import Side

from outcry_services.common.errors import AmountError, IntegrityError
from outcry_services.common.money import checked, product

__all__ = ["MILLION", "HoldStep", "Proceeds", "bought", "fee_of", "hold_step", "proceeds", "sold"]

MILLION = 1_000_000


class Proceeds(NamedTuple):
    """One side of a trade, in ledger units: `received` is `gross` less `fee`."""

    paid: int
    """Leaves the payer: quote of a buyer, base of a seller."""
    gross: int
    """What the other side pays for it, before the fee: base of a buyer, quote of a seller."""
    fee: int
    """Of `gross`; negative is a rebate, which the house pays on top."""
    received: int


class HoldStep(NamedTuple):
    """What a step takes from an order's hold, and what it leaves; all in the hold's asset."""

    from_hold: int
    """Paid out of the hold."""
    short: int
    """What the hold lacks for the payment: 0 unless a band was raised behind an order's back."""
    released: int
    """Goes back to available."""
    left: int
    """Still held."""


def fee_of(gross: int, ppm: int) -> int:
    """The fee of an amount at millionths of it, rounded toward the house; negative for a rebate.

    Raises `AmountError`: `INVALID_FEE` outside ±1,000,000, `AMOUNT_NEGATIVE`, `AMOUNT_OVERFLOW`.
    """
    if not -MILLION <= ppm <= MILLION:
        raise AmountError(f"a fee of {ppm} millionths is more than the whole", name="INVALID_FEE")
    if gross < 0:
        raise AmountError(f"there is no fee of {gross}: it is below 0", name="AMOUNT_NEGATIVE")
    # The ceiling, of negative numbers too: -7 // 2 is -4, so -(-7 // 2) is 4, and -(7 // 2) is -3.
    return checked(-(product(gross, -ppm) // MILLION))


def bought(
    *, price: int, quantity: int, quote_units_per_tick_lot: int, base_units_per_lot: int, fee_ppm: int
) -> Proceeds:
    """The buyer's side of a trade at `price` ticks of `quantity` lots."""
    paid = checked(product(price, quantity, quote_units_per_tick_lot))
    return _after_fee(paid, checked(product(quantity, base_units_per_lot)), fee_ppm)


def sold(
    *, price: int, quantity: int, quote_units_per_tick_lot: int, base_units_per_lot: int, fee_ppm: int
) -> Proceeds:
    """The seller's side of a trade at `price` ticks of `quantity` lots."""
    paid = checked(product(quantity, base_units_per_lot))
    return _after_fee(paid, checked(product(price, quantity, quote_units_per_tick_lot)), fee_ppm)


def proceeds(
    side: Side.ValueType,
    *,
    price: int,
    quantity: int,
    quote_units_per_tick_lot: int,
    base_units_per_lot: int,
    fee_ppm: int,
) -> Proceeds:
    """`bought` or `sold`; raises `IntegrityError` for an order without a side."""
    if side not in (Side.SIDE_BUY, Side.SIDE_SELL):
        raise IntegrityError(f"side {side} neither buys nor sells")
    of_side = bought if side == Side.SIDE_BUY else sold
    return of_side(
        price=price,
        quantity=quantity,
        quote_units_per_tick_lot=quote_units_per_tick_lot,
        base_units_per_lot=base_units_per_lot,
        fee_ppm=fee_ppm,
    )


def hold_step(*, left: int, per_unit: int, remaining: int, paid: int = 0) -> HoldStep:
    """What a payment out of a hold, or the loss of quantity (`paid` 0), makes of it.

    `remaining` is what the order has left after this step, as its event says: lots, or tick-lots of an order
    by quote. 0 ends the order, and with it the hold. Else no more stays held than `per_unit` for each unit
    that remains: a better price, an amendment and a prevented self-trade release their part at once. An order
    without `per_unit` (a sale by quote, whose need is not known before its trades) keeps all until its end.
    """
    if min(left, per_unit, remaining, paid) < 0:
        raise IntegrityError(
            f"a hold of {left} at {per_unit} a unit, {remaining} remaining, {paid} paid: none may be negative"
        )
    from_hold = min(left, paid)
    rest = left - from_hold
    kept = _needed(rest, per_unit=per_unit, remaining=remaining)
    return HoldStep(from_hold=from_hold, short=paid - from_hold, released=rest - kept, left=kept)


def _after_fee(paid: int, gross: int, fee_ppm: int) -> Proceeds:
    fee = fee_of(gross, fee_ppm)
    return Proceeds(paid=paid, gross=gross, fee=fee, received=checked(gross - fee))


def _needed(rest: int, *, per_unit: int, remaining: int) -> int:
    if remaining == 0:
        return 0
    return min(rest, product(per_unit, remaining)) if per_unit else rest
