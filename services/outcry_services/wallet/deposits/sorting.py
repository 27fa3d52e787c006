"""Which payments are deposits, and which are kept aside. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.common.money import I64_MAX
from outcry_services.wallet.deposits.model import Aside, Reason
from outcry_services.wallet.scan.book import Deposit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry_services.wallet.deposits.model import Payment
    from outcry_services.wallet.settings import AssetSettings, WalletFile

__all__ = ["Sorted", "asset_of", "ledger_units", "sort"]


@dataclass(slots=True)
class Sorted:
    """What a block brought."""

    deposits: list[Deposit] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)


def ledger_units(units: int, asset: AssetSettings) -> int:
    """Whole ledger units; what is below one stays with the house."""
    found: int = units * 10**asset.scale // 10**asset.chain_scale
    return found


def sort(
    payments: Iterable[Payment], *, chain: str, owners: Mapping[bytes, int], assets: Sequence[AssetSettings]
) -> Sorted:
    """By what the wallet's assets say; payments to others are nobody's. Payments of nothing are nothing."""
    by_contract = {_contract(asset, chain): asset for asset in assets}
    found = Sorted()
    for payment in payments:
        user_id = owners.get(payment.owner)
        if user_id is None or payment.units <= 0:
            continue
        id_ = f"{chain}:{payment.txid}:{payment.output}"
        asset = by_contract.get(payment.contract)
        name = asset.asset if asset is not None else payment.contract or chain
        reason = _why_not(payment, asset)
        if reason is None:
            found.deposits.append(Deposit(id=id_, user_id=user_id, asset=name, amount=payment.units))
        else:
            found.aside.append(Aside(id=id_, user_id=user_id, asset=name, units=payment.units, reason=reason))
    return found


def asset_of(name: str, file: WalletFile) -> AssetSettings | None:
    """Of what was kept aside under this name: the ledger's, or a contract that it has a name for by now."""
    by_contract = {_contract(asset, file.chain): asset for asset in file.assets}
    return file.asset(name) or by_contract.get(name)


def _contract(asset: AssetSettings, chain: str) -> str | None:
    """As blocks show it: Ethereum's hex is written in any case, Solana's base58 in one."""
    return asset.contract.lower() if asset.contract and chain == "ethereum" else asset.contract


def _why_not(payment: Payment, asset: AssetSettings | None) -> Reason | None:
    if payment.own:
        return Reason.OWN
    if asset is None:
        return Reason.UNSUPPORTED
    units = ledger_units(payment.units, asset)
    if units > I64_MAX:
        return Reason.TOO_LARGE
    return Reason.DUST if payment.units < asset.dust or units == 0 else None
