"""Amounts between the ledger's units and the chain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.errors import UnpayableError

if TYPE_CHECKING:
    from outcry_services.wallet.settings import AssetSettings

__all__ = ["chain_units", "decimal_text"]


def chain_units(amount: int, *, asset: AssetSettings) -> int:
    """Of an amount in ledger units; raises `UnpayableError` where the chain is not as exact."""
    if asset.chain_scale >= asset.scale:
        return amount * int(10 ** (asset.chain_scale - asset.scale))
    units, rest = divmod(amount, 10 ** (asset.scale - asset.chain_scale))
    if rest:
        raise UnpayableError(
            f"the chain has {asset.chain_scale} decimals of {asset.asset}, and the amount more",
            name="AMOUNT_TOO_PRECISE",
        )
    return int(units)


def decimal_text(units: int, *, scale: int) -> str:
    """An amount of the chain's units, with all its decimals."""
    digits = str(units).rjust(scale + 1, "0")
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
