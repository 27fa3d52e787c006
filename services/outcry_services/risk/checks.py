"""The rules, each of which says why an order may not be, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import OrderType, Side

from outcry_services.risk import errors
from outcry_services.risk.limits import UserMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry.v1.risk_api_pb2 import OrderCheck

    from outcry_services.risk.limits import Limits

__all__ = ["ALLOWED", "Refusal", "Standing", "why_no_order", "why_no_withdrawal"]

BPS = 10_000

_PRICED = frozenset({OrderType.ORDER_TYPE_LIMIT, OrderType.ORDER_TYPE_LIMIT_MAKER})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A verdict: `name` is empty where all is well."""

    name: str
    message: str


ALLOWED = Refusal("", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What counts for one user in one pair, reservations included."""

    open_orders: int
    exposure: int
    """Tick-lots that open orders may still trade."""
    volume: int
    """Tick-lots traded on the day of the check."""
    reference: int
    """Ticks of the last trade; 0: there is none, and no price to compare with."""


def why_no_order(check: OrderCheck, *, mode: UserMode, limits: Limits, standing: Standing) -> Refusal:
    """The first rule that an order breaks, `ALLOWED` if it breaks none."""
    if mode is not UserMode.ACTIVE:
        return _closed(mode)
    return next(_broken(check, limits, standing), ALLOWED)


def why_no_withdrawal(mode: UserMode) -> Refusal:
    """Withdrawals are open to everybody who is not suspended; amounts are the withdrawal's own limits."""
    return _closed(mode) if mode is UserMode.SUSPENDED else ALLOWED


def _closed(mode: UserMode) -> Refusal:
    if mode is UserMode.SUSPENDED:
        return Refusal(
            errors.USER_SUSPENDED, "this account is suspended: it may cancel alone; write to support"
        )
    return Refusal(errors.USER_WITHDRAW_ONLY, "this account may cancel and withdraw alone; write to support")


def _broken(check: OrderCheck, limits: Limits, standing: Standing) -> Iterator[Refusal]:
    most = limits.max_order_notional
    if most is not None and check.notional > most:
        yield Refusal(
            errors.ORDER_NOTIONAL_LIMIT,
            f"the order comes to {check.notional} tick-lots in {check.symbol}, {most} are the most",
        )
    most = limits.max_open_orders
    if most is not None and standing.open_orders >= most:
        yield Refusal(
            errors.OPEN_ORDERS_LIMIT,
            f"{standing.open_orders} orders are open in {check.symbol}, {most} are the most; "
            "cancel one first",
        )
    most, used = limits.max_daily_volume, standing.volume + standing.exposure
    if most is not None and used + check.notional > most:
        yield Refusal(
            errors.DAILY_VOLUME_LIMIT,
            f"with this order {used + check.notional} tick-lots would be traded or on offer in "
            f"{check.symbol} today (UTC), {most} are the most",
        )
    if limits.price_collar_bps is not None and _outside(check, limits.price_collar_bps, standing.reference):
        yield Refusal(
            errors.PRICE_COLLAR,
            f"a price of {check.price} ticks is more than {limits.price_collar_bps} basis points worse than "
            f"{check.stop_price or standing.reference}, to which it is held",
        )


def _outside(check: OrderCheck, bps: int, reference: int) -> bool:
    """Whether a price is worse than the last trade's, or a stop's than its stop price, by more than that."""
    if check.type not in _PRICED:
        reference = check.stop_price
    if not check.price or not reference:
        return False
    if check.side == Side.SIDE_BUY:
        return check.price * BPS > reference * (BPS + bps)
    return check.price * BPS < reference * (BPS - bps)
