"""`policy.json`: what each signer agrees to sign (docs/services/signer.md). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.wallet.units import chain_units, coin_of, coin_units

if TYPE_CHECKING:
    from outcry_operator.models.wallet import Asset
    from outcry_operator.wallet.names import Wallet


def policy_of(wallet: Wallet) -> dict[str, Any]:
    """The file's content: the part of the wallet's own chain, and nothing for the others."""
    approvals = wallet.spec.approvals
    return {
        "risk_keys": {key.name: key.public_key for key in approvals.risk_keys},
        "approval_validity_seconds": approvals.validity_seconds,
        wallet.spec.chain: _PARTS[wallet.spec.chain](wallet),
    }


def asset_name(asset: Asset) -> str:
    """As policies and approvals write it: `BTC`, `USDT@0x…`."""
    return f"{asset.asset}@{asset.contract}" if asset.contract else asset.asset


def limits_of(asset: Asset) -> dict[str, Any]:
    """An asset's limits in chain units."""

    def units(text: str) -> str:
        return chain_units(text, asset.chain_scale)

    limits = asset.limits
    return {
        "per_withdrawal": units(limits.per_withdrawal),
        "per_day": units(limits.per_day),
        "per_address_per_day": units(limits.per_address_per_day),
        "approvers": [
            {"amount": units(step.amount), "approvers": step.approvers} for step in limits.approvers
        ],
    }


def _common(wallet: Wallet) -> dict[str, Any]:
    fees = wallet.spec.fees
    return {
        "max_fee": coin_units(wallet, fees.max_per_transaction),
        "max_fee_per_day": coin_units(wallet, fees.max_per_day),
        "cold": list(wallet.spec.cold),
    }


def _all_limits(wallet: Wallet) -> dict[str, Any]:
    return {asset_name(asset): limits_of(asset) for asset in wallet.spec.assets}


def _bitcoin(wallet: Wallet) -> dict[str, Any]:
    return {
        "network": wallet.spec.network,
        **_common(wallet),
        "max_fee_rate": wallet.spec.fees.max_rate,
        "limits": limits_of(coin_of(wallet)),
    }


def _ethereum(wallet: Wallet) -> dict[str, Any]:
    return {
        "chain_id": wallet.spec.chain_id,
        **_common(wallet),
        "gas_top_up": coin_units(wallet, wallet.spec.fees.gas_top_up),
        "assets": _all_limits(wallet),
    }


def _solana(wallet: Wallet) -> dict[str, Any]:
    return {"network": wallet.spec.network, **_common(wallet), "assets": _all_limits(wallet)}


_PARTS = {"bitcoin": _bitcoin, "ethereum": _ethereum, "solana": _solana}
