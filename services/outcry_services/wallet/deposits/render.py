"""Deposits as users see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outcry.v1.deposit_api_pb2 import AsideDeposit, Deposit, DepositAddress

from outcry_services.wallet.deposits.sorting import asset_of
from outcry_services.wallet.scan.book import State

if TYPE_CHECKING:
    from outcry_services.wallet.deposits.aside_rows import Kept
    from outcry_services.wallet.deposits.rows import Shown
    from outcry_services.wallet.settings import AssetSettings, WalletFile

__all__ = ["address_message", "aside_message", "deposit_message"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {
    State.SEEN: "CONFIRMING",
    State.CREDITED: "CREDITED",
    State.GONE: "GONE",
    # It was credited, and stays so until a person decides.
    State.ALARMED: "CREDITED",
}


def address_message(asset: AssetSettings, address: str, *, file: WalletFile) -> DepositAddress:
    """Where to pay an asset to."""
    least = max(asset.dust, 10 ** max(asset.chain_scale - asset.scale, 0))
    return DepositAddress(
        asset=asset.asset,
        chain=file.chain,
        network=file.network,
        address=address,
        contract=asset.contract or "",
        confirmations=asset.confirmations,
        minimum=_text(least, asset.chain_scale),
    )


def deposit_message(shown: Shown, *, file: WalletFile, height: int) -> Deposit:
    """One that arrived; `height` is how far blocks were looked through."""
    _, txid, output = shown.id.split(":")
    asset = file.asset(shown.asset)
    aside = shown.state not in list(State)
    gone = shown.state in (State.GONE, State.ALARMED)
    return Deposit(
        chain=file.chain,
        network=file.network,
        transaction_id=txid,
        output=int(output),
        asset=shown.asset,
        amount=_text(shown.units, asset.chain_scale) if asset else str(shown.units),
        status="KEPT_ASIDE" if aside else _STATUS[State(shown.state)],
        reason=shown.state if aside else "",
        confirmations=0 if gone else max(0, height - shown.height + 1),
        needed=asset.confirmations if asset else 0,
        found_at=_moment(shown.found),
    )


def aside_message(kept: Kept, *, file: WalletFile) -> AsideDeposit:
    """One that was kept aside, as administrators see it."""
    aside = kept.aside
    asset = asset_of(aside.asset, file)
    return AsideDeposit(
        deposit=aside.id,
        network=file.network,
        user_id=str(aside.user_id),
        asset=aside.asset,
        amount=_text(aside.units, asset.chain_scale) if asset else str(aside.units),
        reason=aside.reason,
        found_at=_moment(kept.found),
        decision=kept.decision or "WAITING",
        actor=kept.actor,
        note=kept.note,
        decided_at=_moment(kept.decided) if kept.decided else "",
    )


def _moment(nanos: int) -> str:
    moment = _EPOCH + timedelta(microseconds=nanos // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text(units: int, scale: int) -> str:
    digits = str(units).rjust(scale + 1, "0")
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
