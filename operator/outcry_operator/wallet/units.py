"""Amounts of a spec in chain units. Exact: the API server has seen to it that none is a fraction."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_operator.models.wallet import Asset
    from outcry_operator.wallet.names import Wallet

DIGITS = 60


def chain_units(text: str, scale: int) -> str:
    """`"0.5"` at scale 8 is `"50000000"`; raises ValueError for what is no whole number of units."""
    with localcontext() as context:
        context.prec = DIGITS
        units = Decimal(text).scaleb(scale)
        if units != units.to_integral_value():
            raise ValueError(f"{text} has more than {scale} decimals")
        return format(units.to_integral_value(), "f")


def asset_text(units: int, scale: int) -> str:
    """50000000 at scale 8 is `"0.5"`."""
    with localcontext() as context:
        context.prec = DIGITS
        text = format(Decimal(units).scaleb(-scale), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def coin_of(wallet: Wallet) -> Asset:
    """The chain's own coin among the assets; the API server has seen to it that there is one."""
    return next(asset for asset in wallet.spec.assets if asset.type == "Native")


def coin_units(wallet: Wallet, text: str) -> str:
    """An amount of the chain's own coin."""
    return chain_units(text, coin_of(wallet).chain_scale)


def seconds(duration: str) -> float:
    """`500ms`, `2s`, `30m`."""
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0)):
        if duration.endswith(suffix):
            return int(duration.removesuffix(suffix)) * factor
    raise ValueError(f"{duration} is no duration")
