"""Statements and trial balances as messages: decimal text by the scales of the assets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outcry.v1.ledger_api_pb2 import AssetBalance, LogPosition, StatementLine, TrialBalance

from outcry_services.settlement.model import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.common.pairs import Pair
    from outcry_services.settlement.audit import Trial
    from outcry_services.settlement.reading_store import Line

__all__ = ["amount_text", "scales_of", "statement_line", "time_text", "trial_balance"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def scales_of(pairs: Mapping[str, Pair]) -> dict[str, int]:
    """The decimals of every asset that some pair trades."""
    return {asset.name: asset.scale for pair in pairs.values() for asset in (pair.base, pair.quote)}


def time_text(nanos: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    when = _EPOCH + timedelta(microseconds=nanos // 1000)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def statement_line(line: Line, scales: Mapping[str, int]) -> StatementLine:
    """One line as clients see it."""
    return StatementLine(
        asset=line.asset,
        account=line.account,
        amount=_text(line.amount, line.asset, scales),
        balance=_text(line.balance, line.asset, scales),
        kind=line.kind,
        order_id=str(line.order_id) if line.order_id else "",
        symbol=line.symbol,
        trade_id=str(line.trade_id) if line.trade_id else "",
        time=time_text(line.time_unix_nanos),
    )


def trial_balance(trial: Trial, scales: Mapping[str, int]) -> TrialBalance:
    """What was found, and at which position of the logs."""
    return TrialBalance(
        balanced=trial.balanced,
        assets=[_asset(asset, trial.sums[asset], scales) for asset in sorted(trial.sums)],
        positions=[
            LogPosition(topic=topic, partition=partition, offset=offset)
            for topic, partition, offset in trial.positions
        ],
        transactions=trial.transactions,
        faults=trial.faults,
    )


def _asset(asset: str, sums: Mapping[Account, int], scales: Mapping[str, int]) -> AssetBalance:
    def text(account: Account) -> str:
        return _text(sums.get(account, 0), asset, scales)

    return AssetBalance(
        asset=asset,
        available=text(Account.AVAILABLE),
        held=text(Account.HELD),
        fees=text(Account.FEES),
        deposits=text(Account.DEPOSITS),
        withdrawals_in_flight=text(Account.WITHDRAWALS_IN_FLIGHT),
        withdrawals=text(Account.WITHDRAWALS),
        chain_fees=text(Account.CHAIN_FEES),
        costs=text(Account.COSTS),
        house=text(Account.HOUSE),
        sum=_text(sum(sums.values()), asset, scales),
        adjustments=text(Account.ADJUSTMENTS),
        clearing=text(Account.CLEARING),
    )


def _text(amount: int, asset: str, scales: Mapping[str, int]) -> str:
    return amount_text(amount, scales.get(asset))


def amount_text(amount: int, scale: int | None) -> str:
    """An asset whose last pair is gone has no scale that anybody knows: its ledger units are shown as such.

    Not `format_amount`: sums over all accounts may leave the range of one amount, and are shown all the same.
    """
    if scale is None:
        return f"{amount} units"
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"
