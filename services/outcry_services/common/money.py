"""Money is integers: an amount is an i64 count of ledger units, 10^-scale of the asset.

Decimal text is met at the edge only: `parse` and `format_amount` are exact inverses by scale. A price is a
count of ticks, a quantity a count of lots (`Units`); products are 128 bits wide, and no result wraps or
rounds unseen: what doesn't fit or doesn't divide raises an `AmountError` with a name of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from outcry_services.common.errors import AmountError

__all__ = [
    "I64_MAX",
    "I128_MAX",
    "MAX_SCALE",
    "Units",
    "add",
    "checked",
    "format_amount",
    "parse",
    "parse_up",
    "product",
    "subtract",
]

I64_MAX = 2**63 - 1
I64_MIN = -(2**63)
I128_MAX = 2**127 - 1
MAX_SCALE = 18
"""10^18 units are the most that leave room for amounts in an i64."""

# Twice what an i64 at the largest scale takes; longer text is not looked at.
_MAX_TEXT = 40
_PLAIN = re.compile(r"(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]+))?", re.ASCII)


def checked(value: int, *, field: str = "") -> int:
    """The value, if it fits an i64; else `AMOUNT_OVERFLOW`."""
    if not I64_MIN <= value <= I64_MAX:
        raise AmountError(
            f"{value} leaves the range of a 64-bit amount; use a smaller one",
            name="AMOUNT_OVERFLOW",
            field=field,
        )
    return value


def add(*amounts: int) -> int:
    """The sum, checked once it is whole."""
    return checked(sum(amounts))


def subtract(amount: int, less: int) -> int:
    """The difference, checked."""
    return checked(amount - less)


def product(*factors: int) -> int:
    """A product as wide as an i128; else `AMOUNT_OVERFLOW`. Narrow it with `checked`."""
    result = 1
    for factor in factors:
        result *= factor
    if abs(result) > I128_MAX:
        raise AmountError(
            f"the product of {' and '.join(map(str, factors))} leaves the range of 128 bits",
            name="AMOUNT_OVERFLOW",
        )
    return result


def parse(text: str, *, scale: int, field: str = "") -> int:
    """Ledger units of plain decimal text: `"1.05"` at scale 8 is 105,000,000.

    Named errors: `AMOUNT_EMPTY`, `AMOUNT_TOO_LONG`, `AMOUNT_SIGN`, `AMOUNT_EXPONENT`, `AMOUNT_NOT_A_NUMBER`
    (NaN, infinity), `AMOUNT_DIGITS` (digits of another script), `AMOUNT_MALFORMED`, `AMOUNT_TOO_PRECISE`,
    `AMOUNT_OVERFLOW`.
    """
    _check_scale(scale)
    found = _PLAIN.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if found is None:
        name, why = _fault(text)
        raise AmountError(
            f"{text[:_MAX_TEXT]!r} is not an amount ({why}); write it like 12.5", name=name, field=field
        )
    part = found["part"] or ""
    if len(part) > scale:
        raise AmountError(
            f"{text} has {len(part)} decimals, {scale} are the most here; leave the others out",
            name="AMOUNT_TOO_PRECISE",
            field=field,
        )
    return checked(int(found["whole"] + part.ljust(scale, "0")), field=field)


def parse_up(text: str, *, scale: int, field: str = "") -> int:
    """As `parse`, of text that may be more exact than a ledger unit: what is below one counts as one."""
    whole, _, part = text.partition(".")
    if len(part) <= scale:
        return parse(text, scale=scale, field=field)
    kept = parse(f"{whole}.{part[:scale]}" if scale else whole, scale=scale, field=field)
    rest = parse(f"0.{part[scale:]}", scale=MAX_SCALE, field=field)
    return checked(kept + (rest > 0), field=field)


def format_amount(units: int, *, scale: int) -> str:
    """Decimal text of an amount, always with `scale` decimals; negative ones (entries of a ledger) too."""
    _check_scale(scale)
    digits = str(abs(checked(units))).rjust(scale + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"


def _check_scale(scale: int) -> None:
    if not 0 <= scale <= MAX_SCALE:
        raise AmountError(f"scale {scale} is not between 0 and {MAX_SCALE}", name="SCALE_OUT_OF_RANGE")


def _fault(text: str) -> tuple[str, str]:
    """The first thing that is wrong with text that is no plain number, as a name and in words."""
    bare = text.lstrip("+-")
    faults = (
        (not text, "AMOUNT_EMPTY", "it is empty"),
        (len(text) > _MAX_TEXT, "AMOUNT_TOO_LONG", f"more than {_MAX_TEXT} characters"),
        (bare.lower() in {"nan", "snan", "inf", "infinity"}, "AMOUNT_NOT_A_NUMBER", "no number"),
        (text[0:1] in {"+", "-"}, "AMOUNT_SIGN", "it has a sign"),
        (re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", text) is not None, "AMOUNT_EXPONENT", "it has an exponent"),
        (
            any(letter.isnumeric() and not letter.isascii() for letter in text),
            "AMOUNT_DIGITS",
            "only the digits 0 to 9",
        ),
    )
    return next(((name, why) for wrong, name, why in faults if wrong), ("AMOUNT_MALFORMED", "malformed"))


@dataclass(frozen=True, kw_only=True)
class Units:
    """What a pair's tick and lot are worth, and the scales of its two assets.

    `tick` is the price of one whole base unit, in 10^-price_scale of the quote asset: its ledger units,
    unless prices are finer than those; `lot` a quantity in ledger units of the base asset. One tick times
    one lot must be a whole number of the quote's ledger units, so that no trade ever rounds.
    """

    base_scale: int
    quote_scale: int
    tick: int
    lot: int
    price_scale: int = -1
    """Decimals of prices; -1: the quote's."""

    tick_lot: int = field(init=False, compare=False)
    """Quote ledger units of one tick times one lot."""

    def __post_init__(self) -> None:
        """Refuse units in which a trade could not be paid exactly."""
        if self.price_scale == -1:
            object.__setattr__(self, "price_scale", self.quote_scale)
        for scale in (self.base_scale, self.quote_scale, self.price_scale):
            _check_scale(scale)
        if self.tick <= 0 or self.lot <= 0:
            raise AmountError(f"tick {self.tick} and lot {self.lot} must be positive", name="INVALID_UNITS")
        tick_lot, rest = divmod(
            self.tick * self.lot * 10**self.quote_scale, 10 ** (self.base_scale + self.price_scale)
        )
        if rest:
            raise AmountError(
                f"a lot at one tick is not a whole number of 10^-{self.quote_scale} of the quote asset; "
                "choose a larger tick or lot, or a finer scale",
                name="INVALID_UNITS",
            )
        object.__setattr__(self, "tick_lot", checked(tick_lot))

    def parse_price(self, text: str, *, field: str = "price") -> int:
        """Ticks of decimal text; `PRICE_OFF_TICK` between two of them."""
        amount = parse(text, scale=self.price_scale, field=field)
        return _whole(amount, self.tick, text=text, name="PRICE_OFF_TICK", what="tick", field=field)

    def parse_quantity(self, text: str, *, field: str = "quantity") -> int:
        """Lots of decimal text; `QUANTITY_OFF_LOT` between two of them."""
        amount = parse(text, scale=self.base_scale, field=field)
        return _whole(amount, self.lot, text=text, name="QUANTITY_OFF_LOT", what="lot", field=field)

    def format_price(self, ticks: int) -> str:
        """Decimal text of a price."""
        return format_amount(checked(product(ticks, self.tick)), scale=self.price_scale)

    def format_quantity(self, lots: int) -> str:
        """Decimal text of a quantity."""
        return format_amount(checked(product(lots, self.lot)), scale=self.base_scale)

    def base_amount(self, lots: int) -> int:
        """Base ledger units of a quantity."""
        return checked(product(lots, self.lot))

    def quote_amount(self, *, ticks: int, lots: int) -> int:
        """Quote ledger units of a quantity at a price: exact, without rounding."""
        return checked(product(ticks, lots, self.tick_lot))


def _whole(amount: int, unit: int, *, text: str, name: str, what: str, field: str) -> int:
    count, rest = divmod(amount, unit)
    if rest:
        raise AmountError(f"{text} is not a whole number of {what}s", name=name, field=field)
    return count
